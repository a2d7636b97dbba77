import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, House, packagePath, type PublishedWheel } from "./house.ts";
import {
  bound,
  cutBody,
  readOut,
  readThrough,
  settled,
  storedPaths,
  type TwistedUpstream,
} from "./upstreams.ts";

/** A store that tells what it holds aside, and may be unable to publish it. */
function watched(store: FileStore, aside: Set<object>, isBroken: boolean): FileStore {
  const stage: FileStore["stage"] = async (body, maxBytes) => {
    const staged = await store.stage(body, maxBytes);
    aside.add(staged);
    return {
      sizeBytes: staged.sizeBytes,
      read: (range) => staged.read(range),
      publish: async (path) => {
        if (isBroken) throw new BackendError("disk", "publish", "it is full");
        const published = await staged.publish(path);
        aside.delete(staged);
        return published;
      },
      discard: async () => {
        await staged.discard();
        aside.delete(staged);
      },
    };
  };
  return { ...bound(store), stage };
}

async function putOther(house: House, path: string): Promise<void> {
  const bytes = new Uint8Array([1, 2, 3]);
  const expected = { sizeBytes: 3, sha256: await sha256Of(bytes) };
  await house.files.put(path, new Blob([bytes]).stream(), expected);
}

describe("core metadata of a file that is not held", () => {
  it("I-183: is read through with its digest checked, once", async () => {
    const { upstream, house, wheel } = await readThrough();
    const path = `${wheel.path}.metadata`;
    const all = await Promise.all(Array.from({ length: 5 }, () => house.fetch(path)));
    for (const response of all) equal(await response.text(), wheel.metadata);
    equal(upstream.count(".metadata"), 1);
    equal(upstream.count("/packages/"), 1, "the wheel itself was not fetched");
    upstream.twist = () => new Response("Metadata-Version: 9\n");
    const other = new House({ upstream: { fetch: upstream.fetch } });
    upstream.twist = (request) =>
      request.url.endsWith(".metadata") ? new Response("Metadata-Version: 9\n") : undefined;
    const fromWheel = await other.fetch(path);
    equal(fromWheel.status, 200);
    equal(await fromWheel.text(), wheel.metadata, "that of the wheel is the announced one");
  });

  it("I-080: what was announced is there also after the wheel's bytes have gone", async () => {
    const { house, wheel, held } = await readThrough();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    await house.files.delete(held);
    equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
  });

  it("is announced after a fill where the upstream has none", async () => {
    const { upstream, house, wheel } = await readThrough();
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

  /** Lets the upstream replace the one wheel of `demo` by another under the same name. */
  async function replaced(upstream: TwistedUpstream, filename: string): Promise<PublishedWheel> {
    const house = new House();
    const wheel = await house.publish({ name: "demo", version: "1.0", metadata: ["Summary: B"] });
    equal(wheel.filename, filename);
    upstream.twist = (request) => house.app.fetch(request);
    return wheel;
  }

  it("of a wheel that was replaced upstream before it was held is that of the new one", async () => {
    const { upstream, house, wheel } = await readThrough();
    equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
    const other = await replaced(upstream, wheel.filename);
    notEqual(other.metadata, wheel.metadata);
    await house.clock.advance(11 * 60_000);
    await house.page("demo");
    await settled(house);
    for (let round = 0; round < 2; round++) {
      const response = await house.fetch(`${other.path}.metadata`);
      equal(response.status, 200);
      equal(await response.text(), other.metadata);
    }
    equal(upstream.count(".metadata"), 2);
    equal((await house.fetch(`${wheel.path}.metadata`)).status, 404);
  });

  it("of a wheel that was replaced upstream while we hold it stays that of the held one", async () => {
    const { upstream, house, wheel } = await readThrough();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    const other = await replaced(upstream, wheel.filename);
    await house.clock.advance(11 * 60_000);
    await house.page("demo");
    await settled(house);
    equal((await house.fetch(`${other.path}.metadata`)).status, 502);
    equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
  });

  it("that somebody spoilt in the store is fetched again", async () => {
    const { upstream, house, wheel, held } = await readThrough();
    const wrong = new TextEncoder().encode("Metadata-Version: 9\n");
    const expected = { sizeBytes: wrong.length, sha256: await sha256Of(wrong) };
    await house.files.put(`${held}.metadata`, new Blob([wrong]).stream(), expected);
    const paths = [1, 2, 3].map(() => house.fetch(`${wheel.path}.metadata`));
    for (const response of await Promise.all(paths)) equal(await response.text(), wheel.metadata);
    equal(upstream.count(".metadata"), 1);
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
    const { upstream, house, wheel } = await readThrough();
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
    const { upstream, house, wheel } = await readThrough();
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
    const { upstream, house, wheel } = await readThrough();
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
      ok(response.status >= 400 || !(await readOut(response)).isWhole, path);
    }
    await settled(house);
    ok(!(await storedPaths(house)).includes(`upstream.main/demo/${wheel.filename}`));
    equal((await house.index.fetch(wheel.filename))?.sha256, wheel.sha256);
  });

  it("I-197: one name with two digests keeps the first, and says so", async () => {
    const { upstream, house, wheel } = await readThrough();
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

  it("leaves nothing aside when what was taken aside cannot be published", async () => {
    for (const fault of ["publish", "digest", "other bytes"] as const) {
      const { upstream, wheel } = await readThrough();
      const aside = new Set<object>();
      const house = new House({
        files: (clock) => watched(memoryFiles({ clock }), aside, fault === "publish"),
        upstream: { fetch: upstream.fetch },
      });
      const answer = async (house: House): Promise<Response> => {
        if (fault === "other bytes") await putOther(house, `upstream.main/demo/${wheel.filename}`);
        return new Response(cutBody(wheel.bytes, { at: wheel.bytes.length }));
      };
      const fragment = fault === "digest" ? `#sha256=${"f".repeat(64)}` : "";
      upstream.twist = (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/simple/demo/") {
          return new Response(`<a href="/f/${wheel.filename}${fragment}">x</a>`, { headers: HTML });
        }
        return pathname.startsWith("/f/") ? answer(house) : undefined;
      };
      const { pathname } = new URL(
        (await house.page("demo")).files[0]!.url,
        "https://cairn.test/simple/demo/",
      );
      const response = await house.fetch(pathname);
      equal(response.status, fault === "publish" ? 503 : 502, fault);
      await settled(house);
      equal(aside.size, 0, fault);
    }
  });
});
