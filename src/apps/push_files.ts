/** Which files are pushed. */

import type { Stats } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { reasonOf } from "../wheels/log.ts";
import { parseFilename } from "../wheels/packages/names.ts";
import { upstreamOf } from "../wheels/paths.ts";

/** A file to push. */
export interface PushFile {
  /** Where it is. */
  readonly path: string;
  /** Its name. */
  readonly filename: string;
  /** Its length. */
  readonly sizeBytes: number;
}

/** Folders in folders are looked through so deep. */
const DEEPEST = 16;

/**
 * The files that paths lead to: those named, and the wheels and source distributions in folders.
 * Rejects where one is not there or is no package by its name, or where nothing is found.
 */
export async function filesToPush(paths: readonly string[]): Promise<PushFile[]> {
  const found = new Map<string, PushFile>();
  for (const path of paths) {
    for (const file of await filesAt(path)) found.set(resolve(file.path), file);
  }
  if (found.size === 0) {
    throw new Error(`Cannot push: no wheel or source distribution is in ${quoted(paths)}`);
  }
  return wheelsFirst([...found.values()]);
}

// Who installs meanwhile would build what is there as a source distribution only.
function wheelsFirst(files: readonly PushFile[]): PushFile[] {
  const isWheel = ({ filename }: PushFile): boolean => filename.endsWith(".whl");
  return [...files.filter(isWheel), ...files.filter((file) => !isWheel(file))];
}

async function filesAt(path: string): Promise<PushFile[]> {
  const facts = await factsOf(path);
  if (facts.isDirectory()) return await filesIn(path, 0);
  const filename = basename(path);
  if (!facts.isFile()) throw new Error(`Cannot push "${path}": it is no file`);
  if (parseFilename(filename) !== undefined) return [{ path, filename, sizeBytes: facts.size }];
  throw new Error(`Cannot push "${path}": it is no wheel or source distribution by its name`);
}

async function factsOf(path: string): Promise<Stats> {
  try {
    return await stat(path);
  } catch (cause) {
    const isAbsent = (cause as { code?: string }).code === "ENOENT";
    const reason = isAbsent ? "there is no such file" : reasonOf(cause);
    throw new Error(`Cannot push "${path}": ${reason}`, { cause });
  }
}

/** Leaves out hidden folders, and what a cairn's folder holds of other indexes. */
async function filesIn(folder: string, depth: number): Promise<PushFile[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  entries.sort((a, b) => a.name < b.name ? -1 : 1);
  const files: PushFile[] = [];
  for (const entry of entries) {
    const { name } = entry;
    const path = join(folder, name);
    if (entry.isDirectory()) {
      const isOurs = !name.startsWith(".") && upstreamOf(`${name}/`) === undefined;
      if (isOurs && depth < DEEPEST) files.push(...await filesIn(path, depth + 1));
    } else if (parseFilename(name) !== undefined) {
      const facts = await factsOf(path);
      if (facts.isFile()) files.push({ path, filename: name, sizeBytes: facts.size });
    }
  }
  return files;
}

function quoted(paths: readonly string[]): string {
  return paths.map((path) => `"${path}"`).join(", ");
}
