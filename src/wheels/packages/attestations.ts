/**
 * Attestations of files (PEP 740): statements that somebody has signed, each about one file by its name
 * and digest.
 *
 * Here is checked what they are about and that their form is sound, so that nothing is shown beside a
 * file that speaks of another one. Whether the signatures are good is for their readers to judge, who
 * know whom they trust; an index that said so would only have to be believed.
 */

import { compareVersions } from "../../contracts/versions.ts";
import { type ParsedFilename, parseFilename } from "./names.ts";

/** An attestation as it was sent, its form being sound. */
export type Attestation = Readonly<Record<string, unknown>>;

/** The file that attestations must be about. */
export interface AttestedFile {
  /** Its name. */
  readonly filename: string;
  /** Its SHA-256 in hexadecimal. */
  readonly sha256: string;
}

/** One for each kind of statement that indexes know, and room for those to come. */
const MOST_ATTESTATIONS = 8;

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";

/**
 * Reads the field of a form: a list of attestations of a file in JSON. Throws a `SyntaxError` that says
 * what is wrong with it.
 */
export function parseAttestations(text: string, file: AttestedFile): readonly Attestation[] {
  const list = jsonOf(text, "the list");
  if (!Array.isArray(list) || list.length > MOST_ATTESTATIONS) {
    throw new SyntaxError(
      `Cannot read attestations: expected a list of at most ${MOST_ATTESTATIONS} attestations`,
    );
  }
  const kinds = list.map((each) => checkedKind(objectOf(each, "an attestation"), file));
  const repeated = kinds.find((kind, at) => kinds.indexOf(kind) < at);
  if (repeated !== undefined) {
    throw new SyntaxError(`Cannot read attestations: two of them are of type "${repeated}"`);
  }
  return list as Attestation[];
}

/** The kind of an attestation that is sound and about this file. */
function checkedKind(attestation: Attestation, file: AttestedFile): string {
  if (attestation.version !== 1) {
    throw new SyntaxError("Cannot read attestations: an attestation is not of version 1");
  }
  const material = objectOf(attestation.verification_material, "verification_material");
  bytesOf(material.certificate, "certificate");
  const entries = material.transparency_entries;
  if (!Array.isArray(entries) || entries.length === 0 || !entries.every(isObject)) {
    throw new SyntaxError("Cannot read attestations: transparency_entries is no list of entries");
  }
  const envelope = objectOf(attestation.envelope, "envelope");
  bytesOf(envelope.signature, "signature");
  const statement = bytesOf(envelope.statement, "statement");
  return checkStatement(objectOf(jsonOf(statement, "the statement"), "the statement"), file);
}

function checkStatement(statement: Record<string, unknown>, file: AttestedFile): string {
  const { _type: type, subject, predicateType } = statement;
  if (type !== STATEMENT_TYPE || typeof predicateType !== "string") {
    throw new SyntaxError(
      `Cannot read attestations: the statement is no in-toto statement of version 1`,
    );
  }
  const [only, ...others] = Array.isArray(subject) ? subject : [];
  if (only === undefined || others.length > 0) {
    throw new SyntaxError("Cannot read attestations: the statement is not about exactly one file");
  }
  const { name, digest } = objectOf(only, "the subject");
  if (typeof name !== "string" || !isSameName(name, file.filename)) {
    throw new SyntaxError(
      `Cannot read attestations: the statement is not about "${file.filename}"`,
    );
  }
  if (objectOf(digest, "the digest").sha256 !== file.sha256) {
    throw new SyntaxError(
      `Cannot read attestations: the statement is about other content of "${file.filename}"`,
    );
  }
  return predicateType;
}

// Builders spell project and version their own way; the file is the same.
function isSameName(name: string, filename: string): boolean {
  if (name === filename) return true;
  const [one, other] = [parseFilename(name), parseFilename(filename)];
  return one !== undefined && other !== undefined && one.kind === other.kind &&
    one.project === other.project && compareVersions(one.version, other.version) === 0 &&
    one.build === other.build && tagsOf(one) === tagsOf(other);
}

function tagsOf({ tags = [] }: ParsedFilename): string {
  return [...tags].sort().join(" ");
}

function bytesOf(value: unknown, what: string): string {
  try {
    if (typeof value === "string" && value !== "") {
      const bytes = Uint8Array.from(atob(value), (character) => character.charCodeAt(0));
      return new TextDecoder().decode(bytes);
    }
  } catch {
    // Told below.
  }
  throw new SyntaxError(`Cannot read attestations: ${what} is no base64`);
}

function jsonOf(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new SyntaxError(`Cannot read attestations: ${what} is no JSON`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function objectOf(value: unknown, what: string): Record<string, unknown> {
  if (!isObject(value)) throw new SyntaxError(`Cannot read attestations: ${what} is no object`);
  return value;
}
