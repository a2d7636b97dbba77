/** What PyPICloud's index gets wrong over HTTP, and this one does not. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { bytesOf, House, JSON_TYPE } from "./house.ts";
import { readThrough, settled, storedPaths } from "./upstreams.ts";

describe("PyPICloud's defects", () => {
  it("PX-10: first downloads at once, on two nodes of one cache, all get their file", async () => {
    const { upstream, house, wheel, held } = await readThrough();
    const { index, files } = house;
    const other = new House({ index, files: () => files, upstream: { fetch: upstream.fetch } });
    const responses = await Promise.all(
      [house, other, house, other].map((node) => node.fetch(wheel.path)),
    );
    for (const response of responses) {
      equal(response.status, 200);
      deepEqual(await bytesOf(response), wheel.bytes);
    }
    for (const node of [house, other]) await settled(node);
    deepEqual(await storedPaths(house), [held, `${held}.metadata`]);
    deepEqual((await index.all("demo")).files.map(({ sha256 }) => sha256), [wheel.sha256]);
    ok(upstream.count("/packages/") <= 2);
  });

  it("PX-13: a name kept from the upstream is, in any spelling, for pages and files", async () => {
    const { upstream, house, wheel } = await readThrough();
    await upstream.house.publish({ name: "My.Pkg", version: "99.0" });
    await house.index.claim("my-pkg", true);
    await house.index.claim("demo", true);
    for (const name of ["my-pkg", "My_Pkg", "my..pkg", "MY-PKG", "demo"]) {
      for (const path of [`/simple/${name}/`, `/simple/${name}`]) {
        const response = await house.fetch(path);
        ok([301, 308, 404].includes(response.status), `${path}: ${response.status}`);
        const location = response.headers.get("location") ?? "/simple/";
        equal(new URL(location, "https://cairn.test/simple/x/").host, "cairn.test");
      }
    }
    equal((await house.fetch(wheel.path)).status, 404);
    equal((await house.fetch(`${wheel.path}.metadata`)).status, 404);
    equal(upstream.asked.length, 0);
  });

  it("PX-20: every page has a tag and answers conditions, every file ranges and its date", async () => {
    const house = new House();
    const wheel = await house.publish({ name: "demo", version: "1.0" });
    for (const path of ["/simple/", "/simple/demo/"]) {
      for (const accept of ["text/html", JSON_TYPE]) {
        const page = await house.fetch(path, { headers: { accept } });
        const etag = page.headers.get("etag") ?? "";
        ok(etag.length > 2 && (await bytesOf(page)).length > 0, `${path} ${accept}`);
        const again = { accept, "if-none-match": etag };
        equal((await house.fetch(path, { headers: again })).status, 304);
        const changed = { accept, "if-none-match": '"other"' };
        equal((await house.fetch(path, { headers: changed })).status, 200);
      }
    }
    const file = await house.fetch(wheel.path);
    const since = file.headers.get("last-modified")!;
    ok(Date.parse(since) > 0);
    await file.body?.cancel();
    const part = await house.fetch(wheel.path, { headers: { range: "bytes=2-4" } });
    deepEqual([part.status, await bytesOf(part)], [206, wheel.bytes.slice(2, 5)]);
    const unchanged = { headers: { "if-modified-since": since } };
    equal((await house.fetch(wheel.path, unchanged)).status, 304);
  });
});
