/** The form that an upload is, as the indexes of Python packages take it. */

import type { Digests } from "../wheels/digests.ts";
import type { CoreMetadata } from "../wheels/packages/metadata.ts";

/** What a form states of its file. */
export interface FormFacts {
  /** The file's name. */
  readonly filename: string;
  /** What the archive says of itself. */
  readonly metadata: CoreMetadata;
  /** Its digests. */
  readonly hex: Digests["hex"];
}

/** A form but for the bytes of the file. */
export interface FormFrame {
  /** What comes before them. */
  readonly head: Uint8Array;
  /** What comes after them. */
  readonly tail: Uint8Array;
}

/** Those fields of core metadata whose names in forms are not their own with underscores. */
const FORM_NAMES: Readonly<Record<string, string>> = Object.freeze({
  classifier: "classifiers",
  "project-url": "project_urls",
  "import-name": "import_names",
  "import-namespace": "import_namespaces",
});

/** Stated beside the rest of the metadata. */
const STATED_APART: ReadonlySet<string> = new Set(["requires-python", "description"]);

/** The form around a file; `boundary` must occur nowhere in it. */
export function formAround(facts: FormFacts, boundary: string): FormFrame {
  const fields = [...identity(facts), ...described(facts.metadata)];
  const parts = fields.map(([name, value]) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`
  );
  const file = `--${boundary}\r\n` +
    `Content-Disposition: form-data; name="content"; filename="${facts.filename}"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const encoder = new TextEncoder();
  return {
    head: encoder.encode(parts.join("") + file),
    tail: encoder.encode(`\r\n--${boundary}--\r\n`),
  };
}

/** The form around a file as curdling's server takes it: one field, named as the file. */
export function fieldAround(filename: string, boundary: string): FormFrame {
  const head = `--${boundary}\r\n` +
    `Content-Disposition: form-data; name="${filename}"; filename="${filename}"\r\n` +
    "Content-Type: application/octet-stream\r\n\r\n";
  const encoder = new TextEncoder();
  return { head: encoder.encode(head), tail: encoder.encode(`\r\n--${boundary}--\r\n`) };
}

function identity({ filename, hex }: FormFacts): [string, string][] {
  const isWheel = filename.endsWith(".whl");
  const digests = {
    sha256_digest: hex.sha256,
    md5_digest: hex.md5,
    blake2_256_digest: hex.blake2b,
  };
  return [
    [":action", "file_upload"],
    ["protocol_version", "1"],
    ["filetype", isWheel ? "bdist_wheel" : "sdist"],
    ["pyversion", isWheel ? filename.split("-").at(-3)! : "source"],
    ...Object.entries(digests).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [[name, value]]
    ),
  ];
}

function described(metadata: CoreMetadata): [string, string][] {
  const fields = [...metadata.fields].filter(([name]) => !STATED_APART.has(name));
  return [
    ...fields.flatMap(([name, values]) =>
      values.map((value): [string, string] => [formName(name), value.trim()])
    ),
    // GitLab wants it even if there is none.
    ["requires_python", metadata.requiresPython ?? ""],
    ["description", metadata.description ?? ""],
  ];
}

// Whatever an archive has for a name must not end the header that it stands in.
function formName(name: string): string {
  return FORM_NAMES[name] ?? name.replace(/[^a-z0-9]/g, "_");
}
