import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf } from "./house.ts";
import { bound, readThrough, settled, storedPaths, withBody } from "./upstreams.ts";

const MEBIBYTE = 1_048_576;

/** A body that waits for a sign before every chunk. */
class SteppedBody {
  readonly stream: ReadableStream<Uint8Array>;
  #steps: (() => void)[] = [];
  #ready = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>, chunkBytes: number) {
    let at = 0;
    this.stream = new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        await this.#turn();
        if (at < bytes.length) controller.enqueue(bytes.slice(at, at += chunkBytes));
        else controller.close();
      },
    }, { highWaterMark: 0 });
  }

  step(count = 1): void {
    for (let done = 0; done < count; done++) {
      const next = this.#steps.shift();
      if (next === undefined) this.#ready++;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#ready > 0) {
      this.#ready--;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#steps.push(resolve));
  }
}

describe("a file that is not held", () => {
  it("comes from the upstream, and then from here", async () => {
    const { upstream, house, wheel, held } = await readThrough();
    const { url } = (await house.page("demo")).files[0]!;
    const { pathname } = new URL(url, "https://cairn.test/simple/demo/");
    equal(pathname, wheel.path);
    const cold = await house.fetch(pathname);
    equal(cold.headers.get("content-length"), String(wheel.bytes.length));
    equal(cold.headers.get("etag"), `"${wheel.sha256}"`);
    deepEqual(await bytesOf(cold), wheel.bytes);
    await settled(house);
    deepEqual(await storedPaths(house), [held, `${held}.metadata`]);
    for (let round = 0; round < 3; round++) {
      deepEqual(await bytesOf(await house.fetch(pathname)), wheel.bytes);
    }
    equal(upstream.count("/packages/"), 1);
    equal((await house.index.fetch(wheel.filename))?.upstream, "main");
    equal((await house.index.project("demo")).isClaimed, false);
  });

  it("I-168: eight clients at once cause one upstream fetch and get the right bytes", async () => {
    const { upstream, house, wheel } = await readThrough({ paddingBytes: 9 * MEBIBYTE });
    const all = await Promise.all(Array.from({ length: 8 }, async () => {
      return await sha256Of(await bytesOf(await house.fetch(wheel.path)));
    }));
    deepEqual(new Set(all), new Set([wheel.sha256]));
    equal(upstream.count("/packages/"), 1);
  });

  it("I-180: HEAD answers from the index, without a fill", async () => {
    const { upstream, house, wheel } = await readThrough();
    const head = await house.fetch(wheel.path, { method: "HEAD" });
    equal(head.status, 200);
    equal(head.headers.get("content-length"), String(wheel.bytes.length));
    equal(head.headers.get("etag"), `"${wheel.sha256}"`);
    equal(head.headers.get("accept-ranges"), "bytes");
    equal(upstream.count("/packages/"), 0);
    const same = { headers: { "if-none-match": `"${wheel.sha256}"` } };
    equal((await house.fetch(wheel.path, same)).status, 304);
    equal(upstream.count("/packages/"), 0);
  });

  it("a range of it is served, the file being filled once", async () => {
    const { upstream, house, wheel } = await readThrough();
    const ranges = await Promise.all(
      ["bytes=0-9", "bytes=-10", "bytes=100-199"].map((range) =>
        house.fetch(wheel.path, { headers: { range } })
      ),
    );
    deepEqual(ranges.map(({ status }) => status), [206, 206, 206]);
    deepEqual(await bytesOf(ranges[1]!), wheel.bytes.slice(-10));
    equal(upstream.count("/packages/"), 1);
  });

  it("I-182: its first bytes arrive before the upstream has sent its last", async () => {
    const { upstream, house, wheel } = await readThrough({ paddingBytes: 4 * 65_536 });
    const body = new SteppedBody(wheel.bytes, 65_536);
    upstream.twist = (request) =>
      request.url.includes("/packages/")
        ? upstream.changed(request, async (response) => {
          await response.body?.cancel();
          return withBody(response, body.stream);
        })
        : undefined;
    const response = await house.fetch(wheel.path);
    const reader = response.body!.getReader();
    const first = reader.read();
    body.step(2);
    deepEqual((await first).value, wheel.bytes.slice(0, 65_536));
    body.step(10);
    let sizeBytes = 65_536;
    for (let result = await reader.read(); !result.done; result = await reader.read()) {
      sizeBytes += result.value.byteLength;
    }
    equal(sizeBytes, wheel.bytes.length);
  });

  it("I-176: a store that fails during the fill costs no client its file", async () => {
    for (const paddingBytes of [1_000, 300_000, 6 * MEBIBYTE]) {
      const { upstream, house, wheel } = await readThrough({
        paddingBytes,
        house: { files: (clock) => memoryFiles({ clock, capacityBytes: 500 }) },
      });
      const bodies = await Promise.all([1, 2, 3].map(async () => {
        return await bytesOf(await house.fetch(wheel.path));
      }));
      for (const body of bodies) deepEqual(body, wheel.bytes);
      equal(upstream.count("/packages/"), 1);
      await settled(house);
      deepEqual(await storedPaths(house), []);
      equal(await house.index.fetch(wheel.filename), undefined);
      equal((await house.page("demo")).files.length, 1);
    }
  });

  it("a store that gives up in the middle costs no client its file either", async () => {
    for (const after of [1, 3, 40]) {
      const breaking = (real: FileStore): FileStore => ({
        ...bound(real),
        put: async (_path, body) => {
          const reader = body.getReader();
          for (let read = 0; read < after; read++) await reader.read();
          throw new BackendError("disk", "put", "it is full");
        },
      });
      const { house, wheel, upstream } = await readThrough({
        paddingBytes: 6 * MEBIBYTE,
        house: { files: (clock) => breaking(memoryFiles({ clock })) },
      });
      deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
      equal(upstream.count("/packages/"), 1);
      await settled(house);
      deepEqual(await storedPaths(house), []);
    }
  });

  it("I-175: goes on when its client leaves, and is there for the next", async () => {
    const { upstream, house, wheel, held } = await readThrough({ paddingBytes: 2 * MEBIBYTE });
    const response = await house.fetch(wheel.path);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await settled(house);
    ok((await storedPaths(house)).includes(held));
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 1);
  });

  it("a slow client holds nobody up and gets all of it from the store", async () => {
    const { upstream, house, wheel } = await readThrough({ paddingBytes: 20 * MEBIBYTE });
    const slow = (await house.fetch(wheel.path)).body!.getReader();
    const start = await slow.read();
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    await settled(house);
    let sizeBytes = start.value!.byteLength;
    const parts = [new Uint8Array(start.value!)];
    for (let result = await slow.read(); !result.done; result = await slow.read()) {
      parts.push(new Uint8Array(result.value));
      sizeBytes += result.value.byteLength;
    }
    equal(sizeBytes, wheel.bytes.length);
    equal(await sha256Of(new Uint8Array(await new Blob(parts).arrayBuffer())), wheel.sha256);
    equal(upstream.count("/packages/"), 1);
  });

  it("was stored by a process that died before recording it: it is recorded, not fetched", async () => {
    const { upstream, house, wheel, held } = await readThrough();
    const expected = { sizeBytes: wheel.bytes.length, sha256: wheel.sha256 };
    await house.files.put(held, new Blob([wheel.bytes]).stream(), expected);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 0);
    equal((await house.index.fetch(wheel.filename))?.path, held);
  });

  it("other bytes at its place in the store are replaced", async () => {
    const { house, wheel, held } = await readThrough();
    const wrong = new Uint8Array([1, 2, 3]);
    const expected = { sizeBytes: 3, sha256: await sha256Of(wrong) };
    await house.files.put(held, new Blob([wrong]).stream(), expected);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    await settled(house);
    equal((await house.files.head(held))?.sizeBytes, wheel.bytes.length);
  });

  it("whose bytes were removed to make room is filled again", async () => {
    const { upstream, house, wheel, held } = await readThrough();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    await house.files.delete(held);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 2);
    equal((await house.fetch(`${wheel.path}.metadata`)).status, 200);
  });
});

describe("the body of a file", () => {
  it("is always announced with its length and made by the platform's hook", async () => {
    const lengths: number[] = [];
    const { house, wheel } = await readThrough({
      house: {
        app: {
          bodyOfLength: (body, lengthBytes) => {
            lengths.push(lengthBytes);
            return body;
          },
        },
      },
    });
    const size = wheel.bytes.length;
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    await bytesOf(await house.fetch(wheel.path));
    await bytesOf(await house.fetch(wheel.path, { headers: { range: "bytes=1-4" } }));
    deepEqual(lengths, [size, size, 4]);
  });

  it("a file that fails before its first byte is no 200", async () => {
    const { house, wheel, upstream } = await readThrough();
    upstream.twist = (request) =>
      request.url.includes("/packages/") ? new Response(null, { status: 503 }) : undefined;
    equal((await house.fetch(wheel.path)).status, 503);
  });
});
