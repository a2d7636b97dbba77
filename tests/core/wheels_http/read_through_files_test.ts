import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, House, type HouseOptions, packagePath } from "./house.ts";
import { cutBody, TwistedUpstream, withBody } from "./upstreams.ts";

const MEBIBYTE = 1_048_576;

async function setUp(options: { paddingBytes?: number; house?: HouseOptions } = {}) {
  const upstream = new TwistedUpstream();
  const { paddingBytes = 300_000 } = options;
  const wheel = await upstream.house.publish({ name: "demo", version: "1.0", paddingBytes });
  const house = new House({ ...options.house, upstream: { fetch: upstream.fetch } });
  const held = `upstream.main/demo/${wheel.filename}`;
  return { upstream, house, wheel, held };
}

async function settled(house: House): Promise<void> {
  await Promise.allSettled(house.background);
}

async function stored(house: House): Promise<string[]> {
  return (await house.files.list({ limit: 100 })).files.map(({ path }) => path);
}

/** Reads a body to its end or to its failure. */
async function read(response: Response): Promise<{ sizeBytes: number; isWhole: boolean }> {
  let sizeBytes = 0;
  try {
    for await (const chunk of response.body!) sizeBytes += chunk.byteLength;
    return { sizeBytes, isWhole: true };
  } catch {
    return { sizeBytes, isWhole: false };
  }
}

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
    const { upstream, house, wheel, held } = await setUp();
    const { url } = (await house.page("demo")).files[0]!;
    const { pathname } = new URL(url, "https://cairn.test/simple/demo/");
    equal(pathname, wheel.path);
    const cold = await house.fetch(pathname);
    equal(cold.headers.get("content-length"), String(wheel.bytes.length));
    equal(cold.headers.get("etag"), `"${wheel.sha256}"`);
    deepEqual(await bytesOf(cold), wheel.bytes);
    await settled(house);
    deepEqual(await stored(house), [held, `${held}.metadata`]);
    for (let round = 0; round < 3; round++) {
      deepEqual(await bytesOf(await house.fetch(pathname)), wheel.bytes);
    }
    equal(upstream.count("/packages/"), 1);
    equal((await house.index.fetch(wheel.filename))?.upstream, "main");
    equal((await house.index.project("demo")).isClaimed, false);
  });

  it("I-168: eight clients at once cause one upstream fetch and get the right bytes", async () => {
    const { upstream, house, wheel } = await setUp({ paddingBytes: 9 * MEBIBYTE });
    const all = await Promise.all(Array.from({ length: 8 }, async () => {
      return await sha256Of(await bytesOf(await house.fetch(wheel.path)));
    }));
    deepEqual(new Set(all), new Set([wheel.sha256]));
    equal(upstream.count("/packages/"), 1);
  });

  it("I-180: HEAD answers from the index, without a fill", async () => {
    const { upstream, house, wheel } = await setUp();
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
    const { upstream, house, wheel } = await setUp();
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
    const { upstream, house, wheel } = await setUp({ paddingBytes: 4 * 65_536 });
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
      const { upstream, house, wheel } = await setUp({
        paddingBytes,
        house: { files: (clock) => memoryFiles({ clock, capacityBytes: 500 }) },
      });
      const bodies = await Promise.all([1, 2, 3].map(async () => {
        return await bytesOf(await house.fetch(wheel.path));
      }));
      for (const body of bodies) deepEqual(body, wheel.bytes);
      equal(upstream.count("/packages/"), 1);
      await settled(house);
      deepEqual(await stored(house), []);
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
      const { house, wheel, upstream } = await setUp({
        paddingBytes: 6 * MEBIBYTE,
        house: { files: (clock) => breaking(memoryFiles({ clock })) },
      });
      deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
      equal(upstream.count("/packages/"), 1);
      await settled(house);
      deepEqual(await stored(house), []);
    }
  });

  it("I-175: goes on when its client leaves, and is there for the next", async () => {
    const { upstream, house, wheel, held } = await setUp({ paddingBytes: 2 * MEBIBYTE });
    const response = await house.fetch(wheel.path);
    const reader = response.body!.getReader();
    await reader.read();
    await reader.cancel();
    await settled(house);
    ok((await stored(house)).includes(held));
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 1);
  });

  it("a slow client holds nobody up and gets all of it from the store", async () => {
    const { upstream, house, wheel } = await setUp({ paddingBytes: 20 * MEBIBYTE });
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
    const { upstream, house, wheel, held } = await setUp();
    const expected = { sizeBytes: wheel.bytes.length, sha256: wheel.sha256 };
    await house.files.put(held, new Blob([wheel.bytes]).stream(), expected);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 0);
    equal((await house.index.fetch(wheel.filename))?.path, held);
  });

  it("other bytes at its place in the store are replaced", async () => {
    const { house, wheel, held } = await setUp();
    const wrong = new Uint8Array([1, 2, 3]);
    const expected = { sizeBytes: 3, sha256: await sha256Of(wrong) };
    await house.files.put(held, new Blob([wrong]).stream(), expected);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    await settled(house);
    equal((await house.files.head(held))?.sizeBytes, wheel.bytes.length);
  });

  it("whose bytes were removed to make room is filled again", async () => {
    const { upstream, house, wheel, held } = await setUp();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    await house.files.delete(held);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal(upstream.count("/packages/"), 2);
    equal((await house.fetch(`${wheel.path}.metadata`)).status, 200);
  });
});

/** A store's methods as own properties, to replace some. */
function bound(store: FileStore): FileStore {
  return {
    name: store.name,
    head: (path) => store.head(path),
    read: (path, range) => store.read(path, range),
    put: (path, body, expected) => store.put(path, body, expected),
    stage: (body, maxBytes) => store.stage(body, maxBytes),
    delete: (path) => store.delete(path),
    list: (options) => store.list(options),
  };
}

describe("a file that the upstream spoils", () => {
  /** Answers for files with the real headers and what `spoil` makes of the bytes. */
  async function spoiled(
    paddingBytes: number,
    spoil: (bytes: Uint8Array<ArrayBuffer>) => BodyInit,
  ) {
    const setting = await setUp({ paddingBytes });
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
          const { isWhole, sizeBytes } = await read(response);
          ok(!isWhole, `${paddingBytes} ${where}`);
          ok(sizeBytes <= Math.max(0, wheel.bytes.length - 65_536), `${paddingBytes} ${where}`);
        }
        await settled(house);
        deepEqual(await stored(house), []);
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
      ok(!(await read(await house.fetch(wheel.path))).isWhole);
      await settled(house);
      deepEqual(await stored(house), []);
    }
  });

  it("longer than announced: the same", async () => {
    const { house, wheel } = await spoiled(300_000, (bytes) => new Blob([bytes, "x"]));
    ok(!(await read(await house.fetch(wheel.path))).isWhole);
    await settled(house);
    deepEqual(await stored(house), []);
  });

  it("I-170: cut at 85 to 95 percent, it is resumed by a range", async () => {
    for (const percent of [85, 90, 95]) {
      for (const isBroken of [false, true]) {
        const { upstream, house, wheel } = await setUp();
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
        equal((await stored(house)).length, 2);
      }
    }
  });

  it("resuming ends after three times, and when the upstream sends the whole instead", async () => {
    const { upstream, house, wheel } = await setUp();
    upstream.twist = (request) =>
      request.url.includes("/packages/")
        ? upstream.changed(request, async (response) => {
          const bytes = await bytesOf(response);
          return withBody(response, cutBody(bytes, { at: 1_000, isBroken: true }));
        })
        : undefined;
    ok(!(await read(await house.fetch(wheel.path))).isWhole);
    equal(upstream.count("/packages/"), 4);
    const other = await setUp();
    other.upstream.twist = (request) =>
      request.url.includes("/packages/")
        ? other.upstream.changed(request, async (response) => {
          const bytes = await bytesOf(response);
          const body = cutBody(bytes, { at: bytes.length - 5 });
          return new Response(body, { headers: { etag: '"x"' } });
        })
        : undefined;
    ok(!(await read(await other.house.fetch(other.wheel.path))).isWhole);
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
      const { upstream, house, wheel } = await setUp();
      upstream.twist = (request) =>
        request.url.includes("/packages/") ? answer(wheel.bytes) : undefined;
      const response = await house.fetch(wheel.path);
      equal(response.status, 502, name);
      equal(response.headers.get("cache-control"), "no-store");
      await settled(house);
      deepEqual(await stored(house), []);
      upstream.twist = () => undefined;
      equal((await house.fetch(wheel.path)).status, 200, name);
    }
  });

  it("an upstream that cannot be reached is a 503 for a file", async () => {
    const { upstream, house, wheel } = await setUp();
    await house.page("demo");
    upstream.twist = () => Promise.reject(new TypeError("refused"));
    equal((await house.fetch(wheel.path)).status, 503);
  });
});

describe("core metadata of a file that is not held", () => {
  it("I-183: is read through with its digest checked, once", async () => {
    const { upstream, house, wheel } = await setUp();
    const path = `${wheel.path}.metadata`;
    const all = await Promise.all(Array.from({ length: 5 }, () => house.fetch(path)));
    for (const response of all) equal(await response.text(), wheel.metadata);
    equal(upstream.count(".metadata"), 1);
    equal(upstream.count("/packages/"), 1, "the wheel itself was not fetched");
    upstream.twist = () => new Response("Metadata-Version: 9\n");
    const other = new House({ upstream: { fetch: upstream.fetch } });
    upstream.twist = (request) =>
      request.url.endsWith(".metadata") ? new Response("Metadata-Version: 9\n") : undefined;
    equal((await other.fetch(path)).status, 502);
    deepEqual(await stored(other), []);
  });

  it("I-080: what was announced is there also after the wheel's bytes have gone", async () => {
    const { house, wheel, held } = await setUp();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    await house.files.delete(held);
    equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
  });

  it("is announced after a fill where the upstream has none", async () => {
    const { upstream, house, wheel } = await setUp();
    const theirs = await upstream.house.page("demo");
    const files = theirs.files.map((file) => ({ ...file, "core-metadata": false }));
    upstream.twist = (request) =>
      new URL(request.url).pathname === "/simple/demo/"
        ? new Response(JSON.stringify({ ...theirs, files }), {
          headers: { "content-type": "application/vnd.pypi.simple.v1+json" },
        })
        : undefined;
    equal((await house.page("demo")).files[0]?.["core-metadata"], false);
    equal((await house.fetch(`${wheel.path}.metadata`)).status, 404);
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    ok((await house.page("demo")).files[0]?.["core-metadata"]);
    equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
  });
});

describe("an upstream that states less", () => {
  const HTML = { "content-type": "text/html" };

  function bare(upstream: TwistedUpstream, html: string): void {
    upstream.twist = (request) =>
      new URL(request.url).pathname === "/simple/demo/"
        ? new Response(html, { headers: HTML })
        : undefined;
  }

  it("a digest but no size: the page is 1.0, the file streams and is checked", async () => {
    const { upstream, house, wheel } = await setUp();
    bare(upstream, `<a href="${wheel.path}#sha256=${wheel.sha256}">${wheel.filename}</a>`);
    const page = await house.page("demo");
    equal(page.meta["api-version"], "1.0");
    equal(page.files[0]?.size, undefined);
    const response = await house.fetch(wheel.path);
    equal(response.headers.get("content-length"), String(wheel.bytes.length));
    deepEqual(await bytesOf(response), wheel.bytes);
    equal(upstream.count("/packages/"), 1);
    await settled(house);
    const filled = await house.page("demo");
    equal(filled.meta["api-version"], "1.4");
    equal(filled.files[0]?.size, wheel.bytes.length);
  });

  it("neither digest, size nor Content-Length: it is taken aside and then served", async () => {
    const { upstream, house, wheel } = await setUp();
    upstream.twist = (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/simple/demo/") {
        return new Response(`<title>Links for demo</title><a href="/f/${wheel.filename}">x</a>`, {
          headers: HTML,
        });
      }
      return pathname.startsWith("/f/")
        ? new Response(cutBody(wheel.bytes, { at: wheel.bytes.length }))
        : undefined;
    };
    const [file] = (await house.page("demo")).files;
    deepEqual(file?.hashes, {});
    const { pathname } = new URL(file!.url, "https://cairn.test/simple/demo/");
    const response = await house.fetch(pathname);
    equal(response.headers.get("etag"), `"${wheel.sha256}"`);
    deepEqual(await bytesOf(response), wheel.bytes);
  });

  it("I-184: a file without a digest is bound to the bytes that came first", async () => {
    const { upstream, house, wheel } = await setUp();
    let bytes = wheel.bytes;
    upstream.twist = (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/simple/demo/") {
        return new Response(`<a href="/f/${wheel.filename}">x</a>`, { headers: HTML });
      }
      return pathname.startsWith("/f/") ? new Response(bytes) : undefined;
    };
    const [before] = (await house.page("demo")).files;
    const { pathname } = new URL(before!.url, "https://cairn.test/simple/demo/");
    deepEqual(await bytesOf(await house.fetch(pathname)), wheel.bytes);
    await settled(house);
    const [after] = (await house.page("demo")).files;
    equal(after?.hashes.sha256, wheel.sha256);
    equal(after?.url, `../..${packagePath(wheel.sha256, wheel.filename)}`);
    await house.files.delete(`upstream.main/demo/${wheel.filename}`);
    bytes = bytes.slice();
    bytes[50]! ^= 1;
    for (const path of [pathname, wheel.path]) {
      const response = await house.fetch(path);
      ok(response.status >= 400 || !(await read(response)).isWhole, path);
    }
    await settled(house);
    ok(!(await stored(house)).includes(`upstream.main/demo/${wheel.filename}`));
    equal((await house.index.fetch(wheel.filename))?.sha256, wheel.sha256);
  });

  it("I-197: one name with two digests keeps the first, and says so", async () => {
    const { upstream, house, wheel } = await setUp();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    const other = "f".repeat(64);
    bare(upstream, `<a href="${packagePath(other, wheel.filename)}#sha256=${other}">x</a>`);
    await house.clock.advance(11 * 60_000);
    await house.page("demo");
    await settled(house);
    const [file] = (await house.page("demo")).files;
    equal(file?.hashes.sha256, wheel.sha256);
    ok(
      house.logged.some(({ level, message }) => level === "error" && /other content/.test(message)),
    );
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    equal((await house.fetch(packagePath(other, wheel.filename))).status, 502);
  });
});

describe("the body of a file", () => {
  it("I-172: is always announced with its length and made by the platform's hook", async () => {
    const lengths: number[] = [];
    const { house, wheel } = await setUp({
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
    const { house, wheel, upstream } = await setUp();
    upstream.twist = (request) =>
      request.url.includes("/packages/") ? new Response(null, { status: 503 }) : undefined;
    equal((await house.fetch(wheel.path)).status, 503);
  });
});
