import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { NearCache } from "../../../src/memory/near_cache.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

describe("NearCache", () => {
  it("answers what is there, dead or alive, and buries it when it stores", async () => {
    const clock = new ManualClock();
    const left: unknown[] = [];
    const onRemoval = (removal: unknown): void => void left.push(removal);
    const near = new NearCache<string>({ clock, bucketIntervalMs: 10, onRemoval });
    near.set("key", "value", { expiresAt: clock.now() + 100 });
    await clock.advance(100);
    equal(near.get("key"), "value");
    await clock.advance(20);
    near.set("other", "value", { expiresAt: clock.now() + 100 });
    equal(near.get("key"), undefined);
    deepEqual(left, [{ key: "key", namespace: "", value: "value", cause: "expired" }]);
  });

  it("takes nothing that has ended, and leaves nothing in its place", () => {
    const clock = new ManualClock();
    const near = new NearCache<string>({ clock });
    near.set("key", "old", { expiresAt: Infinity });
    near.set("key", "new", { expiresAt: clock.now() });
    equal(near.get("key"), undefined);
  });

  it("forgets a key, and is content where it has none", () => {
    const near = new NearCache<string>({});
    near.set("key", "value", { expiresAt: Infinity });
    near.delete("key");
    near.delete("key");
    equal(near.get("key"), undefined);
  });

  it("keeps within its bound what is read", () => {
    const near = new NearCache<number>({ maxEntries: 100 });
    near.set("popular", 0, { expiresAt: Infinity });
    for (let i = 0; i < 1_000; i++) {
      equal(near.get("popular"), 0);
      near.set(`passing ${i}`, i, { expiresAt: Infinity });
    }
    const kept = Array.from({ length: 1_000 }, (_, i) => near.get(`passing ${i}`))
      .filter((value) => value !== undefined);
    equal(kept.length, 99);
    throws(() => new NearCache({ maxEntries: 0 }), /maxEntries is 0/);
  });
});
