/**
 * A file store on a folder, for Deno and Node.
 *
 * Published files lie under their own paths, so the folder can be read and filled by other means
 * too. A body is first written to `.cairn/staging` in the same file system, synced, and then linked to
 * its path: the link appears whole or not at all, and fails where a file exists. So the file
 * system must have hard links. Names that begin with a dot, symbolic links, and whatever else is
 * not a regular file are never listed, read or followed.
 */

import { type FileHandle, mkdir, open, realpath } from "node:fs/promises";
import { type Clock, systemNow } from "../src/contracts/clock.ts";
import { BackendError } from "../src/contracts/errors.ts";
import {
  checkByteCount,
  checkByteRange,
  checkExpected,
  checkFilePath,
  checkPageLimit,
} from "../src/contracts/file_rules.ts";
import type {
  ByteRange,
  Expected,
  FileBody,
  FilePage,
  FileStore,
  Published,
  StagedFile,
  StoredFile,
} from "../src/contracts/file_store.ts";
import {
  alreadyEnded,
  attempt,
  consuming,
  tooManyBytes,
  wrongDigest,
  wrongLength,
} from "./files/bodies.ts";
import { FolderListing } from "./files/folder_listing.ts";
import { type Aside, FolderStaging } from "./files/folder_staging.ts";
import { fileOf, FolderTree } from "./files/folder_tree.ts";

/** How a {@linkcode folder} store is set up. */
export interface FolderOptions {
  /** Where `modifiedAt` and the age of leftovers come from. Default the system clock. */
  readonly clock?: Clock;
}

/**
 * Makes a file store on the folder at `root`, which is made with its first use if it is not there.
 * At first use it also removes what writers that died more than a day ago left behind.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { mkdtemp, rm } from "node:fs/promises";
 * import { tmpdir } from "node:os";
 * import { folder } from "@cairn/cache/folder";
 *
 * const root = await mkdtemp(`${tmpdir()}/wheels-`);
 * const files = folder(root);
 * const staged = await files.stage(new Blob(["a wheel"]).stream(), 1_000);
 * equal(await staged.publish("demo/demo-1.0-py3-none-any.whl"), "stored");
 * equal((await files.list({ limit: 10 })).files[0]?.path, "demo/demo-1.0-py3-none-any.whl");
 * await rm(root, { recursive: true });
 * ```
 */
export function folder(root: string, options: FolderOptions = {}): FileStore {
  if (root === "") throw new RangeError('Cannot open folder "": the path is empty');
  return new Folder(root, options);
}

/** The parts of a folder that has been opened. */
interface Opened {
  readonly tree: FolderTree;
  readonly listing: FolderListing;
  readonly staging: FolderStaging;
}

class Folder implements FileStore {
  readonly name = "folder";
  readonly #root: string;
  readonly #now: () => number;
  #opened: Promise<Opened> | undefined;

  constructor(root: string, { clock }: FolderOptions) {
    this.#root = root;
    this.#now = clock === undefined ? systemNow : () => clock.now();
  }

  async head(path: string): Promise<StoredFile | undefined> {
    checkFilePath(path);
    return await this.#do("head", ({ tree }) => tree.stat(path));
  }

  async read(path: string, range?: ByteRange): Promise<FileBody | undefined> {
    checkFilePath(path);
    const handle = await this.#do("read", ({ tree }) => tree.open(path));
    if (!handle) return undefined;
    try {
      const file = fileOf(path, await attempt(this.name, "read", () => handle.stat()));
      if (range) checkByteRange(range, file.sizeBytes);
      return { file, body: bodyOf(handle, range ?? { offset: 0, length: file.sizeBytes }) };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  put(path: string, body: ReadableStream<Uint8Array>, expected: Expected): Promise<Published> {
    return consuming(body, async () => {
      checkFilePath(path);
      checkExpected(expected);
      if (await this.head(path)) return "exists";
      const { staging } = await this.#do("put", (opened) => opened);
      const aside = await staging.take(body, {
        maxBytes: expected.sizeBytes,
        tooMany: () => wrongLength(path, expected),
        isDigested: true,
      });
      try {
        verify(path, aside, expected);
        return await this.#publish(aside.source, path);
      } finally {
        await this.#discard(aside.source);
      }
    });
  }

  stage(body: ReadableStream<Uint8Array>, maxBytes: number): Promise<StagedFile> {
    return consuming(body, async () => {
      checkByteCount("maxBytes", maxBytes);
      const { staging } = await this.#do("stage", (opened) => opened);
      const tooMany = (): Error => tooManyBytes(maxBytes);
      const options = { maxBytes, tooMany, isDigested: false };
      const { source, sizeBytes } = await staging.take(body, options);
      return new StagedInFolder(sizeBytes, {
        open: () => this.#do("read", () => open(source)),
        publish: (path) => this.#publish(source, path),
        discard: () => this.#discard(source),
      });
    });
  }

  async delete(path: string): Promise<boolean> {
    checkFilePath(path);
    return await this.#do("delete", ({ tree }) => tree.remove(path));
  }

  async list({ limit, cursor = "" }: { limit: number; cursor?: string }): Promise<FilePage> {
    checkPageLimit(limit);
    return await this.#do("list", async ({ tree, listing }) => {
      await tree.checkStanding();
      const files: StoredFile[] = [];
      for await (const file of listing.walk(cursor)) {
        if (files.length === limit) return { files, cursor: files.at(-1)!.path };
        files.push(file);
      }
      return { files, cursor: undefined };
    });
  }

  #publish(source: string, path: string): Promise<Published> {
    return this.#do("publish", async ({ tree, staging }) => {
      await staging.date(source);
      return await tree.publish(source, path);
    });
  }

  #discard(source: string): Promise<void> {
    return this.#do("discard", ({ staging }) => staging.discard(source));
  }

  #do<T>(operation: string, run: (opened: Opened) => T | Promise<T>): Promise<T> {
    return attempt(this.name, operation, async () => run(await this.#open()));
  }

  // A failed opening is not kept, so that the next operation tries again.
  #open(): Promise<Opened> {
    this.#opened ??= this.#prepare().catch((error) => {
      this.#opened = undefined;
      throw error;
    });
    return this.#opened;
  }

  async #prepare(): Promise<Opened> {
    await mkdir(this.#root, { recursive: true });
    const root = await realpath(this.#root);
    const staging = new FolderStaging(root, this.#now);
    await staging.prepare();
    return { tree: new FolderTree(root), listing: new FolderListing(root, this.#now), staging };
  }
}

/** What can be done with a staged file. */
interface Ends {
  readonly open: () => Promise<FileHandle>;
  readonly publish: (path: string) => Promise<Published>;
  readonly discard: () => Promise<void>;
}

class StagedInFolder implements StagedFile {
  readonly sizeBytes: number;
  readonly #ends: Ends;
  #isEnded = false;

  constructor(sizeBytes: number, ends: Ends) {
    this.sizeBytes = sizeBytes;
    this.#ends = ends;
  }

  async read(range: ByteRange): Promise<Uint8Array> {
    if (this.#isEnded) throw alreadyEnded("read");
    checkByteRange(range, this.sizeBytes);
    const body = bodyOf(await this.#ends.open(), range);
    return new Uint8Array(await new Response(body).arrayBuffer());
  }

  async publish(path: string): Promise<Published> {
    checkFilePath(path);
    if (this.#isEnded) throw alreadyEnded("publish");
    this.#isEnded = true;
    try {
      const published = await this.#ends.publish(path);
      // The file is there: that staged bytes could not be removed is for the next sweep to mend.
      await this.#ends.discard().catch(() => undefined);
      return published;
    } catch (error) {
      this.#isEnded = false;
      throw error;
    }
  }

  async discard(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#ends.discard();
  }
}

function verify(path: string, aside: Aside, expected: Expected): void {
  if (aside.sizeBytes !== expected.sizeBytes) throw wrongLength(path, expected, aside.sizeBytes);
  if (aside.sha256 !== expected.sha256) throw wrongDigest(path, expected, aside.sha256);
}

/** Large enough that reading is not bound by the number of calls, small enough to be held often. */
const chunkBytes = 262_144;

// The stream owns the handle: it closes it after the last byte, on failure, and when cancelled.
function bodyOf(
  handle: FileHandle,
  { offset, length }: ByteRange,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const end = offset + length;
  let position = offset;
  return new ReadableStream({
    async pull(controller): Promise<void> {
      if (position < end) {
        const chunk = new Uint8Array(Math.min(chunkBytes, end - position));
        const bytesRead = await readSome(handle, chunk, position);
        position += bytesRead;
        controller.enqueue(chunk.subarray(0, bytesRead));
      }
      if (position < end) return;
      await handle.close();
      controller.close();
    },
    cancel: () => handle.close(),
  });
}

async function readSome(handle: FileHandle, chunk: Uint8Array, position: number): Promise<number> {
  try {
    const { bytesRead } = await handle.read(chunk, 0, chunk.length, position);
    if (bytesRead > 0) return bytesRead;
    throw new Error(`The file ended at byte ${position}`);
  } catch (error) {
    await handle.close();
    throw new BackendError("folder", "read", error);
  }
}
