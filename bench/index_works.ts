/** The work of a large index, the same on every store and in every runtime. */

import { systemClock } from "../src/contracts/clock.ts";
import type { FileStore, StoredFile } from "../src/contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../src/contracts/index_cache.ts";
import { portableDigests } from "../src/wheels/digests.ts";
import { reloadIndex } from "../src/wheels/reload.ts";

/** The title of a reload where nothing has changed. */
export const RELOAD = "graceful reload of 25,000 unchanged files";

/** The title of saving many records at once. */
export const SAVE_MANY = "saveMany of 5,000 files";

const PROJECT_FILES = 5_000;
const ALL_FILES = 25_000;

function record(project: string, number: number): PackageFile {
  const filename = `${project}-1.${number}-py3-none-any.whl`;
  return {
    filename,
    project,
    version: `1.${number}`,
    uploadedAt: 1_700_000_000_000 + number,
    sizeBytes: 10_000 + number,
    sha256: number.toString(16).padStart(64, "0"),
    path: `${project}/${filename}`,
    md5: "d".repeat(32),
    blake2b: "b".repeat(64),
    requiresPython: ">=3.9",
    summary: "A project whose summary has a usual length",
    metadataSha256: "c".repeat(64),
  };
}

const large = Array.from({ length: PROJECT_FILES }, (_, at) => record("large", at));
const many = Array.from(
  { length: ALL_FILES - PROJECT_FILES },
  (_, at) => record(`project${at % 2_000}`, at),
);
const paths: readonly StoredFile[] = [...large, ...many]
  .map(({ path, sizeBytes, uploadedAt }) => ({ path, sizeBytes, modifiedAt: uploadedAt }))
  .sort((left, right) => left.path < right.path ? -1 : 1);

/** A store whose files are those of the records; a reload that reads one of them has failed. */
const files: FileStore = {
  name: "listing",
  head: () => Promise.reject(new Error("a file was looked for")),
  read: () => Promise.reject(new Error("a file was read")),
  put: () => Promise.reject(new Error("a file was written")),
  stage: () => Promise.reject(new Error("a file was written")),
  delete: () => Promise.reject(new Error("a file was deleted")),
  list: ({ limit, cursor = "0" }) => {
    const next = Number(cursor) + limit;
    const page = paths.slice(Number(cursor), next);
    return Promise.resolve({
      files: page,
      cursor: next < paths.length ? String(next) : undefined,
    });
  },
};

/** Puts everything into an index. */
export async function fill(index: IndexCache): Promise<void> {
  await index.saveMany([...large, ...many]);
}

/** The works by their titles; each fails where it finds something else than it should. */
export const works: Readonly<Record<string, (index: IndexCache) => Promise<void>>> = {
  [SAVE_MANY]: (index) => index.saveMany(large),
  "all() of 5,000 files": async (index) => {
    expect((await index.all("large")).files.length, PROJECT_FILES);
  },
  "distinct of 25,000 files": async (index) => expect((await index.distinct()).length, 2_001),
  "summary of 25,000 files": async (index) => expect((await index.summary()).length, 2_001),
  [RELOAD]: async (index) => {
    const parts = { files, index, digests: portableDigests, log: () => {}, clock: systemClock };
    const report = await reloadIndex(parts);
    expect(report.unchanged, ALL_FILES);
    expect(report.taken + report.removed + report.skipped, 0);
  },
};

function expect(found: number, wanted: number): void {
  if (found !== wanted) throw new Error(`found ${found}, not ${wanted}`);
}
