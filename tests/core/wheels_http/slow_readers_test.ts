import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf } from "./house.ts";
import { bound, type ReadThrough, readThrough, settled, withBody } from "./upstreams.ts";

const MEBIBYTE = 1_048_576;

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** A store that gives up each put after so many chunks. */
function breaking(real: FileStore, after = 3): FileStore {
  return {
    ...bound(real),
    put: async (_path, body) => {
      const reader = body.getReader();
      for (let read = 0; read < after; read++) await reader.read();
      throw new BackendError("disk", "put", "it is full");
    },
  };
}

/** A house whose store gives up, and a wheel of so many bytes. */
function overBrokenStore(paddingBytes: number): Promise<ReadThrough> {
  return readThrough({
    paddingBytes,
    house: { files: (clock) => breaking(memoryFiles({ clock })) },
  });
}

async function readerOf({ house, wheel }: ReadThrough): Promise<Reader> {
  const response = await house.fetch(wheel.path);
  equal(response.status, 200);
  return response.body!.getReader();
}

/** Reads on to the end; answers all bytes with those that were read before. */
async function readOn(reader: Reader, before: Uint8Array[] = []): Promise<Uint8Array<ArrayBuffer>> {
  const parts = before.map((part) => new Uint8Array(part));
  for (let result = await reader.read(); !result.done; result = await reader.read()) {
    parts.push(new Uint8Array(result.value));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

/** Three clients who ask before one of them has read anything: one reader, and two whole files. */
async function allAboard(
  setting: ReadThrough,
): Promise<[Reader, Promise<Uint8Array<ArrayBuffer>>, Promise<Uint8Array<ArrayBuffer>>]> {
  const { house, wheel } = setting;
  const reader = await readerOf(setting);
  const [second, third] = [await house.fetch(wheel.path), await house.fetch(wheel.path)];
  return [reader, bytesOf(second), bytesOf(third)];
}

describe("a client that stops reading, when the store has given up", () => {
  it("is let go with an error after half a minute, and the others get their file", async () => {
    const setting = await overBrokenStore(12 * MEBIBYTE);
    const { house, wheel, upstream } = setting;
    const [stalled, ...others] = await allAboard(setting);
    await stalled.read();
    let arrived = 0;
    for (const other of others) void other.then(() => arrived++);
    await house.clock.advance(29_999);
    equal(arrived, 0);
    await house.clock.advance(1);
    for (const other of others) deepEqual(await other, wheel.bytes);
    await rejects(readOn(stalled), /took nothing/);
    await settled(house);
    equal(upstream.count("/packages/"), 1);
    equal(house.clock.sleeping, 0);
  });

  it("is let go also when all that is left is in memory", async () => {
    const setting = await overBrokenStore(MEBIBYTE);
    const stalled = await readerOf(setting);
    await stalled.read();
    const ended = Promise.allSettled(setting.house.background).then(() => "ended");
    await setting.house.clock.advance(29_999);
    equal(await Promise.race([ended, "running"]), "running");
    await setting.house.clock.advance(1);
    equal(await ended, "ended");
    await rejects(readOn(stalled), /took nothing/);
  });

  it("is not let go while it reads, however slowly", async () => {
    const setting = await overBrokenStore(6 * MEBIBYTE);
    const { house, wheel } = setting;
    const slow = await readerOf(setting);
    const parts: Uint8Array[] = [];
    for (let result = await slow.read(); !result.done; result = await slow.read()) {
      parts.push(result.value);
      await house.clock.advance(20_000);
    }
    equal(
      await sha256Of(new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer())),
      wheel.sha256,
    );
  });

  it("costs nobody the file, however unevenly the upstream sends", async () => {
    for (const sizes of [[1_000, 1_200_000], [1_300_000], [5, 1_200_000, 70_000]]) {
      const setting = await overBrokenStore(9 * MEBIBYTE);
      const { house, wheel, upstream } = setting;
      upstream.twist = (request) =>
        request.url.includes("/packages/")
          ? upstream.changed(request, async (response) => {
            const bytes = await bytesOf(response);
            return withBody(response, unevenBody(bytes, sizes));
          })
          : undefined;
      const [slow, other] = await allAboard(setting);
      const { value } = await slow.read();
      await house.clock.advance(1_000);
      equal(await sha256Of(await readOn(slow, [value!])), wheel.sha256, `${sizes}`);
      equal(await sha256Of(await other), wheel.sha256, `${sizes}`);
    }
  });

  it("leaves whoever comes too late for the beginning a fill of its own", async () => {
    const setting = await overBrokenStore(12 * MEBIBYTE);
    const { house, wheel, upstream } = setting;
    const early = await readerOf(setting);
    const parts: Uint8Array[] = [];
    for (let sizeBytes = 0; sizeBytes < 7 * MEBIBYTE;) {
      const { value } = await early.read();
      parts.push(value!);
      sizeBytes += value!.byteLength;
    }
    const late = bytesOf(await house.fetch(wheel.path));
    equal(await sha256Of(await late), wheel.sha256);
    equal(upstream.count("/packages/"), 2);
    equal(await sha256Of(await readOn(early, parts)), wheel.sha256);
  });
});

describe("a client of a store that gives up at once", () => {
  it("has its file all the same, and so have all who ask with it", async () => {
    for (const after of [0, 1]) {
      const setting = await readThrough({
        paddingBytes: 2 * MEBIBYTE,
        house: { files: (clock) => breaking(memoryFiles({ clock }), after) },
      });
      const { house, wheel } = setting;
      const asked = [1, 2, 3].map(async () => await bytesOf(await house.fetch(wheel.path)));
      for (const bytes of await Promise.all(asked)) equal(await sha256Of(bytes), wheel.sha256);
      await settled(house);
    }
  });
});

describe("a client that stops reading, when the store goes on", () => {
  it("holds no memory once the file is stored: it goes on from the store", async () => {
    const ranges: (number | undefined)[] = [];
    const listening = (real: FileStore): FileStore => ({
      ...bound(real),
      read: (path, range) => {
        if (path.endsWith(".whl") && range?.length !== undefined) ranges.push(range.offset);
        return real.read(path, range);
      },
    });
    const setting = await readThrough({
      paddingBytes: 2 * MEBIBYTE,
      house: { files: (clock) => listening(memoryFiles({ clock })) },
    });
    const slow = await readerOf(setting);
    const { value } = await slow.read();
    await settled(setting.house);
    equal(setting.house.clock.sleeping, 0);
    ok(!ranges.includes(value!.byteLength));
    equal(await sha256Of(await readOn(slow, [value!])), setting.wheel.sha256);
    ok(ranges.includes(value!.byteLength));
  });
});

/** The bytes in chunks of these sizes, over and over. */
function unevenBody(
  bytes: Uint8Array<ArrayBuffer>,
  sizes: readonly number[],
): ReadableStream<Uint8Array> {
  let [at, turn] = [0, 0];
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      if (at === bytes.length) return controller.close();
      const end = Math.min(bytes.length, at + sizes[turn++ % sizes.length]!);
      controller.enqueue(bytes.slice(at, end));
      at = end;
    },
  }, { highWaterMark: 0 });
}
