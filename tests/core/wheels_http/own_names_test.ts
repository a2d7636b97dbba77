import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryIndex } from "../../../backends/index_memory.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { PackageFile } from "../../../src/contracts/index_cache.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, House } from "./house.ts";
import { readThrough, settled, storedPaths } from "./upstreams.ts";

describe("names of our own", () => {
  it("I-186 I-188: never reach the upstream, and no upstream version is offered", async () => {
    const { upstream, house } = await readThrough();
    await house.publish({ name: "Acme.Tool", version: "1.0" });
    await upstream.house.publish({ name: "acme-tool", version: "99.0" });
    const { files: [own] } = await house.page("acme-tool");
    for (const name of ["acme-tool", "Acme.Tool", "acme__tool", "ACME-TOOL"]) {
      await house.fetch(`/simple/${name}/`);
    }
    deepEqual((await house.page("acme-tool")).versions, ["1.0"]);
    const { pathname } = new URL(own!.url, "https://cairn.test/simple/acme-tool/");
    equal((await house.fetch(pathname)).status, 200);
    const wrongKey = pathname.replace(/[0-9a-f]{60}/, "0".repeat(60));
    equal((await house.fetch(wrongKey)).status, 404);
    for (const missing of ["acme_tool-99.0-py3-none-any.whl", "acme-tool-99.0.tar.gz"]) {
      equal((await house.fetch(pathname.replace(/[^/]+$/, missing))).status, 404);
    }
    equal(upstream.asked.length, 0);
  });

  it("I-187: stay ours when the last file is gone: 404, not the upstream", async () => {
    const { upstream, house } = await readThrough();
    const wheel = await house.publish({ name: "demo", version: "0.1" });
    await house.index.clear(wheel.filename);
    equal((await house.fetch("/simple/demo/")).status, 404);
    equal(upstream.asked.length, 0);
  });

  it("a project read through before it was claimed lists its own files only", async () => {
    const { upstream, house, wheel } = await readThrough();
    await house.page("demo");
    equal((await house.fetch(wheel.path)).status, 200);
    await settled(house);
    await house.publish({ name: "demo", version: "5.0" });
    deepEqual((await house.page("demo")).versions, ["5.0"]);
    equal(upstream.count("/simple/demo/"), 1);
  });

  describe("uploaded after they were read through", () => {
    it("are claimed by the same bytes, too, which then are ours", async () => {
      const { upstream, house, wheel, held } = await readThrough();
      await upstream.house.publish({ name: "demo", version: "2.0" });
      equal((await house.page("demo")).files.length, 2);
      await bytesOf(await house.fetch(wheel.path));
      await settled(house);
      equal((await house.files.head(held))?.sizeBytes, wheel.bytes.length);
      upstream.asked.length = 0;
      for (let round = 0; round < 2; round++) {
        const response = await house.upload(wheel);
        equal(response.status, 200, await response.text());
      }
      equal((await house.index.project("demo")).isClaimed, true);
      deepEqual((await house.page("demo")).versions, ["1.0"]);
      equal((await house.page("demo")).files[0]?.hashes.sha256, wheel.sha256);
      const own = `demo/${wheel.filename}`;
      deepEqual(await storedPaths(house), [own, `${own}.metadata`]);
      equal((await house.index.fetch(wheel.filename))?.upstream, undefined);
      deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
      equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
      await house.clock.advance(86_400_000);
      deepEqual((await house.page("demo")).versions, ["1.0"]);
      equal(upstream.asked.length, 0);
      deepEqual(await house.wheelhouse.scan(), { unchanged: 1, taken: 0, removed: 0, skipped: 0 });
    });

    it("are claimed also when a fill records the same bytes meanwhile", async () => {
      const { upstream, wheel, held } = await readThrough();
      const index = memoryIndex();
      const add = index.add.bind(index);
      let isFilled = false;
      Object.assign(index, {
        add: async (record: PackageFile) => {
          if (!isFilled) await add({ ...record, path: held, upstream: "main" });
          isFilled = true;
          return await add(record);
        },
      });
      const house = new House({ index, upstream: { fetch: upstream.fetch } });
      equal((await house.upload(wheel)).status, 200);
      equal((await house.page("demo")).files[0]?.hashes.sha256, wheel.sha256);
      equal((await house.index.fetch(wheel.filename))?.path, `demo/${wheel.filename}`);
    });

    it("are served on to who asked for them before they became ours", async () => {
      const { house, wheel } = await readThrough();
      await bytesOf(await house.fetch(wheel.path));
      await settled(house);
      const asked = await house.wheelhouse.file(wheel.sha256, wheel.filename);
      await house.upload(wheel);
      const whole = await bytesOf(new Response(await asked!.open() ?? null));
      equal(await sha256Of(whole), wheel.sha256);
      const part = await asked!.open({ offset: 2, length: 3 });
      deepEqual(await bytesOf(new Response(part ?? null)), wheel.bytes.slice(2, 5));
    });

    it("stay the upstream's where the name has other bytes: what was first stays", async () => {
      const { house, wheel, held } = await readThrough();
      await bytesOf(await house.fetch(wheel.path));
      await settled(house);
      const other = makeWheel({ name: "demo", version: "1.0", seed: 3 });
      const response = await house.upload(other);
      equal(response.status, 400);
      match(await response.text(), /^File already exists/);
      ok(
        house.logged.some(({ level, message }) => level === "warn" && /read through/.test(message)),
      );
      equal((await house.index.project("demo")).isClaimed, false);
      deepEqual(await storedPaths(house), [held, `${held}.metadata`]);
      deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
    });
  });

  it("a name claimed while the upstream is asked for it offers nothing of the upstream", async () => {
    const { upstream, house } = await readThrough();
    upstream.twist = (request) =>
      upstream.changed(request, async (response) => {
        await house.index.claim("demo", true);
        return response;
      });
    equal((await house.fetch("/simple/demo/")).status, 404);
  });

  it("I-191: are merged with the upstream's only when the claim is given up", async () => {
    const { house, upstream } = await readThrough();
    const own = await house.publish({ name: "demo", version: "1.0", seed: 5 });
    await upstream.house.publish({ name: "demo", version: "2.0" });
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    await house.index.claim("demo", false);
    const page = await house.page("demo");
    deepEqual(page.versions, ["1.0", "2.0"]);
    deepEqual(page.files.map(({ hashes }) => hashes.sha256 === own.sha256), [true, false]);
  });

  it("I-190: a table that fails is a 503, and the upstream is not asked instead", async () => {
    const { upstream } = await readThrough();
    const index = new Proxy(memoryIndex(), {
      get: () => () => Promise.reject(new BackendError("table", "read", "it is down")),
    });
    const house = new House({ index, upstream: { fetch: upstream.fetch } });
    for (const path of ["/simple/demo/", "/simple/"]) {
      equal((await house.fetch(path)).status, 503, path);
    }
    equal(upstream.asked.length, 0);
  });
});
