/**
 * Listing the files of a folder in path order, page by page.
 *
 * Every page starts a walk of its own at the cursor, so nothing has to be remembered between pages.
 * But reading a folder of 25,000 names takes a third of a second on Deno, and would be done again
 * for each of its 25 pages; so the names last read are kept, and used again while the folder's
 * inode and time of change are the same. Such a time is coarse: names read in the very moment of a
 * change may lack it and yet bear its time. Therefore, as git does with its index, only the names of
 * a folder that had been at rest for a while when it was read are kept.
 */

import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { comparePaths, isFilePath } from "../../src/contracts/file_rules.ts";
import type { StoredFile } from "../../src/contracts/file_store.ts";
import { fileOf, ifThere } from "./folder_tree.ts";

/** How many folders' names are kept: those from the root to where a walk is. */
const keptFolders = 8;

/** How long a folder must have been at rest: Deno tells the time of change in whole seconds. */
const restMs = 2_000;

/** How many files are looked at at once. */
const lookahead = 32;

interface Kept {
  readonly stamp: string;
  readonly names: readonly string[];
}

/** The listing of the folder at a real path. */
export class FolderListing {
  readonly #root: string;
  readonly #now: () => number;
  readonly #kept = new Map<string, Kept>();

  /** Takes a root that has been resolved by `realpath`, and what tells the present instant. */
  constructor(root: string, now: () => number) {
    this.#root = root;
    this.#now = now;
  }

  /** The regular files after `cursor`, in path order; of `folder`, which is empty or ends in "/". */
  async *walk(cursor: string, folder = ""): AsyncGenerator<StoredFile> {
    const names = await this.#namesIn(folder);
    for (let start = firstAfter(names, cursor); start < names.length; start += lookahead) {
      const ahead = names.slice(start, start + lookahead);
      const files = await Promise.all(ahead.map((name) => this.#fileAt(name)));
      for (const [index, name] of ahead.entries()) {
        if (isFolder(name)) yield* this.walk(cursor, name);
        else if (files[index]) yield files[index];
      }
    }
  }

  async #fileAt(name: string): Promise<StoredFile | undefined> {
    if (isFolder(name)) return undefined;
    const stats = await ifThere(() => lstat(join(this.#root, name)));
    return stats?.isFile() ? fileOf(name, stats) : undefined;
  }

  /** The paths of files and folders in a folder, those of folders with a "/" at the end, sorted. */
  async #namesIn(folder: string): Promise<readonly string[]> {
    const directory = join(this.#root, folder);
    const stats = await ifThere(() => lstat(directory));
    if (!stats?.isDirectory()) return [];
    const stamp = `${stats.ino} ${stats.mtimeMs} ${stats.ctimeMs}`;
    const kept = this.#kept.get(folder);
    if (kept?.stamp === stamp) return kept.names;
    const names = sorted(await readNames(directory, folder));
    const isAtRest = stats.ctimeMs < this.#now() - restMs;
    this.#kept.delete(folder);
    if (isAtRest) this.#kept.set(folder, { stamp, names });
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > keptFolders) this.#kept.delete(oldest!);
    return names;
  }
}

async function readNames(directory: string, folder: string): Promise<string[]> {
  const names: string[] = [];
  for (const entry of await ifThere(() => readdir(directory, { withFileTypes: true })) ?? []) {
    const path = folder + entry.name;
    if (!isFilePath(path)) continue;
    if (entry.isFile()) names.push(path);
    else if (entry.isDirectory()) names.push(`${path}/`);
  }
  return names;
}

// Below the surrogates the engine's own order, which is many times faster, is that of code points.
function sorted(names: string[]): string[] {
  return names.sort(/[\ud800-\uffff]/.test(names.join("")) ? comparePaths : undefined);
}

/** Where the walk goes on: at the folder that holds the cursor, or else at the next name. */
function firstAfter(names: readonly string[], cursor: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (comparePaths(names[middle]!, cursor) > 0) high = middle;
    else low = middle + 1;
  }
  const before = names[low - 1] ?? "";
  return isFolder(before) && cursor.startsWith(before) ? low - 1 : low;
}

function isFolder(name: string): boolean {
  return name.endsWith("/");
}
