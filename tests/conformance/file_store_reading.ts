/** The cases of `FileStore` about reading, paths, listing and failure. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { BackendError } from "../../src/contracts/errors.ts";
import {
  bodyOf,
  bytesOf,
  bytesRead,
  expectedOf,
  pieces,
  streamOf,
  textBytes,
} from "./file_bodies.ts";
import {
  allPages,
  type FileStoreFixture,
  nothingLeft,
  onlyFiles,
  stored,
} from "./file_store_fixture.ts";
import type { TrialCases } from "./trials.ts";

/** The name of the case that a store which cannot fail has to skip. */
export const fileFailureCase = "clause 5: failure is a BackendError with its cause";

const mebibyte = 1 << 20;

/** Everything but clauses 1 to 3. */
export const readingCases: TrialCases<FileStoreFixture> = {
  "head and read answer undefined where there is nothing": async ({ store }) => {
    equal(await store.head("nothing/here.whl"), undefined);
    equal(await store.read("nothing/here.whl"), undefined);
    equal(await store.read("nothing", { offset: 5, length: 1 }), undefined);
    deepEqual(await store.list({ limit: 10 }), { files: [], cursor: undefined });
  },

  "a file put is there for every opening of the place": async ({ store, other }) => {
    const bytes = bytesOf(1, 200_000);
    const body = bodyOf(pieces(bytes, 7_001));
    equal(await store.put("a/b/c-1.0.whl", body.stream, await expectedOf(bytes)), "stored");
    ok(body.isOver());
    for (const reader of [store, other]) {
      const opened = await reader.read("a/b/c-1.0.whl");
      equal(opened?.file.path, "a/b/c-1.0.whl");
      equal(opened?.file.sizeBytes, 200_000);
      deepEqual(await bytesRead(opened), bytes);
      deepEqual(await reader.head("a/b/c-1.0.whl"), opened?.file);
      deepEqual((await reader.list({ limit: 10 })).files, [opened?.file]);
    }
  },

  "a file of no bytes is a file": async ({ store }) => {
    const none = new Uint8Array(0);
    equal(await store.put("empty", bodyOf([]).stream, await expectedOf(none)), "stored");
    deepEqual(await bytesRead(await store.read("empty")), none);
    deepEqual(await bytesRead(await store.read("empty", { offset: 0, length: 0 })), none);
    const staged = await store.stage(bodyOf([]).stream, 0);
    equal(staged.sizeBytes, 0);
    equal(await staged.publish("empty-too"), "stored");
    equal((await store.head("empty-too"))?.sizeBytes, 0);
  },

  "modifiedAt is the instant of publication, the same in every answer": async ({ store }) => {
    const first = await stored(store, "first");
    const staged = await store.stage(streamOf(textBytes("second")), 100);
    await staged.publish("second");
    const second = await store.head("second");
    ok(Number.isFinite(first.modifiedAt) && first.modifiedAt > 1_600_000_000_000);
    ok(second!.modifiedAt >= first.modifiedAt);
  },

  "a range answers just its bytes": async ({ store }) => {
    const bytes = bytesOf(2, 300_000);
    await store.put("file", bodyOf(pieces(bytes, 65_536)).stream, await expectedOf(bytes));
    const ranges = [[0, 0], [0, 1], [299_999, 1], [300_000, 0], [65_535, 2], [1, 299_998], [
      0,
      300_000,
    ]];
    for (const [offset, length] of ranges as [number, number][]) {
      const opened = await store.read("file", { offset, length });
      equal(opened?.file.sizeBytes, 300_000);
      deepEqual(
        await bytesRead(opened),
        bytes.slice(offset, offset + length),
        `${offset}+${length}`,
      );
    }
  },

  "a range beyond the end is a RangeError": async ({ store }) => {
    await stored(store, "file");
    const staged = await store.stage(streamOf(textBytes("file")), 100);
    for (const range of badRanges(4)) {
      await rejects(() => store.read("file", range), RangeError);
      await rejects(() => staged.read(range), RangeError);
    }
    await staged.discard();
  },

  "a body may be cancelled at any point": async ({ store }) => {
    const bytes = bytesOf(3, 2 * mebibyte);
    await store.put("file", streamOf(bytes), await expectedOf(bytes));
    await (await store.read("file"))!.body.cancel();
    const reader = (await store.read("file"))!.body.getReader();
    const first = await reader.read();
    deepEqual(first.value, bytes.slice(0, first.value!.length));
    await reader.cancel();
    equal(await store.delete("file"), true);
  },

  "a file opened before its deletion is read whole or fails, never shortened": async (
    { store },
  ) => {
    const bytes = bytesOf(4, 2 * mebibyte);
    await store.put("file", streamOf(bytes), await expectedOf(bytes));
    const opened = await store.read("file");
    await store.delete("file");
    const read = await bytesRead(opened).catch(() => bytes);
    deepEqual(read, bytes);
  },

  "delete removes, answers whether there was a file, and makes room": async ({ store, other }) => {
    equal(await store.delete("a/file"), false);
    await stored(store, "a/file");
    equal(await other.delete("a/file"), true);
    equal(await store.delete("a/file"), false);
    equal(await store.head("a/file"), undefined);
    deepEqual((await store.list({ limit: 5 })).files, []);
    equal((await stored(store, "a/file", "again")).sizeBytes, 5);
  },

  "clause 4: a hostile path is a RangeError in every verb, and its body is let go": async (
    fixture,
  ) => {
    const { store } = fixture;
    const bytes = textBytes("hostile");
    const expected = await expectedOf(bytes);
    const staged = await store.stage(streamOf(bytes), 100);
    for (const path of hostilePaths) {
      const body = bodyOf([bytes]);
      await rejects(() => store.put(path, body.stream, expected), RangeError, path);
      ok(body.isOver(), path);
      await rejects(() => store.head(path), RangeError, path);
      await rejects(() => store.read(path), RangeError, path);
      await rejects(() => store.delete(path), RangeError, path);
      await rejects(() => staged.publish(path), RangeError, path);
    }
    equal(await staged.publish("still-there"), "stored");
    await onlyFiles(fixture, ["still-there"]);
  },

  "clause 4: every other path is a file of its own": async ({ store }) => {
    for (const path of strangePaths) await stored(store, path, path);
    for (const path of strangePaths) {
      deepEqual(await bytesRead(await store.read(path)), textBytes(path), path);
    }
    deepEqual(
      (await store.list({ limit: 1_000 })).files.map((file) => file.path).toSorted(),
      strangePaths.toSorted(),
    );
  },

  "clause 4: wrong lengths, digests and limits are RangeErrors": async (fixture) => {
    const { store } = fixture;
    const good = await expectedOf(textBytes("x"));
    const wrong = [
      { ...good, sizeBytes: -1 },
      { ...good, sizeBytes: 0.5 },
      { ...good, sizeBytes: NaN },
      { ...good, sha256: good.sha256.toUpperCase() },
      { ...good, sha256: good.sha256.slice(1) },
      { ...good, sha256: "" },
    ];
    for (const expected of wrong) {
      const body = bodyOf([textBytes("x")]);
      await rejects(() => store.put("file", body.stream, expected), RangeError);
      ok(body.isOver());
    }
    for (const maxBytes of [-1, 0.5, NaN, Infinity]) {
      const body = bodyOf([textBytes("x")]);
      await rejects(() => store.stage(body.stream, maxBytes), RangeError);
      ok(body.isOver());
    }
    for (const limit of [0, -1, 0.5, NaN, 1_001, Infinity]) {
      await rejects(() => store.list({ limit }), RangeError);
    }
    await nothingLeft(fixture);
  },

  "list pages through everything in order of code points": async ({ store }) => {
    for (const path of orderedPaths.toReversed()) await stored(store, path, path);
    for (const limit of [1, 2, 3, 5, orderedPaths.length, 1_000]) {
      const pages = await allPages(store, limit);
      deepEqual(pages.flat().map((file) => file.path), orderedPaths, `limit ${limit}`);
      ok(pages.every((page) => page.length <= limit));
    }
    for (const file of (await store.list({ limit: 1_000 })).files) {
      deepEqual(await store.head(file.path), file);
    }
  },

  "list goes on after its cursor, also when that file is gone": async ({ store, other }) => {
    for (const path of ["a", "b/x", "b/y", "c", "d"]) await stored(store, path);
    const page = await store.list({ limit: 2 });
    deepEqual(page.files.map((file) => file.path), ["a", "b/x"]);
    await other.delete("b/x");
    await stored(other, "aa");
    await stored(other, "b/z");
    const rest = await other.list({ limit: 10, cursor: page.cursor! });
    deepEqual(rest.files.map((file) => file.path), ["b/y", "b/z", "c", "d"]);
    equal(rest.cursor, undefined);
  },

  "a directory's name is no file, and a file's name no directory": async ({ store }) => {
    await stored(store, "a/b/c");
    equal(await store.head("a"), undefined);
    equal(await store.read("a/b"), undefined);
    equal(await store.delete("a/b"), false);
    equal(await store.head("a/b/c/d"), undefined);
    equal(await store.read("a/b/c/d"), undefined);
    equal(await store.delete("a/b/c/d"), false);
    equal((await store.head("a/b/c"))?.sizeBytes, "a/b/c".length);
  },

  [fileFailureCase]: async ({ store, breakStore }) => {
    await stored(store, "file");
    const staged = await store.stage(streamOf(textBytes("staged")), 100);
    if (!breakStore) throw new Error("Cannot check failure: the fixture cannot break");
    await breakStore();
    const isFailure = (error: unknown): boolean =>
      error instanceof BackendError && error.cause !== undefined && error.backend === store.name &&
      error.operation.length > 0;
    const bytes = textBytes("other");
    const body = bodyOf([bytes]);
    await rejects(async () => store.put("other", body.stream, await expectedOf(bytes)), isFailure);
    ok(body.isOver());
    await rejects(() => store.head("file"), isFailure);
    await rejects(() => store.read("file"), isFailure);
    await rejects(() => store.delete("file"), isFailure);
    await rejects(() => store.list({ limit: 10 }), isFailure);
    await rejects(() => staged.publish("staged"), isFailure);
  },
};

const hostilePaths = [
  "",
  "/",
  "/etc/passwd",
  "..",
  "../up",
  "a/../b",
  "a/..",
  ".",
  "./a",
  "a/./b",
  "a//b",
  "a/",
  ".hidden",
  "a/.hidden",
  ".staging/x",
  "a\\b",
  "..\\up",
  "C:\\a",
  "C:a",
  "a\u0000b",
  "a\nb",
  "a\u007fb",
  "a\u0085b",
  "a.",
  "a /b",
  "a*",
  "a?b",
  'a"b',
  "a<b",
  "a>b",
  "a|b",
  "a\ud800b",
  "\udc00",
  "x".repeat(256),
  "é".repeat(128),
  `${"x".repeat(200)}/${"y".repeat(200)}/${"z".repeat(200)}/${"w".repeat(200)}/${"v".repeat(97)}`,
];

const strangePaths = [
  "a b",
  " a",
  "a..b",
  "a...b/c",
  "%2e%2e",
  "%2e/a",
  "a%00b",
  "~root",
  "-rf",
  "$HOME",
  "a&b;c",
  "a'b",
  "a#b",
  "1!2.0+local.1.tar.gz",
  "naïve/日本.whl",
  "😀",
  "__proto__",
  "constructor/prototype",
  "x".repeat(255),
  `${"u".repeat(255)}/${"y".repeat(255)}/${"z".repeat(255)}/${"w".repeat(132)}`,
];

// Files between a folder's name and its content, and characters beyond U+FFFF, go wrong easily.
const orderedPaths = [
  "a",
  "a!b",
  "a-b/c",
  "a-c",
  "b/a",
  "b/c-1",
  "b/c/d",
  "b/c/e",
  "b0",
  "c",
  "ca",
  "z/z/z",
  "é",
  "\uffee",
  "\u{1f600}",
];

function badRanges(sizeBytes: number): { offset: number; length: number }[] {
  return [
    { offset: 0, length: sizeBytes + 1 },
    { offset: sizeBytes, length: 1 },
    { offset: sizeBytes + 1, length: 0 },
    { offset: -1, length: 1 },
    { offset: 0, length: -1 },
    { offset: 0.5, length: 1 },
    { offset: 0, length: NaN },
    { offset: Infinity, length: 1 },
    { offset: 0, length: Infinity },
  ];
}
