/** A region whose store holds the payloads alone, as redis_advanced's raw serializers keep them. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { json } from "../../../src/compose/json_codec.ts";
import { rawFraming } from "../../../src/compose/raw_frame.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { makeRegion, type Region } from "../../../src/region/region.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

describe("a region over raw records", () => {
  it("R-003: passes what dogpile's generic suite asks, but for expiry by the region", async () => {
    const { region, store } = rawRegion();
    equal(await region.get("unknown"), undefined);
    await region.set("some key", { a: [1, null] });
    deepEqual(await store.get(["some key"]), [new TextEncoder().encode('{"a":[1,null]}')]);
    deepEqual(await region.get("some key"), { a: [1, null] });

    await region.setMulti([["k1", 1], ["k2", 2], ["k3", 3]]);
    deepEqual(await region.getMulti(["k3", "kx", "k1", "ky", "k2"]), [
      3,
      undefined,
      1,
      undefined,
      2,
    ]);
    deepEqual(await region.getMulti([]), []);
    await region.setMulti([]);
    deepEqual(await region.getOrCreateMulti([], () => fail()), []);
    const made = await region.getOrCreateMulti(
      ["k1", "new"],
      (keys) => keys.map((key) => `${key}!`),
    );
    deepEqual(made, [1, "new!"]);

    await region.deleteMulti(["k2", "kx"]);
    deepEqual(await region.getMulti(["k1", "k2", "k3"]), [1, undefined, 3]);
    await region.delete("k1");
    await region.delete("k1");
    equal(await region.get("k1"), undefined);

    equal(await region.getOrCreate("created", () => "value"), "value");
    equal(await region.getOrCreate("created", () => fail()), "value");
    const error = new TypeError("boom");
    await rejects(region.getOrCreate("failing", () => Promise.reject(error)), (e) => e === error);
  });

  it("R-003 R-004: entries end with the store's own time to live; one caller at a time creates", async () => {
    const { region, clock } = rawRegion();
    let [creating, most, creations] = [0, 0, 0];
    const creator = async (): Promise<number> => {
      most = Math.max(most, ++creating);
      await clock.sleep(1_000);
      creating--;
      return ++creations;
    };
    const caller = async (): Promise<void> => {
      for (let round = 0; round < 5; round++) {
        ok(await region.getOrCreate("key", creator) > 0);
        await clock.sleep(1_250);
      }
    };
    const all = Promise.all(Array.from({ length: 10 }, caller));
    for (let second = 0; second < 60; second++) await clock.advance(1_000);
    await all;
    equal(most, 1);
    ok(creations > 2, `${creations} creations`);
  });
});

function rawRegion(): { region: Region; store: ModelStore<Uint8Array>; clock: ManualClock } {
  const clock = new ManualClock();
  const store = new ModelStore<Uint8Array>(clock);
  const backend = serialized(json, store, { framing: rawFraming({ clock }) });
  return { region: makeRegion({ clock, backend, hardTtlMs: 1_000 }), store, clock };
}

function fail(): never {
  throw new Error("The creator was called without need");
}
