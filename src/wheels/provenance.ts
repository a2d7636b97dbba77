/**
 * The provenance of files of ours (PEP 740): the attestations that came with an upload, kept beside the
 * file as the document in which indexes publish them.
 */

import type { FileStore } from "../contracts/file_store.ts";
import { type Attestation, type AttestedFile, parseAttestations } from "./packages/attestations.ts";
import { provenancePath } from "./paths.ts";
import { sha256Hex } from "./sha256_hex.ts";
import { readAll } from "./upstream/read_all.ts";

/** More is not kept as a form's field either. */
const MOST_BYTES = 4 * 1_048_576;

/** The bytes of a provenance. */
export async function readProvenance(
  files: FileStore,
  path: string,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const opened = await files.read(provenancePath(path));
  if (opened === undefined) return undefined;
  if (opened.file.sizeBytes <= MOST_BYTES) return await readAll(opened.body);
  await opened.body.cancel();
  return undefined;
}

/** Stores attestations beside their file, in place of those of another one that was there before. */
export async function layProvenance(
  files: FileStore,
  path: string,
  attestations: readonly Attestation[],
): Promise<void> {
  const bytes = new TextEncoder().encode(documentOf(attestations));
  const expected = { sizeBytes: bytes.byteLength, sha256: await sha256Hex(bytes) };
  const beside = provenancePath(path);
  const lay = () => files.put(beside, new Blob([bytes]).stream(), expected);
  if (await lay() === "stored") return;
  await files.delete(beside);
  await lay();
}

/** Whether the provenance of this very file lies beside it. */
export async function hasProvenance(
  files: FileStore,
  { path, ...file }: AttestedFile & { readonly path: string },
): Promise<boolean> {
  const bytes = await readProvenance(files, path);
  if (bytes === undefined) return false;
  try {
    const { attestation_bundles: bundles } = JSON.parse(new TextDecoder().decode(bytes));
    parseAttestations(JSON.stringify(bundles[0].attestations), file);
    return true;
  } catch {
    // Somebody has put something else there, or replaced the file by hand.
    return false;
  }
}

// An index that checked who published would name him; this one has only let him in.
function documentOf(attestations: readonly Attestation[]): string {
  const bundle = { publisher: { kind: "cairn" }, attestations };
  return `${JSON.stringify({ version: 1, attestation_bundles: [bundle] })}\n`;
}
