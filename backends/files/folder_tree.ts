/**
 * The published files of a folder: finding, linking and removing them.
 *
 * Nothing here follows a symbolic link. A path counts as present only if the real path of what it
 * names is the path itself, so a link inside the folder, to wherever it leads, is as good as absent;
 * and a folder is made or written to only after the same check.
 */

import {
  constants,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  realpath,
  rmdir,
  unlink,
} from "node:fs/promises";
import { join } from "node:path";
import { platform } from "node:process";
import type { Published, StoredFile } from "../../src/contracts/file_store.ts";

/** The folder of what is not published, under the root. Its dot keeps it apart from every path. */
export const ownFolder = ".cairn";

/** The folder of staged bytes, under the root. */
export const stagingFolder: string = `${ownFolder}/staging`;

/** How often publishing starts again because folders or files vanished under its hands. */
const publishAttempts = 32;

/** The tree under a real path. */
export class FolderTree {
  readonly #root: string;

  /** Takes a root that has been resolved by `realpath`. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Opens the regular file at `path` for reading, or answers `undefined`. */
  async open(path: string): Promise<FileHandle | undefined> {
    const found = await this.stat(path);
    if (!found) return undefined;
    // Should the last segment become a link between the check and here, it is not followed.
    return ifThere(() => open(this.#at(path), constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)));
  }

  /** Facts of the regular file at `path`, or `undefined`. */
  async stat(path: string): Promise<StoredFile | undefined> {
    const full = this.#at(path);
    const isPlain = await ifThere(() => realpath(full)) === full;
    const stats = isPlain ? await ifThere(() => lstat(full)) : undefined;
    if (stats?.isFile()) return fileOf(path, stats);
    await this.checkStanding();
    return undefined;
  }

  /**
   * Throws if the folder has vanished since it was opened. A volume that is no longer mounted looks
   * like an empty folder, but has no staging folder.
   */
  async checkStanding(): Promise<void> {
    await lstat(join(this.#root, stagingFolder));
  }

  /**
   * Gives the finished file at `source` the name `path`, unless that is taken. A hard link either
   * appears whole or fails, and never replaces; that is what makes publication atomic.
   */
  async publish(source: string, path: string): Promise<Published> {
    for (let attempt = 1;; attempt++) {
      try {
        const touched = await this.#makeParent(path);
        await link(source, this.#at(path));
        for (const directory of touched) await syncDirectory(directory);
        return "stored";
      } catch (error) {
        const code = codeOf(error);
        if (code === "EEXIST" && await this.stat(path)) return "exists";
        // A deletion may take the folder away again before the link is made, or the file that was
        // in the way after it.
        const hasVanished = code === "ENOENT" || code === "EEXIST";
        if (!hasVanished || attempt === publishAttempts) throw error;
      }
    }
  }

  /** Removes the file at `path` and the folders that are empty without it. */
  async remove(path: string): Promise<boolean> {
    if (!await this.stat(path)) return false;
    const isRemoved = await ifThere(() => unlink(this.#at(path)).then(() => true));
    for (const parent of parentsOf(path).toReversed()) {
      if (!await ifThere(() => rmdir(this.#at(parent)).then(() => true))) break;
    }
    return isRemoved ?? false;
  }

  // Answers the folders whose content changes by a file at `path`, for them to be synced.
  async #makeParent(path: string): Promise<string[]> {
    const parents = parentsOf(path);
    const parent = this.#at(parents.at(-1) ?? "");
    if (await ifThere(() => realpath(parent)) === parent) return [parent];
    const touched = [this.#root];
    for (const each of parents) {
      const folder = this.#at(each);
      await makeFolder(folder);
      touched.push(folder);
    }
    return touched;
  }

  #at(path: string): string {
    return join(this.#root, path);
  }
}

/** The facts that file systems keep. */
interface Stats {
  readonly size: number;
  readonly mtimeMs: number;
}

/** The facts of a file by those of the file system. */
export function fileOf(path: string, { size, mtimeMs }: Stats): StoredFile {
  return { path, sizeBytes: size, modifiedAt: Math.floor(mtimeMs) };
}

/** Answers `undefined` where an operation finds nothing at its path. */
export async function ifThere<T>(operation: () => Promise<T>): Promise<T | undefined> {
  try {
    return await operation();
  } catch (error) {
    if (absentCodes.includes(codeOf(error))) return undefined;
    throw error;
  }
}

// ELOOP is a link where none is followed. ENOTEMPTY and EEXIST are a folder that still has content.
const absentCodes: readonly unknown[] = ["ENOENT", "ENOTDIR", "ELOOP", "ENOTEMPTY", "EEXIST"];

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown } | null)?.code;
}

/**
 * Makes a folder, unless it is there. A link in its place would lead out of the file system, or to
 * another store's folder.
 */
export async function makeFolder(path: string): Promise<void> {
  await ifThere(() => mkdir(path));
  if ((await lstat(path)).isDirectory()) return;
  throw new Error(`"${path}" is in the way and is no folder`);
}

function parentsOf(path: string): string[] {
  const segments = path.split("/").slice(0, -1);
  return segments.map((_, index) => segments.slice(0, index + 1).join("/"));
}

// A new name lasts only when its folder is on the disk too. Windows cannot open folders, and
// writes their changes itself.
async function syncDirectory(directory: string): Promise<void> {
  if (platform === "win32") return;
  const handle = await ifThere(() => open(directory, "r"));
  try {
    await handle?.sync();
  } finally {
    await handle?.close();
  }
}
