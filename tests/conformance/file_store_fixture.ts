/** What the cases of the file store suite stand on. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { IntegrityError } from "../../src/contracts/errors.ts";
import type { FileStore, StoredFile } from "../../src/contracts/file_store.ts";
import { bytesRead, expectedOf, streamOf, textBytes, type WatchedBody } from "./file_bodies.ts";

/** One fresh, empty file store under test. */
export interface FileStoreFixture {
  /** The store. */
  readonly store: FileStore;
  /** A second opening of the same place, as another process has it. */
  readonly other: FileStore;
  /** The paths or keys of everything that lies in the place, staged bytes included. */
  contents?(): Promise<string[]>;
  /** Makes the store fail from now on. Without it the case on failure must be skipped. */
  breakStore?(): void | Promise<void>;
  /** Gives everything back. */
  close?(): void | Promise<void>;
}

/** Puts a text and checks that it is there. */
export async function stored(store: FileStore, path: string, text = path): Promise<StoredFile> {
  const bytes = textBytes(text);
  equal(await store.put(path, streamOf(bytes), await expectedOf(bytes)), "stored", path);
  const file = await store.head(path);
  equal(file?.path, path);
  equal(file?.sizeBytes, bytes.length);
  return file!;
}

/** All bytes of a file that exists. */
export async function wholeFile(store: FileStore, path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array((await bytesRead(await store.read(path)))!);
}

/** The pages of a whole listing. */
export async function allPages(
  store: FileStore,
  limit: number,
): Promise<(readonly StoredFile[])[]> {
  const pages: (readonly StoredFile[])[] = [];
  let page = await store.list({ limit });
  pages.push(page.files);
  while (page.cursor !== undefined) {
    ok(pages.length < 100, "the listing does not end");
    page = await store.list({ limit, cursor: page.cursor });
    pages.push(page.files);
  }
  return pages;
}

/** Checks that `"file"` was not published, that nothing else lies about, and that the body was let go. */
export async function nothingLeft(fixture: FileStoreFixture, body?: WatchedBody): Promise<void> {
  if (body) ok(body.isOver(), "the body was left open");
  equal(await fixture.store.head("file"), undefined);
  equal(await fixture.store.read("file"), undefined);
  await onlyFiles(fixture, []);
}

/** Checks that these files and nothing else, staged bytes included, lie in the place. */
export async function onlyFiles(
  fixture: FileStoreFixture,
  paths: readonly string[],
): Promise<void> {
  deepEqual((await fixture.other.list({ limit: 1_000 })).files.map((file) => file.path), paths);
  if (fixture.contents) deepEqual((await fixture.contents()).toSorted(), paths);
}

/** Whether an error is this very one. */
export function is(expected: Error): (error: unknown) => boolean {
  return (error) => error === expected;
}

/** Whether an error is an `IntegrityError` of this check. */
export function isIntegrity(check: string): (error: unknown) => boolean {
  return (error) => error instanceof IntegrityError && error.check === check;
}
