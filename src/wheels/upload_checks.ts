/** What an upload is judged by, one rule each. A rule that is broken throws what its sender is told. */

import { InvalidFilenameError, UploadRefusedError } from "../contracts/errors.ts";
import { excerpt } from "../contracts/excerpt.ts";
import { compareVersions } from "../contracts/versions.ts";
import type { Digests } from "./digests.ts";
import type { ArchiveFacts } from "./packages/archive.ts";
import { normalizeName, parseFilename } from "./packages/names.ts";
import { isStorable } from "./paths.ts";
import type { Rules } from "./rules/rules.ts";
import type { PublishOptions, UploadClaims } from "./upload.ts";

/** The name must be that of a package, of the kind that is claimed. */
export function checkName({ filename, name, filetype }: UploadClaims): void {
  const parsed = isStorable(filename) ? parseFilename(filename, name) : undefined;
  if (parsed === undefined) {
    const whose = name === undefined ? "" : ` of project "${excerpt(name)}"`;
    throw new InvalidFilenameError(
      filename,
      `is no name of a wheel or source distribution${whose}; ` +
        `expected "name-version-python-abi-platform.whl" or "name-version.tar.gz"`,
    );
  }
  const kind = parsed.kind === "wheel" ? "bdist_wheel" : "sdist";
  if (filetype !== undefined && filetype !== kind) {
    throw new UploadRefusedError(
      "form",
      `Invalid value for filetype: "${excerpt(filetype)}" is not "${kind}"`,
    );
  }
}

/** The sender must have the right, by the archive's own name: forms say what their senders like. */
export function checkRight(
  project: string,
  { uploader }: UploadClaims,
  mayWrite: NonNullable<PublishOptions["mayWrite"]>,
): void {
  if (mayWrite(project)) return;
  const who = uploader === undefined ? "A user" : `The user '${excerpt(uploader)}'`;
  const message = `${who} is not allowed to upload to project '${project}'.`;
  throw new UploadRefusedError("forbidden", message);
}

/** Every digest that is claimed must be the right one. */
export function checkDigests(claims: UploadClaims, { hex }: Digests): void {
  for (const algorithm of ["sha256", "md5", "blake2b"] as const) {
    const claimed = claims[algorithm];
    if (claimed === undefined || claimed.toLowerCase() === hex[algorithm]) continue;
    throw new UploadRefusedError(
      "digest",
      "The digest supplied does not match a digest calculated from the uploaded file.",
    );
  }
}

/** The project and the version that are claimed must be the archive's. */
export function checkClaims(claims: UploadClaims, { metadata }: ArchiveFacts): void {
  const { filename, name, version } = claims;
  if (name !== undefined && normalizeName(name) !== normalizeName(metadata.name)) {
    throw new InvalidFilenameError(
      filename,
      `is a file of project "${excerpt(metadata.name)}", not of "${excerpt(name)}"`,
    );
  }
  if (version !== undefined && compareVersions(version, metadata.version) !== 0) {
    throw new InvalidFilenameError(
      filename,
      `is a file of version "${excerpt(metadata.version)}", not of "${excerpt(version)}"`,
    );
  }
}

/** What is laid down for the project must allow it. */
export function checkRules(
  rules: Rules,
  { project, version, digests }: {
    readonly project: string;
    readonly version: string;
    readonly digests: Digests;
  },
  usualBytes: number,
): void {
  const { sizeBytes, hex: { sha256 } } = digests;
  const closure = rules.closureOf(project);
  if (closure !== undefined) throw new UploadRefusedError("closed", `${closure}.`);
  const denial = rules.denialOf({ project, version, sha256 });
  if (denial !== undefined) {
    const message = `This file of project '${project}' is not allowed here: ${denial}.`;
    throw new UploadRefusedError("closed", message);
  }
  if (!rules.takesLocalVersions && version.includes("+")) {
    throw new UploadRefusedError(
      "form",
      `The use of local versions in '${excerpt(version)}' is not allowed here.`,
    );
  }
  const maxBytes = rules.maxUploadBytesOf(project, usualBytes);
  if (sizeBytes > maxBytes) throw tooLarge(maxBytes, project);
}

/** Other bytes have the name. */
export function alreadyExists(filename: string, blake2b: string | undefined): UploadRefusedError {
  const hash = blake2b === undefined ? "" : `, with blake2_256 hash '${blake2b}'`;
  return new UploadRefusedError("exists", `File already exists ('${filename}'${hash}).`);
}

/** Other bytes had the name, and are deleted. */
export function nameUsed(): UploadRefusedError {
  const message = "This filename has already been used, use a different version.";
  return new UploadRefusedError("used", message);
}

/** It has more bytes than may be, for its project or for all. */
export function tooLarge(maxBytes: number, project?: string): UploadRefusedError {
  const limit = maxBytes >= 1_048_576
    ? `${Math.floor(maxBytes / 1_048_576)} MB`
    : `${maxBytes} bytes`;
  const whose = project === undefined ? "The limit" : `Limit for project '${project}'`;
  return new UploadRefusedError("too-large", `File too large. ${whose} is ${limit}.`);
}
