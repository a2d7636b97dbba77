/**
 * Where a folder's bytes lie before they are published: files with random names in `.cairn/staging`,
 * in the same file system as the published ones, so that a link from there is possible.
 */

import { createHash } from "node:crypto";
import { type FileHandle, lstat, open, readdir, unlink, utimes } from "node:fs/promises";
import { join } from "node:path";
import { attempt } from "./bodies.ts";
import { ifThere, makeFolder, ownFolder, stagingFolder } from "./folder_tree.ts";

const leftoverAgeMs = 86_400_000;
const stagedName = /^[0-9a-f-]{32,36}$/;

/** Bytes taken aside. */
export interface Aside {
  /** The file that has them. */
  readonly source: string;
  /** How many they are. */
  readonly sizeBytes: number;
  /** Their SHA-256 in hexadecimal, where it was asked for. */
  readonly sha256: string;
}

/** How bytes are taken aside. */
export interface AsideOptions {
  /** The most bytes. */
  readonly maxBytes: number;
  /** The error for more than that. */
  readonly tooMany: () => Error;
  /** Whether to compute the digest. */
  readonly isDigested: boolean;
}

/** The staging folder of a store. */
export class FolderStaging {
  readonly #root: string;
  readonly #folder: string;
  readonly #now: () => number;

  /** Takes the root of the store, and what tells the present instant. */
  constructor(root: string, now: () => number) {
    this.#root = root;
    this.#folder = join(root, stagingFolder);
    this.#now = now;
  }

  /** Makes the folder, and removes what writers that died more than a day ago left in it. */
  async prepare(): Promise<void> {
    for (const name of [ownFolder, stagingFolder]) await makeFolder(join(this.#root, name));
    const deadline = this.#now() - leftoverAgeMs;
    for (const name of await readdir(this.#folder)) {
      const source = join(this.#folder, name);
      const stats = stagedName.test(name) ? await ifThere(() => lstat(source)) : undefined;
      if (stats?.isFile() && stats.mtimeMs < deadline) await ifThere(() => unlink(source));
    }
  }

  /** Writes a body to a file of its own, down to the disk; leaves nothing if that fails. */
  async take(body: ReadableStream<Uint8Array>, options: AsideOptions): Promise<Aside> {
    const source = join(this.#folder, crypto.randomUUID());
    try {
      return { source, ...await write(source, body, options) };
    } catch (error) {
      await onDisk(() => this.discard(source));
      throw error;
    }
  }

  /** Dates a file at the present instant, for it to be published. */
  async date(source: string): Promise<void> {
    // Half a millisecond more, because the instant passes through seconds in floating point and is
    // rounded down on its way.
    const at = (this.#now() + 0.5) / 1_000;
    await utimes(source, at, at);
  }

  /** Removes a file; one that is gone is no error. */
  async discard(source: string): Promise<void> {
    await ifThere(() => unlink(source));
  }
}

async function write(
  source: string,
  body: ReadableStream<Uint8Array>,
  { maxBytes, tooMany, isDigested }: AsideOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const handle = await onDisk(() => open(source, "wx"));
  const hash = isDigested ? createHash("sha256") : undefined;
  let sizeBytes = 0;
  try {
    for await (const chunk of body) {
      sizeBytes += chunk.length;
      if (sizeBytes > maxBytes) throw tooMany();
      hash?.update(chunk);
      await onDisk(() => writeAll(handle, chunk));
    }
    await onDisk(() => handle.sync());
    return { sizeBytes, sha256: hash?.digest("hex") ?? "" };
  } finally {
    await onDisk(() => handle.close());
  }
}

// What the disk refuses is the store's failure; what the body throws is its own.
function onDisk<T>(run: () => Promise<T>): Promise<T> {
  return attempt("folder", "stage", run);
}

async function writeAll(handle: FileHandle, chunk: Uint8Array): Promise<void> {
  let offset = 0;
  while (offset < chunk.length) {
    const { bytesWritten } = await handle.write(chunk, offset, chunk.length - offset);
    if (bytesWritten === 0) throw new Error("Nothing could be written");
    offset += bytesWritten;
  }
}
