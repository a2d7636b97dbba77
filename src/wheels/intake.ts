/** Taking a file into the index: reading its facts out of it and laying its metadata beside it. */

import type { ByteRange, Expected, FileStore } from "../contracts/file_store.ts";
import type { PackageFile } from "../contracts/index_cache.ts";
import { type ArchiveFacts, inspectArchive } from "./packages/archive.ts";
import { type DigestFactory, DigestTap } from "./digests.ts";
import { normalizeName } from "./packages/names.ts";
import { metadataPath } from "./paths.ts";
import type { RangeSource } from "./packages/range_source.ts";
import { readAll } from "./upstream/read_all.ts";
import { sha256Hex } from "./sha256_hex.ts";

/** The facts of a record that come out of the archive. */
export type ArchiveRecord = Pick<
  PackageFile,
  "project" | "version" | "requiresPython" | "summary" | "metadataSha256"
>;

/**
 * Reads the facts of a stored file out of it, and stores its metadata beside it. Throws what
 * {@linkcode inspectArchive} throws.
 */
export async function takeIn(
  files: FileStore,
  path: string,
  sizeBytes: number,
): Promise<ArchiveRecord> {
  const filename = path.slice(path.lastIndexOf("/") + 1);
  const source = storedSource(files, path, sizeBytes);
  const facts = await inspectArchive(filename, source, { entries: "metadata" });
  return await layMetadata(files, path, facts);
}

/**
 * Stores the metadata of a wheel beside it, and answers what a record says of the archive. A source
 * distribution's metadata may differ from that of the wheels built from it, so it is not announced.
 */
export async function layMetadata(
  files: FileStore,
  path: string,
  { metadata, metadataBytes }: ArchiveFacts,
): Promise<ArchiveRecord> {
  const { requiresPython, summary } = metadata;
  const record = {
    project: normalizeName(metadata.name),
    version: metadata.version,
    ...(requiresPython === undefined ? {} : { requiresPython }),
    ...(summary === undefined ? {} : { summary }),
  };
  if (!path.endsWith(".whl")) return record;
  const bytes = new Uint8Array(metadataBytes);
  const expected = { sizeBytes: bytes.byteLength, sha256: await sha256Hex(bytes) };
  const beside = metadataPath(path);
  const lay = () => files.put(beside, new Blob([bytes]).stream(), expected);
  if (await lay() === "exists" && !(await holds(files, beside, expected))) {
    await files.delete(beside);
    await lay();
  }
  return { ...record, metadataSha256: expected.sha256 };
}

// A wheel that was replaced by hand, or spoilt and fetched again, leaves the metadata of the former.
async function holds(files: FileStore, path: string, expected: Expected): Promise<boolean> {
  const opened = await files.read(path);
  if (opened?.file.sizeBytes !== expected.sizeBytes) {
    await opened?.body.cancel();
    return false;
  }
  return await sha256Hex(await readAll(opened.body)) === expected.sha256;
}

/** The digest of a stored file, or `undefined` where there is none. */
export async function digestStored(
  files: FileStore,
  path: string,
  digests: DigestFactory,
): Promise<string | undefined> {
  const opened = await files.read(path);
  if (opened === undefined) return undefined;
  const tap = new DigestTap(["sha256"], digests);
  await opened.body.pipeThrough(tap).pipeTo(new WritableStream());
  return tap.result().hex.sha256;
}

function storedSource(files: FileStore, path: string, sizeBytes: number): RangeSource {
  return {
    sizeBytes,
    read: async (range: ByteRange) => {
      const opened = await files.read(path, range);
      if (opened === undefined) throw new RangeError(`Cannot read "${path}": it is gone`);
      return await readAll(opened.body);
    },
  };
}
