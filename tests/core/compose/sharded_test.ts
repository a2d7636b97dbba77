import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { autoEject } from "../../../src/compose/auto_eject.ts";
import { sharded, type ShardedOptions, type ShardFailure } from "../../../src/compose/sharded.ts";
import { UNLIMITED } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { ketama } from "../../../src/hash/hashing.ts";
import type { KetamaRing } from "../../../src/hash/ketama.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { byteSamples } from "../../conformance/cases.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

const hosts = ["10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.4"];
const keys = Array.from({ length: 200 }, (_, i) => `key:${i}`);

backendSuite("sharded over four model stores", (clock) => {
  const shards = hosts.map(() => new ModelStore<Uint8Array>(clock));
  return {
    backend: sharded(ketama({ shards: hosts }), shards),
    trips: () => shards.reduce((sum, { trips }) => sum + trips, 0),
    breakStore: () => shards.forEach((shard) => shard.isBroken = true),
  };
}, { samples: byteSamples });

interface Scene {
  readonly clock: ManualClock;
  readonly ring: KetamaRing;
  readonly shards: ModelStore<string>[];
  readonly store: ReturnType<typeof sharded<string>>;
  readonly failures: ShardFailure[];
}

function scene(options: ShardedOptions & { ejects?: boolean } = {}): Scene {
  const clock = new ManualClock();
  const ring = ketama({ shards: hosts });
  const shards = hosts.map((host) => new ModelStore<string>(clock, { name: `model ${host}` }));
  const failures: ShardFailure[] = [];
  const ejecting = autoEject(ring, { failures: 2, retryMs: 1_000, clock });
  const store = sharded(ring, shards, {
    ...options,
    report: (failure) => void failures.push(failure),
    ...(options.ejects ? { autoEject: ejecting } : {}),
  });
  return { clock, ring, shards, store, failures };
}

const writes = keys.map((key) => ({ key, value: `value of ${key}`, expiresAt: NEVER }));

describe("sharded", () => {
  it("puts every key on the shard of the ring, in one trip to each, and reads in order", async () => {
    const { store, ring, shards } = scene();
    await store.set(writes);
    shards.forEach((shard, index) => {
      deepEqual(shard.keys, keys.filter((key) => ring.indexOf(key) === index).sort());
      equal(shard.trips, 1);
    });
    const asked = [...keys].reverse().flatMap((key) => [key, `not ${key}`, key]);
    const expected = [...keys].reverse().flatMap((key) => {
      return [`value of ${key}`, undefined, `value of ${key}`];
    });
    deepEqual(await store.get(asked), expected);
    await store.delete(keys.slice(0, 100));
    deepEqual(await store.get(keys), keys.map((key, i) => i < 100 ? undefined : `value of ${key}`));
  });

  it("asks its shards side by side", async () => {
    const ring = ketama({ shards: hosts });
    const waiting: (() => void)[] = [];
    const shards = hosts.map((name) => ({
      name,
      limits: UNLIMITED,
      get: (asked: readonly string[]): Promise<(string | undefined)[]> =>
        new Promise((resolve) => waiting.push(() => resolve(asked.map((key) => `${name} ${key}`)))),
      set: (): Promise<void> => Promise.resolve(),
      delete: (): Promise<void> => Promise.resolve(),
    }));
    const reading = sharded(ring, shards).get(keys);
    await Promise.resolve();
    equal(waiting.length, hosts.length);
    waiting.reverse().forEach((answer) => answer());
    deepEqual(await reading, keys.map((key) => `${hosts[ring.indexOf(key)]} ${key}`));
  });

  it('rejects under "throw", naming the shard, when all others have done their part', async () => {
    const { store, ring, shards, failures } = scene();
    shards[1]!.isBroken = true;
    await rejects(store.set(writes), (error) => {
      return error instanceof BackendError && error.operation === "set" &&
        error.backend === 'shard "10.0.1.2"' && error.cause instanceof BackendError;
    });
    for (const index of [0, 2, 3]) {
      equal(shards[index]!.keys.length, keys.filter((key) => ring.indexOf(key) === index).length);
    }
    equal(failures.length, 1);
    shards[2]!.isBroken = true;
    await rejects(store.get(keys), (error) => {
      return error instanceof BackendError && error.backend === "sharded" &&
        error.cause instanceof AggregateError && error.cause.errors.length === 2;
    });
  });

  it('serves all other keys under "miss", and reports what failed', async () => {
    const { store, ring, shards, failures } = scene({ onFailure: "miss" });
    await store.set(writes);
    shards[3]!.isBroken = true;
    const lost = keys.filter((key) => ring.indexOf(key) === 3);
    deepEqual(
      await store.get(keys),
      keys.map((key) => lost.includes(key) ? undefined : `value of ${key}`),
    );
    await store.set(writes);
    await store.delete(keys);
    deepEqual(failures.map(({ shard, operation, keys }) => [shard, operation, keys]), [
      ["10.0.1.4", "get", lost.length],
      ["10.0.1.4", "set", lost.length],
      ["10.0.1.4", "delete", lost.length],
    ]);
    shards[3]!.isBroken = false;
    deepEqual((await store.get(keys)).filter((value) => value !== undefined).length, lost.length);
  });

  it("lets a caller's mistake through under every policy", async () => {
    const ring = ketama({ shards: ["a", "b"] });
    const limits = { ...UNLIMITED, keyBytes: 20, keyAlphabet: "graphic" as const };
    const clock = new ManualClock();
    const shards = [new ModelStore<string>(clock, { limits }), new ModelStore<string>(clock)];
    const store = sharded(ring, shards, { onFailure: "miss" });
    equal(store.limits.keyBytes, 20);
    equal(store.limits.keyAlphabet, "graphic");
    await rejects(store.get(["good", "k".repeat(21)]), RangeError);
    await rejects(store.set([...writes, { ...writes[0]!, key: "with blank" }]), RangeError);
    deepEqual(shards.map(({ trips }) => trips), [0, 0]);
  });

  it("ejects a shard that keeps failing, restores it on trial, and ejects it again", async () => {
    const { clock, store, ring, shards } = scene({ onFailure: "miss", ejects: true });
    const before = keys.map((key) => ring.indexOf(key));
    shards[0]!.isBroken = true;
    await store.get(keys);
    ok(ring.isLive(0), "one failure is not enough");
    await store.get(keys);
    ok(!ring.isLive(0));
    await store.set(writes);
    deepEqual(await store.get(keys), writes.map(({ value }) => value), "others took its keys");
    keys.forEach((key, i) => before[i] === 0 || equal(ring.indexOf(key), before[i]));
    await clock.advance(999);
    await store.get(keys);
    ok(!ring.isLive(0));
    await clock.advance(1);
    await store.get(keys);
    ok(!ring.isLive(0), "it came back, failed once more and is out again");
    shards[0]!.isBroken = false;
    await clock.advance(1_000);
    await store.get(keys);
    ok(ring.isLive(0));
    deepEqual(keys.map((key) => ring.indexOf(key)), before);
    shards[0]!.isBroken = true;
    await store.get(keys);
    ok(ring.isLive(0), "a success has cleared it");
  });

  it("never ejects the last live shard", async () => {
    const { store, ring, shards } = scene({ onFailure: "miss", ejects: true });
    shards.forEach((shard) => shard.isBroken = true);
    for (let round = 0; round < 4; round++) await store.get(keys);
    equal(hosts.filter((_, index) => ring.isLive(index)).length, 1);
  });

  it("refuses shards that are not one for each label, and senseless limits", () => {
    const ring = ketama({ shards: hosts });
    const clock = new ManualClock();
    throws(() => sharded(ring, [new ModelStore(clock)]), /there are 1 backends for 4 labels/);
    throws(() => autoEject(ring, { failures: 0 }), RangeError);
    throws(() => autoEject(ring, { retryMs: NaN }), RangeError);
  });
});
