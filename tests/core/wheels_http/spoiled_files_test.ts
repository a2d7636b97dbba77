import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { bytesOf } from "./house.ts";
import { cutBody, readOut, readThrough, settled, storedPaths, withBody } from "./upstreams.ts";

const MEBIBYTE = 1_048_576;

describe("a file that the upstream spoils", () => {
  /** Answers for files with the real headers and what `spoil` makes of the bytes. */
  async function spoiled(
    paddingBytes: number,
    spoil: (bytes: Uint8Array<ArrayBuffer>) => BodyInit,
  ) {
    const setting = await readThrough({ paddingBytes });
    const { upstream } = setting;
    upstream.twist = (request) =>
      request.url.includes("/packages/")
        ? upstream.changed(request, async (response) => {
          const changed = withBody(response, spoil(await bytesOf(response)));
          changed.headers.delete("etag");
          return changed;
        })
        : undefined;
    return setting;
  }

  it("I-169 I-171: one flipped byte never completes at a client, and nothing is stored", async () => {
    for (const paddingBytes of [0, 60_000, 300_000, 5 * MEBIBYTE]) {
      for (const where of ["first", "middle", "last"]) {
        const { upstream, house, wheel } = await spoiled(paddingBytes, (bytes) => {
          const at = { first: 0, middle: bytes.length >> 1, last: bytes.length - 1 }[where]!;
          bytes[at]! ^= 1;
          return bytes;
        });
        const responses = await Promise.all([1, 2, 3].map(() => house.fetch(wheel.path)));
        for (const response of responses) {
          equal(response.headers.get("content-length"), String(wheel.bytes.length));
          const { isWhole, sizeBytes } = await readOut(response);
          ok(!isWhole, `${paddingBytes} ${where}`);
          ok(sizeBytes <= Math.max(0, wheel.bytes.length - 65_536), `${paddingBytes} ${where}`);
        }
        await settled(house);
        deepEqual(await storedPaths(house), []);
        equal(await house.index.fetch(wheel.filename), undefined);
        upstream.twist = () => undefined;
        deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
      }
    }
  });

  it("cut short without a way to resume: an error at the client, nothing stored", async () => {
    for (const isBroken of [false, true]) {
      const { house, wheel } = await spoiled(
        300_000,
        (bytes) => cutBody(bytes, { at: Math.floor(bytes.length * 0.9), isBroken }),
      );
      ok(!(await readOut(await house.fetch(wheel.path))).isWhole);
      await settled(house);
      deepEqual(await storedPaths(house), []);
    }
  });

  it("longer than announced: the same", async () => {
    const { house, wheel } = await spoiled(300_000, (bytes) => new Blob([bytes, "x"]));
    ok(!(await readOut(await house.fetch(wheel.path))).isWhole);
    await settled(house);
    deepEqual(await storedPaths(house), []);
  });

  it("I-170: cut at 85 to 95 percent, it is resumed by a range", async () => {
    for (const percent of [85, 90, 95]) {
      for (const isBroken of [false, true]) {
        const { upstream, house, wheel } = await readThrough();
        upstream.twist = (request) => {
          if (!request.url.includes("/packages/") || request.headers.has("range")) return undefined;
          return upstream.changed(request, async (response) => {
            const bytes = await bytesOf(response);
            const at = Math.floor(bytes.length * percent / 100);
            return withBody(response, cutBody(bytes, { at, isBroken }));
          });
        };
        deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
        equal(upstream.count("/packages/"), 2);
        const { headers } = upstream.asked.at(-1)!;
        equal(headers.get("range"), `bytes=${Math.floor(wheel.bytes.length * percent / 100)}-`);
        equal(headers.get("if-range"), `"${wheel.sha256}"`);
        await settled(house);
        equal((await storedPaths(house)).length, 2);
      }
    }
  });

  it("resuming ends after three times, and when the upstream sends the whole instead", async () => {
    const { upstream, house, wheel } = await readThrough();
    upstream.twist = (request) =>
      request.url.includes("/packages/")
        ? upstream.changed(request, async (response) => {
          const bytes = await bytesOf(response);
          return withBody(response, cutBody(bytes, { at: 1_000, isBroken: true }));
        })
        : undefined;
    ok(!(await readOut(await house.fetch(wheel.path))).isWhole);
    equal(upstream.count("/packages/"), 4);
    const other = await readThrough();
    other.upstream.twist = (request) =>
      request.url.includes("/packages/")
        ? other.upstream.changed(request, async (response) => {
          const bytes = await bytesOf(response);
          const body = cutBody(bytes, { at: bytes.length - 5 });
          return new Response(body, { headers: { etag: '"x"' } });
        })
        : undefined;
    ok(!(await readOut(await other.house.fetch(other.wheel.path))).isWhole);
    equal(other.upstream.count("/packages/"), 2);
  });

  it("I-173 I-174: another length, a coding or HTML are refused before the first byte", async () => {
    const answers: [string, (bytes: Uint8Array<ArrayBuffer>) => Response][] = [
      ["length", (bytes) => new Response(bytes, { headers: { "content-length": "7" } })],
      ["coding", (bytes) => new Response(bytes, { headers: { "content-encoding": "gzip" } })],
      ["HTML", () => new Response("<p>Sign in</p>", { headers: { "content-type": "text/html" } })],
      ["status", () => new Response("gone", { status: 404 })],
      ["error", () => new Response("oops", { status: 500 })],
    ];
    for (const [name, answer] of answers) {
      const { upstream, house, wheel } = await readThrough();
      upstream.twist = (request) =>
        request.url.includes("/packages/") ? answer(wheel.bytes) : undefined;
      const response = await house.fetch(wheel.path);
      equal(response.status, 502, name);
      equal(response.headers.get("cache-control"), "no-store");
      await settled(house);
      deepEqual(await storedPaths(house), []);
      upstream.twist = () => undefined;
      equal((await house.fetch(wheel.path)).status, 200, name);
    }
  });

  it("an upstream that cannot be reached is a 503 for a file", async () => {
    const { upstream, house, wheel } = await readThrough();
    await house.page("demo");
    upstream.twist = () => Promise.reject(new TypeError("refused"));
    equal((await house.fetch(wheel.path)).status, 503);
  });

  it("a transfer that stalls is resumed, and given up when that stalls too", async () => {
    const { upstream, house, wheel } = await readThrough();
    let stalls = 1;
    upstream.twist = (request) =>
      request.url.includes("/packages/") && stalls-- > 0
        ? upstream.changed(request, async (response) => {
          const bytes = await bytesOf(response);
          return withBody(response, stalling(bytes.slice(0, 1_000)));
        })
        : undefined;
    const body = bytesOf(await house.fetch(wheel.path));
    await house.clock.advance(30_000);
    deepEqual(await body, wheel.bytes);
    equal(upstream.count("/packages/"), 2);
    await settled(house);
    await house.files.delete(`upstream.main/demo/${wheel.filename}`);
    stalls = Infinity;
    const [first, second] = await Promise.all([house.fetch(wheel.path), house.fetch(wheel.path)]);
    const outcomes = Promise.all([readOut(first), readOut(second)]);
    for (let round = 0; round < 10; round++) await house.clock.advance(30_000);
    for (const { isWhole } of await outcomes) ok(!isWhole);
    upstream.twist = () => undefined;
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
  });

  it("those who wait for a leader that died give it up, and the next one leads", async () => {
    const { upstream, house, wheel } = await readThrough();
    await house.page("demo");
    const { put } = house.files;
    house.files.put = () => new Promise(() => {});
    const dead = readOut(await house.fetch(wheel.path));
    const ranged = house.fetch(wheel.path, { headers: { range: "bytes=0-9" } });
    await house.clock.advance(61_000);
    ok(!(await dead).isWhole);
    equal((await ranged).status, 503);
    house.files.put = put;
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 2);
  });
});

/** A body that ends in silence. */
function stalling(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes) });
}
