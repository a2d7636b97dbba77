import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";

import { bytesOf, House } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { readThrough, settled } from "./upstreams.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe("a scan", () => {
  it("I-185: enters a file that has no record, and removes the record of a file that is gone", async () => {
    const { house, wheel, held } = await readThrough();
    const own = await house.publish({ name: "own", version: "1.0" });
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    const records = async () =>
      (await house.index.list({ limit: 10 })).files.map((file) => file.path);
    const all = [`own/${own.filename}`, held].sort();
    deepEqual((await records()).sort(), all);

    for (const filename of [own.filename, wheel.filename]) await house.index.clear(filename);
    deepEqual(await records(), []);
    equal((await house.wheelhouse.scan()).taken, 2);
    deepEqual((await records()).sort(), all);
    deepEqual(await bytesOf(await house.fetch(own.path)), own.bytes);
    equal((await house.index.fetch(wheel.filename))?.upstream, "main", "whose it is, is kept");

    for (const path of all) await house.files.delete(path);
    equal((await house.wheelhouse.scan()).removed, 2);
    deepEqual(await records(), []);
    equal((await house.fetch(own.path)).status, 404);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes, "it is fetched again");
  });
});

describe("a clock that goes back an hour", () => {
  it("I-225: spoils no lifetime of pages for good", async () => {
    const { upstream, house } = await readThrough();
    const now = house.clock.now();
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    equal((await house.fetch("/simple/later/")).status, 404);
    house.clock.set(now - HOUR_MS);
    await upstream.house.publish({ name: "demo", version: "2.0" });
    await upstream.house.publish({ name: "later", version: "1.0" });
    deepEqual((await house.page("demo")).versions, ["1.0"], "it is served all the same");
    equal((await house.fetch("/simple/later/")).status, 404);
    await house.clock.advance(HOUR_MS + 2 * MINUTE_MS);
    equal((await house.fetch("/simple/later/")).status, 200);
    await house.clock.advance(10 * MINUTE_MS);
    await house.page("demo");
    await settled(house);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    for (let round = 0; round < 3; round++) {
      await house.clock.advance(11 * MINUTE_MS);
      const before = upstream.count("/simple/demo/");
      await house.page("demo");
      await settled(house);
      equal(upstream.count("/simple/demo/"), before + 1, "and goes on as ever");
    }
  });

  it("I-225: keeps no circuit open, and nobody locked out, for good", async () => {
    const { upstream, house } = await readThrough();
    upstream.twist = () => new Response("", { status: 500 });
    for (let failure = 0; failure < 6; failure++) {
      equal((await house.fetch(`/simple/p${failure}/`)).status >= 500, true);
    }
    const asked = upstream.asked.length;
    equal((await house.fetch("/simple/demo/")).status >= 500, true);
    equal(upstream.asked.length, asked, "the circuit is open");
    upstream.twist = () => undefined;
    house.clock.set(house.clock.now() - HOUR_MS);
    await house.clock.advance(HOUR_MS + MINUTE_MS);
    equal((await house.fetch("/simple/demo/")).status, 200);

    const locked = houseWith({ read: ["user:ann"] });
    const wrong = { authorization: `Basic ${btoa("ann:wrong")}` };
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await locked.fetch("/simple/", { headers })).status;
    for (let guess = 0; guess < 12; guess++) await ask(wrong);
    equal(await ask(as("ann")), 429);
    locked.clock.set(locked.clock.now() - HOUR_MS);
    await locked.clock.advance(HOUR_MS + 2 * MINUTE_MS);
    equal(await ask(as("ann")), 200);
  });

  it("I-225: lets a file that was held back through in the end", async () => {
    const { house, wheel } = await readThrough({ rules: { cooldownMs: HOUR_MS } });
    equal((await house.fetch(wheel.path)).status, 403);
    house.clock.set(house.clock.now() - HOUR_MS);
    equal((await house.fetch(wheel.path)).status, 403);
    await house.clock.advance(2 * HOUR_MS);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
  });

  it("I-225: takes uploads and shows them at once", async () => {
    const house = new House();
    await house.publish({ name: "demo", version: "1.0" });
    await house.page("demo");
    house.clock.set(house.clock.now() - HOUR_MS);
    await house.publish({ name: "demo", version: "2.0" });
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    equal((await house.wheelhouse.scan()).unchanged, 2);
  });
});
