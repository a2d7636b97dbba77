import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";

import type { Entry } from "../../../src/contracts/entry.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { atomicLocks } from "../../../src/region/atomic_locks.ts";
import { makeRegion, type Region } from "../../../src/region/region.ts";
import { Upstream } from "../../../src/wheels/upstream/upstream.ts";
import type { IndexCache } from "../../../src/contracts/index_cache.ts";
import { memoryIndex } from "../../../backends/index_memory.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { House, JSON_TYPE } from "./house.ts";
import { readThrough, settled, TwistedUpstream } from "./upstreams.ts";

const MINUTE_MS = 60_000;

/** Processes that read one upstream through over one store, whose locks they share. */
class Fleet {
  readonly clock = new ManualClock();
  readonly upstream = new TwistedUpstream();
  /** What was left to be done while nobody waits. */
  readonly background: Promise<unknown>[] = [];
  readonly #store = memoryBackend<Entry>({ clock: this.clock });

  member(clock: ManualClock = this.clock): Upstream {
    const options = { url: "https://upstream.test/simple/" };
    const parts = { fetch: this.upstream.fetch, region: this.#region(clock), clock };
    return new Upstream(options, parts);
  }

  #region(clock: ManualClock): Region {
    const random = (): number => 0.5;
    const locks = atomicLocks(this.#store, this.#store, { clock, random });
    return makeRegion({
      clock,
      random,
      backend: this.#store,
      locks,
      background: (work) => void this.background.push(work),
    });
  }
}

async function versionsOf(member: Upstream): Promise<readonly string[] | undefined> {
  const { listing } = await member.page("demo");
  return listing?.files.map(({ version }) => version);
}

describe("a page that many want", () => {
  it("I-146: a hundred cold clients cause one upstream request, also in two processes that share a lock", async () => {
    const { upstream, house } = await readThrough();
    const pages = await Promise.all(Array.from({ length: 100 }, () => house.page("demo")));
    for (const page of pages) equal(page.files.length, 1);
    equal(upstream.asked.length, 1);

    const fleet = new Fleet();
    await fleet.upstream.house.publish({ name: "demo", version: "1.0" });
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => answer = resolve);
    fleet.upstream.twist = async (request) => {
      await held;
      return await fleet.upstream.house.app.fetch(request);
    };
    const members = [fleet.member(), fleet.member()];
    const asked = Array.from({ length: 100 }, (_, at) => versionsOf(members[at % 2]!));
    await fleet.clock.advance(1_000);
    answer();
    // The first is the leader's; the others look again from time to time.
    await asked[0];
    await fleet.clock.advance(1_000);
    for (const versions of await Promise.all(asked)) deepEqual(versions, ["1.0"]);
    equal(fleet.upstream.asked.length, 1);
  });

  it("I-162: of a leader that died is fetched by the next one once its lease has ended", async () => {
    const fleet = new Fleet();
    await fleet.upstream.house.publish({ name: "demo", version: "1.0" });
    // A process that is gone asks nothing more, renews nothing and never answers.
    const dead = fleet.member(new ManualClock(fleet.clock.now()));
    fleet.upstream.twist = () => new Promise<Response>(() => {});
    dead.page("demo").catch(() => {});
    await fleet.clock.advance(0);
    equal(fleet.upstream.asked.length, 1);
    fleet.upstream.twist = () => undefined;
    const followers = [fleet.member(), fleet.member()].map(versionsOf);
    await fleet.clock.advance(13_000);
    await Promise.race(followers);
    await fleet.clock.advance(5_000);
    for (const versions of await Promise.all(followers)) deepEqual(versions, ["1.0"]);
    deepEqual(await versionsOf(fleet.member()), ["1.0"]);
    equal(fleet.upstream.asked.length, 2, "the dead one's request and one more");
  });

  it("I-163: who waits for another's refresh has the stale page, and no error", async () => {
    const fleet = new Fleet();
    await fleet.upstream.house.publish({ name: "demo", version: "1.0" });
    const [one, other] = [fleet.member(), fleet.member()];
    deepEqual(await versionsOf(one), ["1.0"]);
    await fleet.upstream.house.publish({ name: "demo", version: "2.0" });
    await fleet.clock.advance(11 * MINUTE_MS);
    let answer: (response: Response) => void = () => {};
    fleet.upstream.twist = () => new Promise<Response>((resolve) => answer = resolve);
    for (const member of [one, other, other, one]) deepEqual(await versionsOf(member), ["1.0"]);
    equal(fleet.upstream.asked.length, 2, "one refresh for both");
    const request = new Request("https://upstream.test/simple/demo/", {
      headers: { accept: JSON_TYPE },
    });
    answer(await fleet.upstream.house.app.fetch(request));
    await Promise.allSettled(fleet.background);
    for (const member of [one, other]) deepEqual(await versionsOf(member), ["1.0", "2.0"]);
  });
});

/** An index whose answers to `all` a test lets go one by one, in an order of its own. */
function gated(index: IndexCache): { index: IndexCache; gates: (() => void)[] } {
  const gates: (() => void)[] = [];
  const proxy = new Proxy(index, {
    get(target, property) {
      if (property !== "all") {
        const value = Reflect.get(target, property);
        return typeof value === "function" ? value.bind(target) : value;
      }
      return async (project: string) => {
        const files = await target.all(project);
        await new Promise<void>((resolve) => gates.push(resolve));
        return files;
      };
    },
  });
  return { index: proxy, gates };
}

describe("a page that is rendered late", () => {
  it("I-164: never takes the place of a newer one, whichever is ready first", async () => {
    for (const order of [[0, 1], [1, 0]]) {
      const real = memoryIndex();
      const { index, gates } = gated(real);
      const house = new House({ index });
      await house.publish({ name: "demo", version: "1.0" });
      const first = house.page("demo");
      await house.clock.advance(0);
      await house.publish({ name: "demo", version: "2.0" });
      const second = house.page("demo");
      await house.clock.advance(0);
      equal(gates.length, 2);
      for (const at of order) {
        gates[at]!();
        await house.clock.advance(0);
      }
      await Promise.all([first, second]);
      const third = house.page("demo");
      await house.clock.advance(0);
      gates[2]?.();
      deepEqual((await third).versions, ["1.0", "2.0"], `${order}`);
    }
  });

  it("I-164: of an upstream that answers late neither", async () => {
    const { upstream, house } = await readThrough();
    await house.page("demo");
    await house.clock.advance(11 * MINUTE_MS);
    const old = await upstream.house.page("demo");
    await upstream.house.publish({ name: "demo", version: "2.0" });
    const answers: ((response: Response) => void)[] = [];
    upstream.twist = () => new Promise<Response>((resolve) => answers.push(resolve));
    await house.page("demo");
    await house.clock.advance(11 * MINUTE_MS);
    upstream.twist = () => undefined;
    await house.page("demo");
    await settled(house);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    answers[0]!(
      new Response(JSON.stringify(old), { headers: { "content-type": JSON_TYPE } }),
    );
    await settled(house);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
  });
});
