import { deepEqual, equal, match } from "node:assert/strict";
import { describe, it } from "node:test";

import { bytesOf, House, JSON_TYPE, type JsonPage } from "./house.ts";
import { readThrough, TwistedUpstream } from "./upstreams.ts";

const DAY_MS = 86_400_000;

async function pageAt(house: House, path: string): Promise<JsonPage> {
  const response = await house.fetch(path, { headers: { accept: JSON_TYPE } });
  equal(response.status, 200, path);
  return await response.json();
}

function instant(at: number): string {
  return new Date(at).toISOString();
}

describe("the index as of an instant", () => {
  it("I-196: lists exactly the files whose upload time is before it", async () => {
    const house = new House();
    for (let version = 1; version <= 5; version++) {
      await house.publish({ name: "demo", version: `${version}.0` });
      await house.clock.advance(DAY_MS / 2);
    }
    const { files } = await house.page("demo");
    const times = files.map((file) => Date.parse(file["upload-time"]!));
    for (const at of [times[0]! - 1, ...times, ...times.map((time) => time + 1)]) {
      const page = await pageAt(house, `/as-of/${instant(at)}/simple/demo/`);
      deepEqual(page.files, files.filter((_, index) => times[index]! < at), instant(at));
      deepEqual(page.versions, page.files.map(({ filename }) => filename.split("-")[1]));
    }
    const day = instant(times[2]!).slice(0, 10);
    const endOfDay = Date.parse(`${day}T00:00:00Z`) + DAY_MS;
    deepEqual(
      (await pageAt(house, `/as-of/${day}/simple/demo/`)).files,
      files.filter((_, index) => times[index]! < endOfDay),
      "a day counts as a whole",
    );
  });

  it("I-196: filters what is read through, too, and leaves out what has no upload time", async () => {
    const upstream = new TwistedUpstream();
    const old = await upstream.house.publish({ name: "demo", version: "1.0" });
    const at = upstream.house.clock.now() + DAY_MS;
    await upstream.house.clock.advance(2 * DAY_MS);
    await upstream.house.publish({ name: "demo", version: "2.0" });
    const house = new House({ upstream: { fetch: upstream.fetch } });
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    const page = await pageAt(house, `/as-of/${instant(at)}/simple/demo/`);
    deepEqual(page.versions, ["1.0"]);
    deepEqual(page.files.map(({ filename }) => filename), [old.filename]);
    const untimed = await readThrough();
    untimed.upstream.twist = async (request) => {
      const answer = await untimed.upstream.house.app.fetch(request);
      const text = (await answer.text()).replace(/"upload-time":"[^"]*",/g, "");
      return new Response(text, { headers: { "content-type": JSON_TYPE } });
    };
    deepEqual((await pageAt(untimed.house, "/as-of/2100-01-01/simple/demo/")).files, []);
  });

  it("serves its files where its pages link to", async () => {
    const house = new House();
    const wheel = await house.publish({ name: "demo", version: "1.0" });
    const [file] = (await pageAt(house, "/as-of/2100-01-01/simple/demo/")).files;
    const page = "https://cairn.test/as-of/2100-01-01/simple/demo/";
    const { pathname } = new URL(file!.url, page);
    deepEqual(await bytesOf(await house.fetch(pathname)), wheel.bytes);
    equal(await (await house.fetch(`${pathname}.metadata`)).text(), wheel.metadata);
  });

  it("is asked as the index is", async () => {
    const house = new House();
    await house.publish({ name: "demo", version: "1.0" });
    const root = "/as-of/2100-01-01/simple/";
    const html = await house.fetch(`${root}demo/`, { headers: { accept: "text/html" } });
    match(await html.text(), /<title>Links for demo<\/title>/);
    const etag = html.headers.get("etag")!;
    const again = { accept: "text/html", "if-none-match": etag };
    equal((await house.fetch(`${root}demo/`, { headers: again })).status, 304);
    equal((await house.fetch(`${root}Demo/`)).headers.get("location"), "../demo/");
    equal((await house.fetch(`${root}other/`)).status, 404);
    match(await (await house.fetch(root)).text(), /<a href="demo\/">/);
    for (const wrong of ["yesterday", "2026-02-30", "2026-13-01", "2026-01-01T00:00:00"]) {
      equal((await house.fetch(`/as-of/${wrong}/simple/demo/`)).status, 400, wrong);
    }
  });
});
