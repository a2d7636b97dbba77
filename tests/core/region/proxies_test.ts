import { deepEqual, equal, notEqual, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { actualBackend, ProxyBackend } from "../../../src/compose/proxy.ts";
import type { Backend, Write } from "../../../src/contracts/backend.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { makeRegion, type Region } from "../../../src/region/region.ts";
import { ManualClock, settled } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

class Counting extends ProxyBackend {
  readonly gets: string[] = [];
  readonly sets: string[] = [];
  readonly deletes: string[] = [];

  override async get(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    this.gets.push(...keys.filter(isOwn));
    return await super.get(keys);
  }

  override async set(writes: readonly Write<Entry>[]): Promise<void> {
    this.sets.push(...writes.map(({ key }) => key).filter(isOwn));
    await super.set(writes);
  }

  override async delete(keys: readonly string[]): Promise<void> {
    this.deletes.push(...keys);
    await super.delete(keys);
  }
}

class Never extends ProxyBackend {
  readonly #refused: string;

  constructor(refused: string) {
    super();
    this.#refused = refused;
  }

  override async set(writes: readonly Write<Entry>[]): Promise<void> {
    await super.set(writes.filter(({ key }) => key !== this.#refused));
  }
}

class Shouting extends ProxyBackend {
  override async set(writes: readonly Write<Entry>[]): Promise<void> {
    await super.set(writes.map((write) => {
      const { payload } = write.value;
      if (typeof payload !== "string") return write;
      return { ...write, value: { ...write.value, payload: payload.toUpperCase() } };
    }));
  }
}

function isOwn(key: string): boolean {
  return !key.startsWith("cairn-mark:");
}

function regionOf(...wrap: readonly (ProxyBackend | (new () => ProxyBackend))[]): {
  region: Region;
  store: ModelStore<Entry>;
} {
  const clock = new ManualClock();
  const store = new ModelStore<Entry>(clock);
  return { region: makeRegion({ clock, backend: store, wrap }), store };
}

describe("proxies of a region", () => {
  it("D-114: see entries in get and set", async () => {
    const seen: unknown[] = [];
    class Looking extends ProxyBackend {
      override async get(keys: readonly string[]): Promise<(Entry | undefined)[]> {
        const found = await super.get(keys);
        seen.push(found[0]);
        return found;
      }
      override async set(writes: readonly Write<Entry>[]): Promise<void> {
        seen.push(...writes.filter(({ key }) => isOwn(key)).map(({ value }) => value));
        await super.set(writes);
      }
    }
    const { region } = regionOf(Looking);
    await region.set("key", "value");
    equal(await region.get("key"), "value");
    const entries = seen.filter((entry) => entry !== undefined) as Entry[];
    ok(entries.some((entry) => entry.payload === "value" && typeof entry.createdAt === "number"));
    ok(entries.every((entry) => Array.isArray(entry.marks)));
  });

  it("D-115: two stacked ones count 10 sets and 10 gets once each; delete still works", async () => {
    const [outer, inner] = [new Counting(), new Counting()];
    const { region } = regionOf(outer, inner);
    for (let i = 0; i < 10; i++) await region.set(String(i), i);
    for (const proxy of [outer, inner]) equal(proxy.sets.length, 10);
    const before = outer.gets.length;
    for (let i = 0; i < 10; i++) equal(await region.get(String(i)), i);
    for (const proxy of [outer, inner]) equal(proxy.gets.length - before, 10);
    await region.delete("5");
    equal(await region.get("5"), undefined);
    deepEqual([outer.deletes, inner.deletes], [["5"], ["5"]]);
  });

  it("D-116: instances in two regions count for themselves", async () => {
    const [one, two] = [new Counting(), new Counting()];
    const [first, second] = [regionOf(one).region, regionOf(two).region];
    await first.set("a", 1);
    await second.set("b", 2);
    await second.set("c", 3);
    deepEqual([one.sets, two.sets], [["a"], ["b", "c"]]);
  });

  it("D-117: one made with an argument refuses a key, also of getOrCreate", async () => {
    const { region } = regionOf(new Never("5"));
    for (const key of ["1", "5"]) await region.set(key, key);
    deepEqual([await region.get("5"), await region.get("1")], [undefined, "1"]);
    await region.delete("1");
    for (const key of ["1", "5"]) equal(await region.getOrCreate(key, () => "made"), "made");
    deepEqual([await region.get("5"), await region.get("1")], [undefined, "made"]);
    equal(await region.keyIsLocked("5"), false);
  });

  it("D-118 D-119: backend is the outermost, actualBackend the one beneath", () => {
    const { region, store } = regionOf(Counting, Counting);
    ok(region.backend instanceof Counting);
    equal(region.actualBackend, store);
    const plain = regionOf();
    equal(plain.region.backend, plain.store);
    equal(plain.region.actualBackend, plain.store);
  });

  it("DX-22: what a creation stores goes through them, and a delete during it still wins", async () => {
    const { region, store } = regionOf(Shouting);
    equal(await region.getOrCreate("key", () => "made"), "made");
    equal(await region.get("key"), "MADE");
    const gate = Promise.withResolvers<string>();
    const creating = region.getOrCreate("slow", () => gate.promise);
    await settled();
    await region.delete("slow");
    gate.resolve("obsolete");
    await creating;
    equal(await region.get("slow"), undefined);
    equal(store.keys.includes("slow"), false);
  });

  it("are put around it later by wrap, as the outermost", async () => {
    const [first, second] = [new Counting(), new Shouting()];
    const { region } = regionOf(first);
    equal(region.wrap(second), region);
    equal(region.backend, second);
    equal(region.wrap(Counting).backend instanceof Counting, true);
    equal(await region.getOrCreate("key", () => "made"), "made");
    equal(await region.get("key"), "MADE");
    deepEqual(first.sets, ["key"]);
    await region.set("key", "set");
    equal(await region.get("key"), "SET");
    await region.delete("key");
    deepEqual([first.deletes, await region.get("key")], [["key"], undefined]);
  });

  it("the first listed is the outermost", async () => {
    const order: string[] = [];
    const named = (name: string) =>
      class extends ProxyBackend {
        override async delete(keys: readonly string[]): Promise<void> {
          order.push(name);
          await super.delete(keys);
        }
      };
    const { region } = regionOf(named("outer"), named("inner"));
    await region.delete("key");
    deepEqual(order, ["outer", "inner"]);
  });

  it("anything else is refused by TypeError, and changes nothing", () => {
    const clock = new ManualClock();
    const store = new ModelStore<Entry>(clock);
    const wrong = [{} as ProxyBackend];
    throws(() => makeRegion({ backend: store, wrap: wrong }), TypeError);
    throws(() => makeRegion({ wrap: [Counting] }), /wrap is given without a backend/);
    const { region } = regionOf();
    throws(() => region.wrap({} as ProxyBackend), TypeError);
    notEqual(region.backend, wrong[0]);
  });

  it("DX-28: actualBackend is that of the present configuration", () => {
    const clock = new ManualClock();
    const [one, two] = [new ModelStore<Entry>(clock), new ModelStore<Entry>(clock)];
    const region = makeRegion({ backend: one as Backend<Entry> });
    equal(region.actualBackend, one);
    region.configure({ backend: two, replaceExistingBackend: true });
    equal(region.actualBackend, two);
    equal(actualBackend(region.backend), two);
  });
});
