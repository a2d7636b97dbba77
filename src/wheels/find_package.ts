/** Finding the file in an index that answers a query, as curdling's index did. */

import { PackageNotFoundError } from "../contracts/errors.ts";
import { excerpt } from "../contracts/excerpt.ts";
import type { IndexCache, PackageFile } from "../contracts/index_cache.ts";
import { type ChoiceOptions, chooseFile, parseQuery } from "./packages/query.ts";

/**
 * The record that fits a query best; what a query is, and which file that is, {@linkcode parseQuery}
 * tells.
 *
 * Rejects with a `SyntaxError` for text that is no query, and with a `PackageNotFoundError` that names
 * what was asked for where the index does not have it.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { memoryIndex } from "@cairn/cache/index-memory";
 * import { findPackage, PackageNotFoundError } from "@cairn/cache/wheels";
 *
 * const index = memoryIndex();
 * await index.save({
 *   filename: "foo-1.0.tar.gz",
 *   project: "foo",
 *   version: "1.0",
 *   uploadedAt: 0,
 *   sizeBytes: 3,
 *   sha256: "0".repeat(64),
 *   path: "foo/foo-1.0.tar.gz",
 * });
 * assert.equal((await findPackage(index, "Foo (>= 0.9)")).filename, "foo-1.0.tar.gz");
 * await assert.rejects(findPackage(index, "foo;whl"), PackageNotFoundError);
 * ```
 */
export async function findPackage(
  index: Pick<IndexCache, "all">,
  text: string,
  options: ChoiceOptions = {},
): Promise<PackageFile> {
  const query = parseQuery(text);
  if (query === undefined) {
    throw new SyntaxError(`Cannot find "${excerpt(text)}": it is no requirement with a format`);
  }
  const { files } = await index.all(query.project);
  const found = chooseFile(query, files, options);
  if (found === undefined) throw new PackageNotFoundError(query.text);
  return found;
}
