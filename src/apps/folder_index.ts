/** The index of a folder of wheels: an SQLite file in the folder itself. */

import { mkdir } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";

/** Opens the database of the folder `root`; makes both where they are not there. */
export async function openFolderIndex(root: string): Promise<DatabaseSync> {
  await mkdir(`${root}/.cairn`, { recursive: true });
  return new DatabaseSync(`${root}/.cairn/index.sqlite`);
}
