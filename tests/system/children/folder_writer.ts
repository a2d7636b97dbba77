/** A process that publishes and deletes one file by turns: `folder_writer.ts ROOT ROUNDS`. */

import { argv } from "node:process";
import { folder } from "../../../backends/folder.ts";
import { expectedOf, streamOf, textBytes } from "../../conformance/file_bodies.ts";

const [root, rounds] = argv.slice(2);
const files = folder(root!);
const bytes = textBytes("contended");
const expected = await expectedOf(bytes);
for (let round = 0; round < Number(rounds); round++) {
  await files.put("a/b/c/file", streamOf(bytes), expected);
  await files.delete("a/b/c/file");
}
