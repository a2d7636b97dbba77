/**
 * Core metadata: the METADATA file of a wheel and the PKG-INFO of a source distribution.
 *
 * The format is that of mail headers: `Field: value` lines, a value going on in lines that begin
 * with a blank, then an empty line and the description as body. It is UTF-8 since version 2.1 of
 * the specification; bytes that are not are replaced by U+FFFD, for a wrong accent in an author's
 * name is no reason to refuse a package. Fields are found without regard to case.
 */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { excerpt } from "../../contracts/excerpt.ts";

/** Core metadata of one distribution. Absent facts are `undefined`, lists then empty. */
export interface CoreMetadata {
  /** The version of the metadata specification, e.g. `"2.1"`. */
  readonly metadataVersion: string;
  /** The project name as stated. */
  readonly name: string;
  /** The version as stated. */
  readonly version: string;
  /** One line about the project. */
  readonly summary: string | undefined;
  /** The specifiers of the Python versions it runs on. */
  readonly requiresPython: string | undefined;
  /** Requirements (PEP 508), in their order. */
  readonly requiresDist: readonly string[];
  /** The extras it provides, as stated. */
  readonly providesExtra: readonly string[];
  /** The long description: the body, or the field of that name. */
  readonly description: string | undefined;
  /** Every field by its name in lower case, in the order of first appearance. */
  readonly fields: ReadonlyMap<string, readonly string[]>;
}

/** More fields than any real distribution has. */
const MOST_FIELDS = 10_000;

const FIELD_LINE = /^([!-9;-~]+)[ \t]*:[ \t]*(.*)$/s;

/**
 * Reads core metadata.
 *
 * Throws an `InvalidDistributionError` where Metadata-Version, Name or Version is missing or
 * stated twice, where a header line is none, or where there are more than 10,000 of them. The
 * legacy value `UNKNOWN` counts as absent. Source: the packaging specification "Core metadata".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseMetadata } from "@cairn/cache/wheels";
 *
 * const text = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\nRequires-Dist: bar>=2\n\nA story.\n";
 * const metadata = parseMetadata(new TextEncoder().encode(text));
 * assert.equal(metadata.name, "foo");
 * assert.deepEqual(metadata.requiresDist, ["bar>=2"]);
 * assert.equal(metadata.description, "A story.\n");
 * ```
 */
export function parseMetadata(bytes: Uint8Array): CoreMetadata {
  const text = new TextDecoder().decode(bytes);
  const { head, body } = splitBody(text);
  const fields = readFields(head);
  return Object.freeze({
    metadataVersion: required(fields, "Metadata-Version"),
    name: required(fields, "Name"),
    version: required(fields, "Version"),
    summary: stated(fields, "summary"),
    requiresPython: stated(fields, "requires-python"),
    requiresDist: fields.get("requires-dist") ?? [],
    providesExtra: fields.get("provides-extra") ?? [],
    description: body === "" ? unindented(stated(fields, "description")) : body,
    fields,
  });
}

/**
 * The fields of a file in the format of metadata by their names in lower case, each with its values in
 * their order. Throws an `InvalidDistributionError` that names the file where a line is no field.
 */
export function fieldsIn(bytes: Uint8Array, name: string): ReadonlyMap<string, readonly string[]> {
  return readFields(splitBody(new TextDecoder().decode(bytes)).head, name);
}

function splitBody(text: string): { head: string[]; body: string } {
  const end = /\r?\n[ \t]*\r?\n|\r\r/.exec(text);
  const head = end === null ? text : text.slice(0, end.index);
  const body = end === null ? "" : text.slice(end.index + end[0].length);
  return { head: head.split(/\r\n|\n|\r/), body };
}

function readFields(
  lines: readonly string[],
  file = "metadata",
): ReadonlyMap<string, readonly string[]> {
  const fields = new Map<string, string[]>();
  let values: string[] | undefined;
  let count = 0;
  for (const line of lines) {
    if (values !== undefined && /^[ \t]/.test(line)) {
      values.push(`${values.pop()}\n${line}`);
      continue;
    }
    if (line === "") continue;
    const [, name, value] = FIELD_LINE.exec(line) ?? [];
    if (name === undefined) {
      throw new InvalidDistributionError(`${file} has the line "${excerpt(line)}"`);
    }
    if (++count > MOST_FIELDS) throw new InvalidDistributionError(`${file} has too many fields`);
    values = fields.get(name.toLowerCase()) ?? [];
    values.push(value!.trimEnd());
    fields.set(name.toLowerCase(), values);
  }
  return fields;
}

function required(fields: CoreMetadata["fields"], name: string): string {
  const values = fields.get(name.toLowerCase()) ?? [];
  if (values.length > 1) throw new InvalidDistributionError(`metadata states ${name} twice`);
  const value = values[0]?.trim();
  if (!value) throw new InvalidDistributionError(`metadata states no ${name}`);
  return value;
}

function stated(fields: CoreMetadata["fields"], name: string): string | undefined {
  const value = fields.get(name)?.[0]?.trim();
  return value === "" || value === "UNKNOWN" ? undefined : value;
}

/** A description in a header has its lines indented by eight blanks, or by seven and a bar. */
function unindented(text: string | undefined): string | undefined {
  return text?.replace(/\n(?: {7}\||\t| {8})/g, "\n");
}
