import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";

import type { Lookup, Tally } from "../../../src/wheels/lookups.ts";
import { bytesOf, House } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { readThrough, settled } from "./upstreams.ts";

const MINUTE_MS = 60_000;

/** The counts as the route tells them. */
async function countsOf(house: House, of: Lookup): Promise<Tally> {
  const text = await (await house.fetch("/-/metrics")).text();
  const numberAt = (line: string): number =>
    Number(text.split("\n").find((each) => each.startsWith(`${line} `))!.split(" ")[1]);
  const outcomeOf = (outcome: string): number =>
    numberAt(`cairn_lookup_outcomes_total{of="${of}",outcome="${outcome}"}`);
  const [hit, stale, fill, wait, error] = ["hit", "stale", "fill", "wait", "error"].map(outcomeOf);
  const begun = numberAt(`cairn_lookups_total{of="${of}"}`);
  return { begun, hit: hit!, stale: stale!, fill: fill!, wait: wait!, error: error! };
}

function sumOf({ begun: _, ...outcomes }: Tally): number {
  return Object.values(outcomes).reduce((sum, count) => sum + count, 0);
}

describe("metrics", () => {
  it("I-221: tell each lookup's outcome, and the outcomes add up to the lookups", async () => {
    const { upstream, house, wheel } = await readThrough();
    await Promise.all(Array.from({ length: 5 }, () => house.page("demo")));
    deepEqual(await countsOf(house, "page"), {
      ...{ begun: 5, hit: 0, stale: 0, fill: 1, wait: 4, error: 0 },
    });
    await Promise.all([house.page("demo"), house.page("demo")]);
    await house.clock.advance(11 * MINUTE_MS);
    await house.page("demo");
    await settled(house);
    await house.page("demo");
    upstream.twist = () => new Response("", { status: 500 });
    equal((await house.fetch("/simple/other/")).status, 502);
    deepEqual(await countsOf(house, "page"), {
      ...{ begun: 10, hit: 3, stale: 1, fill: 1, wait: 4, error: 1 },
    });

    upstream.twist = () => undefined;
    const bodies = await Promise.all(Array.from({ length: 3 }, () => house.fetch(wheel.path)));
    for (const body of bodies) deepEqual(await bytesOf(body), wheel.bytes);
    await settled(house);
    for (let round = 0; round < 4; round++) await bytesOf(await house.fetch(wheel.path));
    deepEqual(await countsOf(house, "file"), {
      ...{ begun: 7, hit: 4, stale: 0, fill: 1, wait: 2, error: 0 },
    });
  });

  it("I-221: add up whatever happens", async () => {
    const { upstream, house, wheel } = await readThrough();
    for (let round = 0; round < 60; round++) {
      const status = [200, 200, 404, 500, 503][round % 5]!;
      upstream.twist = () => status === 200 ? undefined : new Response("", { status });
      const asked = Array.from(
        { length: 1 + round % 4 },
        (_, at) =>
          house.fetch(
            at % 2 === 0 ? `/simple/${["demo", "other", "third"][round % 3]}/` : wheel.path,
          ),
      );
      for (const response of await Promise.all(asked)) await response.arrayBuffer().catch(() => {});
      if (round % 7 === 0) await house.files.delete(`upstream.main/demo/${wheel.filename}`);
      await house.clock.advance((round % 13) * MINUTE_MS);
    }
    await settled(house);
    for (const lookup of ["page", "file"] as const) {
      const counts = await countsOf(house, lookup);
      equal(sumOf(counts), counts.begun, JSON.stringify(counts));
      equal(counts.begun > 20, true);
    }
  });

  it("are for who may see pages, and with rights for admins only", async () => {
    const house = houseWith({ admins: ["root"], read: ["everyone"] });
    const statusFor = async (name?: string): Promise<number> =>
      (await house.fetch("/-/metrics", { headers: as(name) })).status;
    deepEqual(
      [await statusFor(), await statusFor("ann"), await statusFor("root")],
      [401, 403, 200],
    );
    const open = await new House().fetch("/-/metrics");
    equal(open.status, 200);
    equal(open.headers.get("cache-control"), "no-store");
  });
});
