import { deepEqual, equal, match, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { makeRegion } from "../../../src/region/region.ts";
import { Upstream, type UpstreamOptions } from "../../../src/wheels/upstream/upstream.ts";
import { bytesOf, House, JSON_TYPE, type PublishedWheel } from "./house.ts";
import { jsonAnswer, readThrough, settled, TwistedUpstream } from "./upstreams.ts";

const DAY_MS = 86_400_000;

/** A house with these rules over an upstream with an old and a new wheel of `demo`. */
async function underRules(rules: Partial<UpstreamOptions>): Promise<{
  upstream: TwistedUpstream;
  house: House;
  old: PublishedWheel;
  young: PublishedWheel;
}> {
  const upstream = new TwistedUpstream();
  const { clock } = upstream.house;
  const old = await upstream.house.publish({ name: "demo", version: "1.0" });
  await clock.advance(10 * DAY_MS);
  const young = await upstream.house.publish({ name: "demo", version: "2.0" });
  const house = new House({ clock, upstream: { fetch: upstream.fetch, ...rules } });
  return { upstream, house, old, young };
}

async function statusOf(house: House, path: string): Promise<number> {
  const { status, body } = await house.fetch(path);
  await body?.cancel();
  return status;
}

describe("names reserved for us", () => {
  it("I-189: never reach the upstream, before the first upload and after", async () => {
    const { upstream, house } = await underRules({ reserved: ["acme-*", "Secret.Tool"] });
    await upstream.house.publish({ name: "acme-tool", version: "99.0" });
    for (const name of ["acme-tool", "Acme_Tool", "acme.x", "secret-tool"]) {
      await statusOf(house, `/simple/${name}/`);
    }
    for (const name of ["acme-tool", "acme-x", "secret-tool"]) {
      equal(await statusOf(house, `/simple/${name}/`), 404, name);
    }
    for (const filename of ["acme_tool-99.0-py3-none-any.whl", "acme-tool-1.0.tar.gz"]) {
      equal(await statusOf(house, `/packages/aa/bb/${"0".repeat(60)}/${filename}`), 404);
    }
    equal(upstream.asked.length, 0);
    await house.publish({ name: "acme-tool", version: "1.0" });
    deepEqual((await house.page("acme-tool")).versions, ["1.0"]);
    equal(upstream.asked.length, 0);
    equal(await statusOf(house, "/simple/acme/"), 404);
    equal(await statusOf(house, "/simple/demo/"), 200);
    equal(upstream.asked.length, 2);
  });

  it("are not given up with a claim", async () => {
    const { upstream, house } = await underRules({ reserved: ["demo"] });
    await house.publish({ name: "demo", version: "0.1" });
    await house.index.claim("demo", false);
    deepEqual((await house.page("demo")).versions, ["0.1"]);
    equal(upstream.asked.length, 0);
  });
});

describe("a cooldown", () => {
  it("I-192: hides young files from pages, versions and direct addresses until they are old", async () => {
    const { house, old, young } = await underRules({ cooldownMs: 7 * DAY_MS });
    for (const accept of [JSON_TYPE, "text/html"]) {
      const text = await (await house.fetch("/simple/demo/", { headers: { accept } })).text();
      match(text, new RegExp(old.filename));
      equal(text.includes("2.0"), false, text);
    }
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    for (const path of [young.path, `${young.path}.metadata`]) {
      for (const method of ["GET", "HEAD"]) {
        const response = await house.fetch(path, { method });
        equal(response.status, 403);
        equal(response.headers.get("cache-control"), "no-store");
        if (method === "GET") match(await response.text(), /held back.*less than 7 days/);
      }
    }
    deepEqual(await bytesOf(await house.fetch(old.path)), old.bytes);
    await house.clock.advance(7 * DAY_MS - 1);
    await house.page("demo");
    await settled(house);
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    await house.clock.advance(1);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    deepEqual(await bytesOf(await house.fetch(young.path)), young.bytes);
  });

  it("I-192: spares exempted projects, and files of our own", async () => {
    const { upstream, house, young } = await underRules({
      cooldownMs: 7 * DAY_MS,
      exempt: ["Demo"],
    });
    await upstream.house.publish({ name: "other", version: "1.0" });
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    deepEqual(await bytesOf(await house.fetch(young.path)), young.bytes);
    deepEqual((await house.page("other")).versions, []);
    const own = await house.publish({ name: "own", version: "1.0" });
    deepEqual((await house.page("own")).versions, ["1.0"]);
    equal(await statusOf(house, own.path), 200);
  });

  it("I-192: holds back also what was fetched before it was set", async () => {
    const { upstream, house, young } = await underRules({});
    await bytesOf(await house.fetch(young.path));
    await settled(house);
    const { clock, index, files } = house;
    const rules = { fetch: upstream.fetch, cooldownMs: 7 * DAY_MS };
    const strict = new House({ clock, index, files: () => files, upstream: rules });
    equal(await statusOf(strict, young.path), 403);
    equal(await statusOf(strict, `${young.path}.metadata`), 403);
    deepEqual((await strict.page("demo")).versions, ["1.0"]);
    await clock.advance(7 * DAY_MS);
    equal(await statusOf(strict, young.path), 200);
    equal(await statusOf(strict, `${young.path}.metadata`), 200);
  });

  it("I-193: refuses files whose upload time is not known", async () => {
    const { upstream, house, wheel } = await readThrough({ rules: { cooldownMs: DAY_MS } });
    const theirs = await upstream.house.page("demo");
    const files = theirs.files.map(({ "upload-time": _, ...file }) => file);
    upstream.twist = (request) =>
      request.url.endsWith("/simple/demo/") ? jsonAnswer({ ...theirs, files }) : undefined;
    await house.clock.advance(100 * DAY_MS);
    deepEqual((await house.page("demo")).files, []);
    const response = await house.fetch(wheel.path);
    equal(response.status, 403);
    match(await response.text(), /held back.*not known/);
  });
});

describe("rules that make no sense", () => {
  const cases: [Partial<UpstreamOptions>, RegExp][] = [
    [{ reserved: ["*"] }, /Cannot reserve "\*"/],
    [{ reserved: ["a*b"] }, /Cannot reserve "a\*b"/],
    [{ reserved: [""] }, /Cannot reserve ""/],
    [{ exempt: ["no name!"] }, /Cannot exempt "no name!"/],
    [{ cooldownMs: -1 }, /"cooldownMs" is -1/],
    [{ cooldownMs: NaN }, /"cooldownMs" is NaN/],
  ];
  for (const [rules, message] of cases) {
    it(`are refused: ${JSON.stringify(rules)}`, () => {
      const { clock } = new House();
      const parts = { fetch: async () => new Response(), region: makeRegion(), clock };
      throws(
        () => new Upstream({ url: "https://upstream.test/simple/", ...rules }, parts),
        message,
      );
    });
  }
});
