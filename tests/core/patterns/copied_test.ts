import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryCache } from "../../../src/memory/memory_cache.ts";
import { copied } from "../../../src/patterns/copied.ts";

describe("copied", () => {
  it("keeps callers from changing what is held, on the way in and on the way out", () => {
    const cache = copied(new MemoryCache<{ list: number[] }>());
    const given = { list: [1] };
    const kept = () => deepEqual(cache.get("k"), { list: [1] });
    equal(cache.set("k", given), true);
    given.list.push(2);
    kept();
    cache.get("k")!.list.push(3);
    kept();
    cache.getMulti(["k"]).get("k")!.list.push(4);
    kept();
    cache.delete("k");
    equal(cache.add("k", { list: [1] }), true);
    kept();
    equal(cache.replace("k", { list: [2] }), true);
    deepEqual(cache.setMulti([["k", given]]), []);
    given.list.length = 0;
    deepEqual(cache.get("k"), { list: [1, 2] });
    deepEqual(cache.addMulti([["k", given], ["l", given]]), ["k"]);
    deepEqual(cache.replaceMulti([["k", given], ["m", given]]), ["m"]);
    deepEqual(cache.get("k"), { list: [] });
    equal(cache.deleteMulti(["k"]), true);
    equal(cache.flushAll(), true);
    equal(cache.get("l"), undefined);
  });

  it("counts, and copies as it is told", () => {
    const cache = copied<number>(new MemoryCache<number>(), (value) => value * 10);
    equal(cache.incr("n", 1, { initialValue: 0 }), 1);
    equal(cache.decr("n"), 0);
    cache.set("k", 1);
    equal(cache.get("k"), 100);
  });

  it("passes on that something cannot be copied, and stores nothing", () => {
    const cache = copied(new MemoryCache<unknown>());
    throws(() => cache.set("k", () => 1), { name: "DataCloneError" });
    equal(cache.get("k"), undefined);
  });
});
