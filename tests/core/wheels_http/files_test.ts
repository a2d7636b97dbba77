import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, House, packagePath } from "./house.ts";

async function houseWithWheel(paddingBytes = 300) {
  const house = new House();
  const wheel = await house.publish({ name: "demo", version: "1.0", paddingBytes });
  const get = (headers: Record<string, string> = {}, method = "GET") =>
    house.fetch(wheel.path, { headers, method });
  return { house, wheel, get, size: wheel.bytes.length };
}

describe("GET of a file", () => {
  it("I-056 I-071 I-072: carries everything a client may rely on", async () => {
    const { wheel, get, size, house } = await houseWithWheel();
    const response = await get();
    equal(response.status, 200);
    const { headers } = response;
    equal(headers.get("content-type"), "application/octet-stream");
    equal(headers.get("content-length"), String(size));
    equal(headers.get("accept-ranges"), "bytes");
    equal(headers.get("etag"), `"${wheel.sha256}"`);
    equal(headers.get("last-modified"), new Date(house.clock.now()).toUTCString());
    equal(headers.get("cache-control"), "public, max-age=365000000, immutable, no-transform");
    equal(headers.get("x-content-type-options"), "nosniff");
    equal(headers.get("content-security-policy"), "sandbox");
    equal(headers.get("content-disposition"), null);
    deepEqual(await bytesOf(response), wheel.bytes);
  });

  it("I-066: never has a Content-Encoding, whatever the client takes", async () => {
    const { get, wheel } = await houseWithWheel();
    const response = await get({ "accept-encoding": "gzip, br, zstd" });
    equal(response.headers.get("content-encoding"), null);
    deepEqual(await bytesOf(response), wheel.bytes);
  });

  it("HEAD has the same status and headers and no body", async () => {
    const { get, size } = await houseWithWheel();
    const [whole, head] = [await get(), await get({}, "HEAD")];
    equal(head.status, 200);
    equal(head.headers.get("content-length"), String(size));
    deepEqual([...head.headers], [...whole.headers]);
    equal((await bytesOf(head)).length, 0);
    await whole.body?.cancel();
  });

  it("I-069: is 404 under another name, and under a digest that is none", async () => {
    const { house, wheel } = await houseWithWheel();
    equal((await house.fetch(packagePath(wheel.sha256, "demo-2.0-py3-none-any.whl"))).status, 404);
    equal((await house.fetch(packagePath("0".repeat(64), wheel.filename))).status, 404);
    equal((await house.fetch(`/packages/aa/bb/cc/${wheel.filename}`)).status, 404);
    equal((await house.fetch(wheel.path.toUpperCase())).status, 404);
  });

  it("a file that was removed from the store by hand is 404", async () => {
    const { house, wheel, get } = await houseWithWheel();
    await house.files.delete(`demo/${wheel.filename}`);
    equal((await get()).status, 404);
  });
});

describe("ranges of a file", () => {
  it("I-058: one range is a 206 with its Content-Range", async () => {
    const { get, wheel, size } = await houseWithWheel();
    const cases: [string, number, number][] = [
      ["bytes=0-0", 0, 0],
      ["bytes=0-99", 0, 99],
      ["bytes=100-", 100, size - 1],
      ["bytes=-100", size - 100, size - 1],
      [`bytes=-${size + 1}`, 0, size - 1],
      [`bytes=5-${size * 10}`, 5, size - 1],
      ["Bytes=7-8", 7, 8],
    ];
    for (const [range, first, last] of cases) {
      const response = await get({ range });
      equal(response.status, 206, range);
      equal(response.headers.get("content-range"), `bytes ${first}-${last}/${size}`, range);
      equal(response.headers.get("content-length"), String(last - first + 1), range);
      deepEqual(await bytesOf(response), wheel.bytes.slice(first, last + 1), range);
    }
  });

  it("I-059: a range behind the end is a 416 that names the size", async () => {
    const { get, size } = await houseWithWheel();
    for (const range of [`bytes=${size}-`, `bytes=${size + 5}-${size + 9}`, "bytes=-0"]) {
      const response = await get({ range });
      equal(response.status, 416, range);
      equal(response.headers.get("content-range"), `bytes */${size}`, range);
    }
  });

  it("I-060 I-061: a malformed range, another unit and several ranges get the whole", async () => {
    const { get, wheel } = await houseWithWheel();
    const ranges = ["bytes=5-2", "chars=0-1", "bytes=", "bytes=-", "bytes=a-b", "bytes=0-1,3-4"];
    for (const range of ranges) {
      const response = await get({ range });
      equal(response.status, 200, range);
      equal(response.headers.get("content-range"), null, range);
      deepEqual(await bytesOf(response), wheel.bytes, range);
    }
  });

  it("I-062: If-Range decides whether the range still fits", async () => {
    const { get, wheel, house } = await houseWithWheel();
    const date = new Date(house.clock.now()).toUTCString();
    const earlier = new Date(house.clock.now() - 1_000).toUTCString();
    const cases: [string, number][] = [
      [`"${wheel.sha256}"`, 206],
      ['"other"', 200],
      [`W/"${wheel.sha256}"`, 200],
      [date, 206],
      [earlier, 200],
      ["yesterday", 200],
    ];
    for (const [condition, status] of cases) {
      const response = await get({ range: "bytes=0-9", "if-range": condition });
      equal(response.status, status, condition);
      await response.body?.cancel();
    }
  });

  it("a HEAD request has no ranges", async () => {
    const { get, size } = await houseWithWheel();
    const response = await get({ range: "bytes=0-9" }, "HEAD");
    equal(response.status, 200);
    equal(response.headers.get("content-length"), String(size));
  });
});

describe("conditional requests for a file", () => {
  it("I-063: a failed If-Match is 412, an equal If-Modified-Since 304", async () => {
    const { get, wheel, house } = await houseWithWheel();
    const date = new Date(house.clock.now()).toUTCString();
    const before = new Date(house.clock.now() - 60_000).toUTCString();
    equal((await get({ "if-match": '"other"' })).status, 412);
    equal((await get({ "if-match": `"other", "${wheel.sha256}"` })).status, 200);
    equal((await get({ "if-match": "*" })).status, 200);
    equal((await get({ "if-unmodified-since": before })).status, 412);
    equal((await get({ "if-unmodified-since": date })).status, 200);
    equal((await get({ "if-modified-since": date })).status, 304);
    equal((await get({ "if-modified-since": before })).status, 200);
    equal((await get({ "if-modified-since": "no date" })).status, 200);
  });

  it("If-None-Match wins over If-Modified-Since, and a 304 has no body", async () => {
    const { get, wheel, house } = await houseWithWheel();
    const date = new Date(house.clock.now()).toUTCString();
    equal((await get({ "if-none-match": '"x"', "if-modified-since": date })).status, 200);
    const response = await get({ "if-none-match": `"${wheel.sha256}"` });
    equal(response.status, 304);
    equal(response.headers.get("etag"), `"${wheel.sha256}"`);
    match(response.headers.get("cache-control")!, /immutable/);
    equal(response.headers.get("content-length"), null);
    equal((await bytesOf(response)).length, 0);
  });
});

describe("core metadata", () => {
  it("I-077: is the wheel's own METADATA, under the announced digest", async () => {
    const { house, wheel } = await houseWithWheel();
    const [file] = (await house.page("demo")).files;
    const announced = file?.["core-metadata"];
    const response = await house.fetch(`${wheel.path}.metadata`);
    const bytes = await bytesOf(response);
    equal(new TextDecoder().decode(bytes), wheel.metadata);
    ok(announced);
    equal(response.headers.get("etag"), `"${announced.sha256}"`);
    match(response.headers.get("cache-control")!, /immutable, no-transform/);
    equal(response.headers.get("content-type"), "application/octet-stream");
    const part = await house.fetch(`${wheel.path}.metadata`, { headers: { range: "bytes=0-3" } });
    equal(await part.text(), "Meta");
  });

  it("is the present wheel's where one of its name was there before", async () => {
    const house = new House();
    const spec = { name: "demo", version: "1.0" };
    const former = await house.publish({ ...spec, metadata: ["Requires-Python: >=3.8"] });
    await house.files.delete(`demo/${former.filename}`);
    await house.wheelhouse.scan();
    const next = await house.publish({ ...spec, metadata: ["Requires-Python: >=3.9"] });
    const announced = (await house.page("demo")).files[0]?.["core-metadata"];
    const bytes = await bytesOf(await house.fetch(`${next.path}.metadata`));
    equal(new TextDecoder().decode(bytes), next.metadata);
    ok(announced);
    equal(await sha256Of(bytes), announced.sha256);
  });

  it("is 404 for a file that does not exist", async () => {
    const { house } = await houseWithWheel();
    const path = packagePath("1".repeat(64), "demo-1.0-py3-none-any.whl.metadata");
    equal((await house.fetch(path)).status, 404);
  });
});
