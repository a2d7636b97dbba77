/** What holds over a Workers KV whose places read late. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { workersKVBackend } from "../../../backends/workers_kv.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { locksBeside } from "../../../src/compose/locks_beside.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import type { Backend } from "../../../src/contracts/backend.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { makeRegion, type Region } from "../../../src/region/region.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { StaleKV, type StalePlace } from "../../testing/stale_kv.ts";

const PLACES = 3;

/** A step of one place on one key: it writes a value of so many milliseconds, deletes, reads or catches up. */
type Step =
  & { readonly place: number; readonly key: string }
  & (
    | { readonly kind: "write"; readonly lifeMs: number }
    | { readonly kind: "delete" | "read" }
    | { readonly kind: "arrive" | "wait"; readonly count: number }
  );

const where = { place: fc.nat(PLACES - 1), key: fc.constantFrom("a", "b") };
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    ...where,
    kind: fc.constant("write" as const),
    lifeMs: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({ ...where, kind: fc.constantFrom("delete" as const, "read" as const) }),
  fc.record({
    ...where,
    kind: fc.constantFrom("arrive" as const, "wait" as const),
    count: fc.integer({ min: 1, max: 5 }),
  }),
);

describe("Workers KV with late copies", () => {
  it("a read is a miss or a live value of that key; when all has arrived, places agree", async () => {
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 60 }), holdsAfter));
  });

  it("a place that has not heard of a deletion serves the value until it ends, and no longer", async () => {
    const clock = new ManualClock();
    const [near, far] = regionsOver(clock);
    await near.region.set("key", "old");
    far.place.arrive();
    await near.region.delete("key");
    equal(await far.region.get("key"), "old");
    await clock.advance(100_000);
    equal(await far.region.get("key"), undefined);
  });

  it("creations in two places exclude each other by locks that are not late", async () => {
    const clock = new ManualClock();
    const [near, far] = regionsOver(clock);
    await near.region.set("first", "makes the marks");
    far.place.arrive();
    let [under, most] = [0, 0];
    const create = async (): Promise<string> => {
      most = Math.max(most, ++under);
      await clock.sleep(100);
      under--;
      return "made";
    };
    const both = Promise.all([near, far].map(({ region }) => region.getOrCreate("key", create)));
    await clock.advance(5_000);
    deepEqual(await both, ["made", "made"]);
    equal(most, 1);
  });

  it("an invalidation reaches a place with the write that carries it", async () => {
    const clock = new ManualClock();
    const [near, far] = regionsOver(clock);
    await near.region.set("key", "old");
    far.place.arrive();
    equal(await far.region.get("key"), "old");
    await near.region.invalidate();
    await clock.advance(2_000);
    equal(await far.region.get("key"), "old", "it has not arrived yet");
    far.place.arrive();
    await clock.advance(2_000);
    equal(await far.region.get("key"), undefined);
  });
});

/** Runs steps, and checks every read against all that was ever written. */
async function holdsAfter(steps: readonly Step[]): Promise<void> {
  const clock = new ManualClock();
  const kv = new StaleKV();
  const places = Array.from({ length: PLACES }, () => kv.place());
  const backends = places.map((place) => workersKVBackend(place, { clock }));
  const written: { readonly key: string; readonly expiresAt: number }[] = [];
  for (const one of steps) {
    const backend = backends[one.place]!;
    if (one.kind === "write") {
      const expiresAt = clock.now() + one.lifeMs;
      const value = Uint8Array.of(written.push({ key: one.key, expiresAt }) - 1);
      await backend.set([{ key: one.key, value, expiresAt }]);
    } else if (one.kind === "delete") await backend.delete([one.key]);
    else if (one.kind === "arrive") places[one.place]!.arrive(one.count);
    else if (one.kind === "wait") clock.set(clock.now() + one.count);
    const [value] = await backend.get([one.key]);
    const source = value && written[value[0]!];
    ok(!value || (source?.key === one.key && source.expiresAt > clock.now()));
  }
  await agree(places, backends);
}

async function agree(places: StalePlace[], backends: Backend<Uint8Array>[]): Promise<void> {
  for (const place of places) place.arrive();
  const seen = await Promise.all(backends.map((backend) => backend.get(["a", "b"])));
  for (const values of seen) deepEqual(values, seen[0]);
}

interface Stand {
  readonly region: Region;
  readonly place: StalePlace;
}

/** Two places with a region each, whose locks are one store that is never late. */
function regionsOver(clock: ManualClock): [Stand, Stand] {
  const kv = new StaleKV();
  const shared = localLocks(memoryBackend<Uint8Array>({ clock }), { clock });
  const stand = (): Stand => {
    const place = kv.place();
    const backend = serialized(json, workersKVBackend(place, { clock }));
    const region = makeRegion({ clock });
    const locks = locksBeside(backend, shared, { clock });
    region.configure({ backend, locks, softTtlMs: 100_000, hardTtlMs: 100_000 });
    return { region, place };
  };
  return [stand(), stand()];
}
