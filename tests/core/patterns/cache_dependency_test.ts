import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { nullBackend } from "../../../backends/null.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { CacheDependency } from "../../../src/patterns/cache_dependency.ts";
import { DependencySlots, levels } from "../../../src/patterns/dependency_slots.ts";
import { textStore } from "../../../src/patterns/text_store.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

function makeDependency(options: { ttlMs?: number } = {}) {
  const clock = new ManualClock();
  const store = new ModelStore<string>(clock);
  return { clock, store, dependency: new CacheDependency(store, store, { clock, ...options }) };
}

function writeOf(key: string, value: string = key) {
  return { key, value, expiresAt: NEVER };
}

describe("CacheDependency", () => {
  it("W-054 W-056: no dependants, no keys, one read", async () => {
    const { dependency, store } = makeDependency();
    deepEqual(await dependency.getKeys("key"), []);
    equal(store.trips, 1);
    deepEqual(await dependency.getMultiKeys(["ka", "kb"]), []);
    equal(store.trips, 2);
  });

  it("W-058 W-060: deleting what has no dependants answers true and deletes nothing", async () => {
    const { dependency, store } = makeDependency();
    equal(await dependency.delete("key"), true);
    equal(await dependency.deleteMulti(["ka", "kb"]), true);
    equal(store.trips, 2);
  });

  it("deletes the dependants of a master, and nothing else", async () => {
    const { dependency, store } = makeDependency();
    await store.set([writeOf("x"), writeOf("y"), writeOf("z")]);
    await dependency.addMulti("master", ["x", "y"]);
    await dependency.add("other", "z");
    deepEqual((await dependency.getKeys("master")).sort(), ["x", "y"]);
    equal(await dependency.delete("master"), true);
    deepEqual(await store.get(["x", "y", "z"]), [undefined, undefined, "z"]);
    deepEqual(await dependency.getKeys("master"), []);
    deepEqual(await dependency.getKeys("other"), ["z"]);
  });

  it("leaves nothing of a master behind", async () => {
    const { dependency, store } = makeDependency();
    equal(await dependency.delete("key"), true);
    await dependency.set("key", writeOf("key-x"));
    await dependency.set("key", writeOf("key-y"));
    equal(store.keys.length, 4);
    equal(await dependency.delete("key"), true);
    deepEqual(store.keys, []);
  });

  it("deletes for many masters in two reads and one batch of values", async () => {
    const { dependency, store } = makeDependency();
    const shared = ["k1", "k2", "k3"];
    await store.set(shared.map((key) => writeOf(key)));
    await dependency.addMulti("ka", ["k1", "k2"]);
    await dependency.addMulti("kb", ["k2", "k3"]);
    deepEqual((await dependency.getMultiKeys(["ka", "kb", "kc", "ka"])).sort(), shared);
    const before = store.trips;
    equal(await dependency.deleteMulti(["ka", "kb", "kc"]), true);
    ok(store.trips - before <= 2 + 4 + 1, "two reads, four notes removed, one batch of values");
    deepEqual(await store.get(shared), [undefined, undefined, undefined]);
  });

  it("WX-07: noting a dependant again and again takes one slot; expired notes take none", async () => {
    const { dependency, store, clock } = makeDependency({ ttlMs: 10_000 });
    for (let round = 0; round < 1_000; round++) await dependency.add("master", "k");
    equal(store.keys.length, 1);
    for (let round = 0; round < 1_000; round++) {
      await dependency.add("master", `k${round}`);
      await clock.advance(5_001);
    }
    ok(store.keys.length <= 8, `${store.keys.length} keys are left of 1,000 dependants`);
  });

  it("holds thousands of dependants of one master", async () => {
    const store = memoryBackend<string>();
    const dependency = new CacheDependency(store, store);
    const keys = Array.from({ length: 3_000 }, (_, n) => `k${n}`);
    await dependency.addMulti("master", keys);
    deepEqual((await dependency.getKeys("master")).sort(), [...keys].sort());
    await dependency.delete("master");
    deepEqual(await dependency.getKeys("master"), []);
  });

  it("notes live as long as they were last prolonged", async () => {
    const { dependency, clock } = makeDependency({ ttlMs: 10_000 });
    await dependency.add("master", "k");
    await clock.advance(9_999);
    await dependency.add("master", "k");
    await clock.advance(9_999);
    deepEqual(await dependency.getKeys("master"), ["k"]);
    await clock.advance(1);
    deepEqual(await dependency.getKeys("master"), []);
  });

  it("WX-08 WX-11: whatever a delete and a set do meanwhile, no value outlives its note", async () => {
    // Every interleaving of the two is run: a store that lets one request through at a time, chosen
    // by the bits of a number.
    for (let order = 0; order < 2 ** 12; order++) {
      const { dependency, store, gate } = makeGated(order);
      await gate.freely(() => dependency.set("master", writeOf("k", "old")));
      const setting = dependency.set("master", writeOf("k", "new"));
      const deleting = dependency.delete("master");
      await gate.run(Promise.all([setting, deleting]));
      const [value] = await store.get(["k"]);
      const noted = await gate.freely(() => dependency.getKeys("master"));
      if (value !== undefined) deepEqual(noted, ["k"], `order ${order.toString(2)}`);
      await gate.freely(() => dependency.delete("master"));
      deepEqual(await store.get(["k"]), [undefined], `order ${order.toString(2)}`);
    }
  });

  it("WX-09: masters never share a name", async () => {
    const { dependency, store } = makeDependency();
    const masters = ["k", "k1", "k/0.1", "1:k", "", "k1/0", "dependency/"];
    await store.set(masters.map((_, n) => writeOf(`value${n}`)));
    for (const [n, master] of masters.entries()) await dependency.add(master, `value${n}`);
    for (const [n, master] of masters.entries()) {
      deepEqual(await dependency.getKeys(master), [`value${n}`]);
    }
    const names = masters.flatMap((master) => {
      const slots = new DependencySlots("dependency/", master);
      return levels.slice(0, 4).flatMap((level) => [slots.markOf(level), ...slots.slotsOf(level)]);
    });
    equal(new Set(names).size, names.length);
  });

  it("WX-10: works over a store that keeps nothing", async () => {
    const store = nullBackend<string>();
    const dependency = new CacheDependency(store, store);
    await dependency.addMulti("master", ["a", "b"]);
    await dependency.set("master", writeOf("k"));
    deepEqual(await dependency.getKeys("master"), []);
    equal(await dependency.delete("master"), true);
  });

  it("works over stores of bytes", async () => {
    const bytes = memoryBackend<Uint8Array>();
    const dependency = new CacheDependency(textStore(bytes), bytes);
    await dependency.set("master", { key: "ключ", value: Uint8Array.of(1), expiresAt: NEVER });
    deepEqual(await dependency.getKeys("master"), ["ключ"]);
    await dependency.delete("master");
    deepEqual(await bytes.get(["ключ"]), [undefined]);
  });

  it("refuses more dependants than it has slots for, and bad times to live", async () => {
    const full = { ...memoryBackend<string>(), add: () => Promise.resolve(false) };
    await rejects(() => new CacheDependency(full, full).add("master", "k"), RangeError);
    throws(() => makeDependency({ ttlMs: 0 }), RangeError);
    throws(() => makeDependency({ ttlMs: NaN }), RangeError);
  });
});

/** Requests wait at a gate; which of the two longest waiting goes next, a bit of `order` says. */
class Gate {
  #order: number;
  #isOpen = false;
  readonly #waiting: (() => void)[] = [];

  constructor(order: number) {
    this.#order = order;
  }

  pass(): Promise<void> {
    if (this.#isOpen) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  async freely<T>(run: () => Promise<T>): Promise<T> {
    this.#isOpen = true;
    const answer = await run();
    this.#isOpen = false;
    return answer;
  }

  async run(work: Promise<unknown>): Promise<void> {
    let isDone = false;
    work.then(() => isDone = true);
    while (!isDone) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      const at = Math.min(this.#order & 1, this.#waiting.length - 1);
      this.#order >>= 1;
      this.#waiting.splice(at, 1)[0]?.();
    }
  }
}

function makeGated(order: number) {
  const gate = new Gate(order);
  const store = memoryBackend<string>();
  const gated = {
    ...store,
    get: (...args: Parameters<typeof store.get>) => gate.pass().then(() => store.get(...args)),
    set: (...args: Parameters<typeof store.set>) => gate.pass().then(() => store.set(...args)),
    add: (...args: Parameters<typeof store.add>) => gate.pass().then(() => store.add(...args)),
    touch: (...args: Parameters<typeof store.touch>) =>
      gate.pass().then(() => store.touch(...args)),
    delete: (...args: Parameters<typeof store.delete>) =>
      gate.pass().then(() => store.delete(...args)),
    deleteIf: (...args: Parameters<typeof store.deleteIf>) =>
      gate.pass().then(() => store.deleteIf(...args)),
  };
  return { gate, store, dependency: new CacheDependency(gated, gated) };
}
