/** The cases of clauses 1 to 3 of `FileStore`: whole or not at all, first writer wins, streams. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import {
  bodyOf,
  bytesOf,
  bytesRead,
  expectedOf,
  pieces,
  repeated,
  streamOf,
  textBytes,
} from "./file_bodies.ts";
import {
  type FileStoreFixture,
  is,
  isIntegrity,
  nothingLeft,
  onlyFiles,
  stored,
  wholeFile,
} from "./file_store_fixture.ts";
import type { TrialCases } from "./trials.ts";

const mebibyte = 1 << 20;

/** Clauses 1 to 3. */
export const publicationCases: TrialCases<FileStoreFixture> = {
  "clause 1: a body that ends early leaves nothing": async (fixture) => {
    const bytes = bytesOf(5, 100_000);
    const expected = await expectedOf(bytes);
    for (const length of [0, 1, 50_000, 99_999]) {
      const body = bodyOf(pieces(bytes.slice(0, length), 9_999));
      await rejects(() => fixture.store.put("file", body.stream, expected), isIntegrity("length"));
      await nothingLeft(fixture, body);
    }
  },

  "clause 1: a body that goes on too long is stopped and leaves nothing": async (fixture) => {
    const chunk = bytesOf(6, 65_536);
    const body = bodyOf(repeated(chunk, 10_000));
    const expected = { sizeBytes: 100_000, sha256: "0".repeat(64) };
    await rejects(() => fixture.store.put("file", body.stream, expected), isIntegrity("length"));
    ok(body.bytesGiven() <= 8 * mebibyte, `took ${body.bytesGiven()} bytes`);
    await nothingLeft(fixture, body);
    const oneMore = bodyOf([bytesOf(7, 11)]);
    const ten = await expectedOf(bytesOf(7, 10));
    await rejects(() => fixture.store.put("file", oneMore.stream, ten), isIntegrity("length"));
    await nothingLeft(fixture, oneMore);
  },

  "clause 1: a body with another digest leaves nothing": async (fixture) => {
    const expected = await expectedOf(bytesOf(8, 70_000));
    for (const flipped of [0, 35_000, 69_999]) {
      const bytes = bytesOf(8, 70_000);
      bytes[flipped]! ^= 1;
      const body = bodyOf(pieces(bytes, 8_192));
      await rejects(() => fixture.store.put("file", body.stream, expected), isIntegrity("sha256"));
      await nothingLeft(fixture, body);
    }
  },

  "clause 1: a body that fails leaves nothing, and its own error is thrown": async (fixture) => {
    const bytes = bytesOf(9, 60_000);
    const expected = await expectedOf(bytes);
    for (const length of [0, 1, 30_000, 60_000]) {
      const error = new Error(`broken off after ${length}`);
      const body = bodyOf(pieces(bytes.slice(0, length), 7_000), { error });
      await rejects(() => fixture.store.put("file", body.stream, expected), is(error));
      await nothingLeft(fixture, body);
    }
  },

  "clause 1: no reader sees a file before it is whole": async ({ store, other }) => {
    const bytes = bytesOf(10, 400_000);
    const gate = Promise.withResolvers<void>();
    const halfway = Promise.withResolvers<void>();
    const stream = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(bytes.slice(0, 200_000));
        halfway.resolve();
        await gate.promise;
        controller.enqueue(bytes.slice(200_000));
        controller.close();
      },
    });
    const published = store.put("file", stream, await expectedOf(bytes));
    await halfway.promise;
    equal(await other.head("file"), undefined);
    equal(await other.read("file"), undefined);
    deepEqual((await other.list({ limit: 10 })).files, []);
    gate.resolve();
    equal(await published, "stored");
    deepEqual(await bytesRead(await other.read("file")), bytes);
  },

  "clause 1: a staged file is invisible until it is published": async (fixture) => {
    const { store, other } = fixture;
    const bytes = bytesOf(11, 150_000);
    const staged = await store.stage(bodyOf(pieces(bytes, 10_007)).stream, 150_000);
    equal(staged.sizeBytes, 150_000);
    deepEqual((await other.list({ limit: 10 })).files, []);
    deepEqual(await staged.read({ offset: 149_000, length: 1_000 }), bytes.slice(149_000));
    deepEqual(await staged.read({ offset: 0, length: 4 }), bytes.slice(0, 4));
    deepEqual(await staged.read({ offset: 150_000, length: 0 }), new Uint8Array(0));
    equal(await staged.publish("b/file"), "stored");
    deepEqual(await bytesRead(await other.read("b/file")), bytes);
    await onlyFiles(fixture, ["b/file"]);
  },

  "clause 1: a staged body that fails or is too long leaves nothing": async (fixture) => {
    for (const length of [0, 1, 90_000]) {
      const error = new Error(`broken off after ${length}`);
      const body = bodyOf(pieces(bytesOf(12, length), 5_000), { error });
      await rejects(() => fixture.store.stage(body.stream, mebibyte), is(error));
      await nothingLeft(fixture, body);
    }
    const oneMore = bodyOf([bytesOf(13, 100), bytesOf(13, 1)]);
    await rejects(() => fixture.store.stage(oneMore.stream, 100), RangeError);
    await nothingLeft(fixture, oneMore);
    const endless = bodyOf(repeated(bytesOf(14, 65_536), 10_000));
    await rejects(() => fixture.store.stage(endless.stream, mebibyte), RangeError);
    ok(endless.bytesGiven() <= 2 * mebibyte, `took ${endless.bytesGiven()} bytes`);
    await nothingLeft(fixture, endless);
  },

  "clause 1: discarding leaves nothing, however often": async (fixture) => {
    const staged = await fixture.store.stage(streamOf(textBytes("discarded")), 100);
    await staged.discard();
    await staged.discard();
    await rejects(() => staged.publish("file"), TypeError);
    await rejects(() => staged.read({ offset: 0, length: 1 }), TypeError);
    await nothingLeft(fixture);
  },

  "a staged file ends once: after publish there is nothing to read or publish": async (fixture) => {
    const staged = await fixture.store.stage(streamOf(textBytes("once")), 100);
    equal(await staged.publish("file"), "stored");
    await rejects(() => staged.publish("again"), TypeError);
    await rejects(() => staged.read({ offset: 0, length: 1 }), TypeError);
    await staged.discard();
    deepEqual(await bytesRead(await fixture.store.read("file")), textBytes("once"));
    await onlyFiles(fixture, ["file"]);
  },

  "clause 2: put answers exists and leaves the first": async (fixture) => {
    const { store, other } = fixture;
    const first = await stored(store, "file", "the first");
    const second = textBytes("the second");
    const body = bodyOf([second]);
    equal(await other.put("file", body.stream, await expectedOf(second)), "exists");
    ok(body.isOver());
    equal(body.bytesGiven(), 0);
    const staged = await store.stage(streamOf(second), 100);
    equal(await staged.publish("file"), "exists");
    await rejects(() => staged.publish("elsewhere"), TypeError);
    deepEqual(await bytesRead(await store.read("file")), textBytes("the first"));
    deepEqual(await store.head("file"), first);
    await onlyFiles(fixture, ["file"]);
  },

  "clause 2: of many writers at once one wins, and its bytes stay": async (fixture) => {
    const writers = Array.from({ length: 12 }, (_, index) => bytesOf(100 + index, 20_000 + index));
    const answers = await Promise.all(writers.map(async (bytes, index) => {
      const store = index % 2 ? fixture.store : fixture.other;
      const body = bodyOf(pieces(bytes, 1_000 + index));
      if (index % 3) return store.put("a/race", body.stream, await expectedOf(bytes));
      return (await store.stage(body.stream, mebibyte)).publish("a/race");
    }));
    deepEqual(answers.toSorted(), [...new Array(11).fill("exists"), "stored"]);
    const winner = writers[answers.indexOf("stored")];
    deepEqual(await bytesRead(await fixture.store.read("a/race")), winner);
    await onlyFiles(fixture, ["a/race"]);
  },

  "clause 2: writers and deleters at once end with a whole file or none": async (fixture) => {
    const bytes = bytesOf(15, 30_000);
    const expected = await expectedOf(bytes);
    const answers = await Promise.all(Array.from({ length: 16 }, (_, index) => {
      if (index % 2) return fixture.other.delete("d/e/file");
      return fixture.store.put("d/e/file", bodyOf(pieces(bytes, 4_096)).stream, expected);
    }));
    const read = await bytesRead(await fixture.store.read("d/e/file"));
    const isDeleted = answers.includes(true);
    ok(read !== undefined || isDeleted);
    deepEqual(read, read && bytes);
  },

  "clause 3: a body of 24 MiB passes through in order, staged and put": async (fixture) => {
    const { store } = fixture;
    const bytes = bytesOf(16, 24 * mebibyte + 12_345);
    const expected = await expectedOf(bytes);
    equal(await store.put("big", bodyOf(pieces(bytes, 65_536)).stream, expected), "stored");
    const staged = await store.stage(bodyOf(pieces(bytes, 100_003)).stream, 64 * mebibyte);
    equal(staged.sizeBytes, bytes.length);
    const tail = { offset: bytes.length - 70_000, length: 70_000 };
    deepEqual(await staged.read(tail), bytes.slice(tail.offset));
    equal(await staged.publish("big-too"), "stored");
    for (const path of ["big", "big-too"]) {
      deepEqual(await expectedOf(await wholeFile(store, path)), expected);
    }
    await onlyFiles(fixture, ["big", "big-too"]);
  },

  "clause 3: a long staged body that fails, is too long or is discarded leaves nothing": async (
    fixture,
  ) => {
    const error = new Error("broken off after 20 MiB");
    const chunk = bytesOf(17, mebibyte);
    const broken = bodyOf(repeated(chunk, 20), { error });
    await rejects(() => fixture.store.stage(broken.stream, 64 * mebibyte), is(error));
    await nothingLeft(fixture, broken);
    const long = bodyOf(repeated(chunk, 30));
    await rejects(() => fixture.store.stage(long.stream, 18 * mebibyte), RangeError);
    await nothingLeft(fixture, long);
    const whole = bodyOf(repeated(chunk, 20));
    await (await fixture.store.stage(whole.stream, 20 * mebibyte)).discard();
    await nothingLeft(fixture, whole);
  },
};
