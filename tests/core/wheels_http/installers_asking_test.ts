// runs on: deno, node22, node24, bun, workerd
// A browser sets some of the headers itself, so a page cannot send them.
/** How installers ask for files, and what they get in cases that are rare. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { parseMetadata } from "../../../src/wheels/packages/metadata.ts";
import { bytesOf, House, packagePath, type PublishedWheel } from "./house.ts";
import { jsonAnswer, readThrough, settled } from "./upstreams.ts";

/** A house with the wheel as its own, and one that holds it from an upstream. */
async function holders(paddingBytes: number): Promise<{ house: House; wheel: PublishedWheel }[]> {
  const own = new House();
  const wheel = await own.publish({ name: "demo", version: "1.0", paddingBytes });
  const through = await readThrough({ paddingBytes });
  await bytesOf(await through.house.fetch(through.wheel.path));
  await settled(through.house);
  return [{ house: own, wheel }, { house: through.house, wheel: through.wheel }];
}

describe("installers", () => {
  it("I-065: uv asks for the head, the last 16 KiB and a range in the middle", async () => {
    for (const { house, wheel } of await holders(200_000)) {
      const identity = { "accept-encoding": "identity" };
      const head = await house.fetch(wheel.path, { method: "HEAD", headers: identity });
      const size = Number(head.headers.get("content-length"));
      equal(size, wheel.bytes.length);
      equal(head.headers.get("accept-ranges"), "bytes");
      const part = async (from: number, to: number): Promise<Uint8Array> => {
        const headers = { ...identity, range: `bytes=${from}-${to}` };
        const response = await house.fetch(wheel.path, { headers });
        equal(response.status, 206);
        equal(response.headers.get("content-range"), `bytes ${from}-${to}/${size}`);
        equal(response.headers.get("content-encoding"), null);
        return await bytesOf(response);
      };
      deepEqual(await part(size - 16_384, size - 1), wheel.bytes.slice(-16_384));
      const text = new TextDecoder("latin1").decode(wheel.bytes);
      const at = text.indexOf("Metadata-Version");
      const end = at + wheel.metadata.length;
      equal(new TextDecoder().decode(await part(at, end - 1)), wheel.metadata);
      deepEqual(await part(1_000, 9_999), wheel.bytes.slice(1_000, 10_000));
    }
  });

  it("I-067: a download that broke off goes on with Range and If-Range", async () => {
    for (const { house, wheel } of await holders(200_000)) {
      const begun = await house.fetch(wheel.path);
      const etag = begun.headers.get("etag")!;
      const reader = begun.body!.getReader();
      const parts: Uint8Array<ArrayBuffer>[] = [new Uint8Array((await reader.read()).value!)];
      await reader.cancel();
      for (const length of [50_000, Infinity]) {
        const at = parts.reduce((sum, part) => sum + part.length, 0);
        if (at === wheel.bytes.length) break;
        const range = `bytes=${at}-${length === Infinity ? "" : at + length - 1}`;
        const rest = await house.fetch(wheel.path, { headers: { range, "if-range": etag } });
        equal(rest.status, 206);
        parts.push(await bytesOf(rest));
      }
      const whole = new Uint8Array(await new Blob(parts).arrayBuffer());
      equal(await sha256Of(whole), wheel.sha256);
      const headers = { range: "bytes=9-", "if-range": `"${"0".repeat(64)}"` };
      const another = await house.fetch(wheel.path, { headers });
      equal(another.status, 200, "another file's range would make a file that never was");
      equal((await bytesOf(another)).length, wheel.bytes.length);
    }
  });

  it("I-068: what is held comes at once, from the address that was asked", async () => {
    for (const { house, wheel } of await holders(1_000)) {
      for (const path of [wheel.path, `${wheel.path}.metadata`]) {
        for (const method of ["GET", "HEAD"]) {
          const response = await house.fetch(path, { method });
          equal(response.status, 200);
          equal(response.headers.get("location"), null);
          await response.body?.cancel();
        }
      }
    }
  });

  it("I-073: files of no byte and of one byte come whole and in ranges", async () => {
    const cases: [number, string | undefined, number, string | null][] = [
      [0, undefined, 200, null],
      [0, "bytes=0-0", 416, "bytes */0"],
      [0, "bytes=0-", 416, "bytes */0"],
      // A suffix of nothing can be had (RFC 9110, section 14.1.2), but has no Content-Range.
      [0, "bytes=-1", 200, null],
      [1, undefined, 200, null],
      [1, "bytes=0-0", 206, "bytes 0-0/1"],
      [1, "bytes=0-", 206, "bytes 0-0/1"],
      [1, "bytes=-1", 206, "bytes 0-0/1"],
      [1, "bytes=-9", 206, "bytes 0-0/1"],
      [1, "bytes=1-", 416, "bytes */1"],
    ];
    for (const [size, range, status, contentRange] of cases) {
      const bytes = new Uint8Array(size).fill(7);
      const sha256 = await sha256Of(bytes);
      const [filename, path] = ["demo-1.0.tar.gz", packagePath(sha256, "demo-1.0.tar.gz")];
      const fetch = async (url: string): Promise<Response> =>
        url.endsWith("/simple/demo/")
          ? jsonAnswer({
            meta: { "api-version": "1.4" },
            name: "demo",
            files: [{ filename, url: `/f/${filename}`, hashes: { sha256 }, size }],
          })
          : new Response(bytes);
      const house = new House({ upstream: { fetch } });
      for (let round = 0; round < 2; round++) {
        const headers = range === undefined ? {} : { range };
        const head = await house.fetch(path, { method: "HEAD", headers });
        equal(head.status, 200);
        equal(head.headers.get("content-length"), String(size));
        const response = await house.fetch(path, { headers });
        equal(response.status, status, `${size} ${range}`);
        equal(response.headers.get("content-range"), contentRange, `${size} ${range}`);
        const body = await bytesOf(response);
        if (status !== 416) equal(body.length, size);
        await settled(house);
      }
    }
  });

  it("I-086: core metadata beside a wheel says what the wheel says, whatever its upstream said", async () => {
    const lines = [
      "Summary: Ä wheel",
      "Requires-Python: >=3.8",
      'Requires-Dist: left>=1; extra == "more"',
      "Requires-Dist: right",
      "Provides-Extra: more",
    ];
    const facts = (bytes: Uint8Array): unknown => {
      const metadata = parseMetadata(bytes);
      const { name, version, requiresDist, requiresPython, providesExtra } = metadata;
      return { name, version, requiresDist, requiresPython, providesExtra };
    };
    const { upstream, house, wheel } = await readThrough();
    const spec = { name: "Demo", version: "2.0", metadata: lines };
    const theirs = await upstream.house.publish(spec);
    const lie = theirs.metadata.replace("right", "wrong");
    const sha256 = await sha256Of(new TextEncoder().encode(lie));
    upstream.twist = (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === `${theirs.path}.metadata`) return new Response(lie);
      if (pathname !== "/simple/demo/") return undefined;
      return upstream.changed(request, async (response) => {
        const page = await response.json();
        const files = page.files.map((file: { filename: string }) =>
          file.filename === theirs.filename ? { ...file, "core-metadata": { sha256 } } : file
        );
        return jsonAnswer({ ...page, files });
      });
    };
    const own = new House();
    const ours = await own.publish(spec);
    await bytesOf(await house.fetch(theirs.path));
    await settled(house);
    for (
      const [at, { path, metadata }] of [[own, ours], [house, theirs], [house, wheel]] as const
    ) {
      const beside = await bytesOf(await at.fetch(`${path}.metadata`));
      deepEqual(facts(beside), facts(new TextEncoder().encode(metadata)));
      const page = await at.page("demo");
      const listed = page.files.find(({ url }) => url.endsWith(path))!;
      deepEqual(listed["core-metadata"], { sha256: await sha256Of(beside) });
    }
  });

  it("I-102: twine's form, its signature before the file, is taken", async () => {
    const wheel = makeWheel({ name: "demo", version: "1.0" });
    const fields: [string, string][] = [
      ["name", "demo"],
      ["version", "1.0"],
      ["filetype", "bdist_wheel"],
      ["pyversion", "py3"],
      ["metadata_version", "2.1"],
      ["summary", "A wheel"],
      ["home_page", "UNKNOWN"],
      ["author", ""],
      ["license", "MIT"],
      ["description", "Line one\r\nline two\r\n"],
      ["description_content_type", "text/markdown"],
      ["keywords", "a,b"],
      ["classifiers", "A :: B"],
      ["classifiers", "C :: D"],
      ["platform", "any"],
      ["requires_dist", "left>=1"],
      ["requires_dist", "right"],
      ["requires_python", ">=3.8"],
      ["project_urls", "Home, https://demo.test/"],
      ["provides_extra", "more"],
      ["comment", ""],
      ["md5_digest", ""],
      ["sha256_digest", await sha256Of(wheel.bytes)],
      ["blake2_256_digest", ""],
      [":action", "file_upload"],
      ["protocol_version", "1"],
    ];
    const boundary = "4f1a";
    const head = (name: string, more = ""): string =>
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${more}\r\n`;
    const file = (name: string, filename: string, content: BlobPart): BlobPart[] => [
      head(name, `; filename="${filename}"`),
      "Content-Type: application/octet-stream\r\n\r\n",
      content,
      "\r\n",
    ];
    const body = await new Blob([
      ...fields.map(([name, value]) => `${head(name)}\r\n${value}\r\n`),
      ...file("gpg_signature", `${wheel.filename}.asc`, "-----BEGIN PGP SIGNATURE-----"),
      ...file("content", wheel.filename, wheel.bytes),
      `--${boundary}--\r\n`,
    ]).arrayBuffer();
    const house = new House();
    const response = await house.fetch("/legacy/", {
      method: "POST",
      headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
      body,
    });
    equal(response.status, 200, await response.text());
    equal((await house.page("demo")).files[0]?.hashes.sha256, await sha256Of(wheel.bytes));
    ok(!(await house.files.list({ limit: 9 })).files.some(({ path }) => path.endsWith(".asc")));
  });
});
