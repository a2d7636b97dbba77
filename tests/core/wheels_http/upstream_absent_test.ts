import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { bytesOf, House, JSON_TYPE } from "./house.ts";
import { jsonAnswer, readThrough, settled } from "./upstreams.ts";

describe("without an upstream", () => {
  it("I-181: pages list what is held, held files are served, and the rest is 404", async () => {
    const { upstream, house, wheel } = await readThrough();
    const second = await upstream.house.publish({ name: "demo", version: "2.0" });
    await upstream.house.publish({ name: "other", version: "1.0" });
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    equal((await house.fetch("/simple/other/")).status, 200);

    const offline = new House({ index: house.index, files: () => house.files });
    const page = await offline.page("demo");
    deepEqual(page.versions, ["1.0"]);
    deepEqual(page.files.map(({ filename }) => filename), [wheel.filename]);
    deepEqual(
      page.files[0]?.["core-metadata"],
      (await house.page("demo")).files[0]?.["core-metadata"],
    );
    deepEqual(await bytesOf(await offline.fetch(wheel.path)), wheel.bytes);
    equal(await (await offline.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
    equal((await offline.fetch(second.path)).status, 404);
    equal((await offline.fetch("/simple/other/")).status, 404);
    match(await (await offline.fetch("/simple/")).text(), />demo</);
  });
});

describe("a page of several sources", () => {
  it("I-020: has each version of its files once, in the order of PEP 440", async () => {
    const { upstream, house } = await readThrough();
    for (const version of ["1.10", "1.9", "2.0rc1", "1.0.post1", "1.9.0"]) {
      await upstream.house.publish({ name: "demo", version });
    }
    for (const version of ["1.9", "0.1.dev3", "1!0.1"]) {
      await house.publish({ name: "demo", version, seed: 4 });
    }
    await house.index.claim("demo", false);
    const { versions, files } = await house.page("demo");
    const inOrder = ["0.1.dev3", "1.0", "1.0.post1", "1.9", "1.9.0", "1.10", "2.0rc1", "1!0.1"];
    deepEqual(versions, inOrder);
    for (const { filename } of files) ok(versions.includes(filename.split("-")[1]!), filename);
    equal(new Set(files.map(({ filename }) => filename)).size, 8);
  });

  it("I-038: is of version 1.4 at most, also where the upstream speaks a later one", async () => {
    for (const version of ["1.4", "1.5", "1.9"]) {
      const { upstream, house } = await readThrough();
      const theirs = await upstream.house.page("demo");
      upstream.twist = (request) =>
        request.url.endsWith("/simple/demo/")
          ? jsonAnswer({
            ...theirs,
            meta: { "api-version": version, "tracks": [] },
            namespace: { owner: "acme" },
          })
          : undefined;
      for (const path of ["/simple/demo/", "/simple/"]) {
        const json = await house.fetch(path, { headers: { accept: JSON_TYPE } });
        const page = await json.json();
        equal(page.meta["api-version"], "1.4");
        equal(page.namespace, undefined);
        const html = await house.fetch(path, { headers: { accept: "text/html" } });
        match(await html.text(), /name="pypi:repository-version" content="1\.4"/);
      }
    }
  });
});

describe("refusals", () => {
  it("I-050: absent projects are remembered for a minute, and no other refusal at all", async () => {
    const { upstream, house, wheel } = await readThrough();
    const caching = async (
      path: string,
      init: RequestInit = {},
    ): Promise<[number, string | null]> => {
      const { status, headers, body } = await house.fetch(path, init);
      await body?.cancel();
      return [status, headers.get("cache-control")];
    };
    deepEqual(await caching("/simple/nothing/"), [404, "public, max-age=60"]);
    const absent = `/packages/aa/bb/${"0".repeat(60)}/demo-9.9.tar.gz`;
    const cases: [string, number, RequestInit?][] = [
      [absent, 404],
      ["/nothing", 404],
      ["/simple/a%00/", 400],
      [`/simple/${"x".repeat(3_000)}/`, 414],
      ["/simple/demo/", 405, { method: "DELETE" }],
      ["/simple/demo/", 406, { headers: { accept: "application/vnd.pypi.simple.v2+json" } }],
      ["/simple/demo/", 412, { headers: { "if-match": '"x"' } }],
      [wheel.path, 416, { headers: { range: "bytes=999999999-" } }],
      ["/legacy/", 400, { method: "POST" }],
    ];
    for (const [path, status, init] of cases) {
      deepEqual(await caching(path, init), [status, "no-store"], path);
    }
    upstream.twist = () =>
      new Response("<html>Log in</html>", { headers: { "content-type": "x/y" } });
    deepEqual(await caching("/simple/broken/"), [502, "no-store"]);
    upstream.twist = () => new Response(null, { status: 503 });
    deepEqual(await caching("/simple/down/"), [503, "no-store"]);
  });
});
