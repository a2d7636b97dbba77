import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { json } from "../../../src/compose/json_codec.ts";
import { observed, type Operation } from "../../../src/compose/observed.ts";
import { actualBackend, ProxyBackend, wrapped } from "../../../src/compose/proxy.ts";
import { retried } from "../../../src/compose/retried.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { timed } from "../../../src/compose/timed.ts";
import type { Backend, Write } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { backendCases, backendSuite } from "../../conformance/backend_suite.ts";
import { byteSamples, type Cases, type StoreFixture, tryOut } from "../../conformance/cases.ts";
import { writeOf } from "../../testing/entries.ts";
import { type Fault, ScriptedBackend } from "../../testing/scripted_backend.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

type Compose = (store: Backend<Uint8Array>, clock: ManualClock) => Backend<Uint8Array>;

const proxies: Record<string, Compose> = {
  "observed(model)": (store, clock) => observed(store, () => {}, { clock }),
  "timed(model)": (store, clock) => timed(store, { clock }),
  "retried(model)": (store, clock) => retried(store, { clock, attempts: 1 }),
};

for (const [name, compose] of Object.entries(proxies)) {
  backendSuite(name, (clock) => {
    const limits = { ...new ModelStore(clock).limits, keyBytes: 250, valueBytes: 1_000_000 };
    const store = new ModelStore<Uint8Array>(clock, { limits });
    return {
      backend: compose(store, clock),
      trips: () => store.trips,
      breakStore: () => void (store.isBroken = true),
    };
  }, { samples: byteSamples });
}

/** Counts what passes through it, as the manual's example for proxies does. */
class Counting extends ProxyBackend {
  gets = 0;
  sets = 0;

  override get(keys: readonly string[]): Promise<(Entry | undefined)[]> {
    this.gets += keys.length;
    return super.get(keys);
  }

  override set(writes: readonly Write<Entry>[]): Promise<void> {
    this.sets += writes.length;
    return super.set(writes);
  }
}

/** Never stores one key; made with an argument. */
class Refusing extends ProxyBackend {
  readonly #key: string;

  constructor(key: string) {
    super();
    this.#key = key;
  }

  override set(writes: readonly Write<Entry>[]): Promise<void> {
    return super.set(writes.filter(({ key }) => key !== this.#key));
  }
}

describe("ProxyBackend", () => {
  it("D-036: the suite of the contract passes through a proxy that overrides nothing", async () => {
    const make = (clock: ManualClock): StoreFixture<Uint8Array> => {
      const limits = { ...new ModelStore(clock).limits, keyBytes: 250, valueBytes: 1_000_000 };
      const store = new ModelStore<Uint8Array>(clock, { limits });
      return {
        backend: new ProxyBackend<Uint8Array>().wrap(store),
        trips: () => store.trips,
        breakStore: () => void (store.isBroken = true),
      };
    };
    for (const run of Object.values(backendCases as Cases<Uint8Array>)) {
      await tryOut({ make, samples: byteSamples }, run);
    }
  });

  it("DX-22 D-114: an override is seen, and sees entries, on every store", async () => {
    const clock = new ManualClock();
    const stores: Backend<Entry>[] = [
      new ModelStore<Entry>(clock),
      serialized(json, new ModelStore<Uint8Array>(clock)),
      observed(serialized(json, new ModelStore<Uint8Array>(clock)), () => {}, { clock }),
    ];
    for (const store of stores) {
      const seen: unknown[] = [];
      class Watching extends ProxyBackend {
        override async get(keys: readonly string[]): Promise<(Entry | undefined)[]> {
          const found = await super.get(keys);
          seen.push(...found.map((entry) => ["get", entry?.payload, entry?.createdAt]));
          return found;
        }

        override set(writes: readonly Write<Entry>[]): Promise<void> {
          seen.push(...writes.map(({ value }) => ["set", value.payload, value.createdAt]));
          return super.set(writes);
        }
      }
      const backend = wrapped(store, [Watching]);
      await backend.set([writeOf("a", 1, { createdAt: 5 })]);
      await backend.get(["a"]);
      deepEqual(seen, [["set", 1, 5], ["get", 1, 5]]);
    }
  });

  it("D-115: two stacked proxies each count once, and verbs not overridden still work", async () => {
    const [outer, inner] = [new Counting(), new Counting()];
    const backend = wrapped(new ModelStore<Entry>(new ManualClock()), [outer, inner]);
    for (let index = 0; index < 10; index++) await backend.set([writeOf(`${index}`, index)]);
    for (let index = 0; index < 10; index++) await backend.get([`${index}`]);
    deepEqual([outer.sets, outer.gets, inner.sets, inner.gets], [10, 10, 10, 10]);
    await backend.delete(["3"]);
    deepEqual(await backend.get(["3"]), [undefined]);
  });

  it("D-117: a proxy made with an argument", async () => {
    const backend = wrapped(new ModelStore<Entry>(new ManualClock()), [new Refusing("5")]);
    await backend.set([writeOf("1", "one"), writeOf("5", "five")]);
    const found = await backend.get(["5", "1"]);
    deepEqual(found.map((entry) => entry?.payload), [undefined, "one"]);
  });

  it("the first named is the outermost, and the actual backend is beneath all", async () => {
    const order: string[] = [];
    const tracing = (name: string): ProxyBackend =>
      new (class extends ProxyBackend {
        override get(keys: readonly string[]): Promise<(Entry | undefined)[]> {
          order.push(name);
          return super.get(keys);
        }
      })();
    const store = new ModelStore<Entry>(new ManualClock());
    const backend = wrapped(store, [tracing("first"), tracing("second"), tracing("third")]);
    await backend.get(["a"]);
    deepEqual(order, ["first", "second", "third"]);
    equal(actualBackend(backend), store);
    equal(actualBackend(store), store);
    equal(wrapped(store, []), store);
  });

  it("serves one backend for good: it cannot be put around a second one", () => {
    const clock = new ManualClock();
    const [one, other] = [
      new ModelStore<Entry>(clock, { name: "one" }),
      new ModelStore<Entry>(clock),
    ];
    const proxy = new Counting().wrap(one);
    equal(proxy.wrap(one), proxy);
    throws(() => proxy.wrap(other), /this Counting already wraps "one"/);
    equal(proxy.proxied, one);
  });

  it("says what it lacks before it wraps anything, and refuses what is no proxy", () => {
    throws(() => new Counting().get(["a"]), /Counting: it wraps no backend yet/);
    const store = new ModelStore<Entry>(new ManualClock());
    const counting = new Counting();
    throws(() => wrapped(store, [counting, {} as ProxyBackend]), /proxy 1 is no ProxyBackend/);
    throws(() => wrapped(store, [counting, Map as never]), TypeError);
    throws(() => counting.proxied, TypeError);
  });
});

describe("observed", () => {
  it("tells of every operation, how long it took and how it ended", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<number>(clock);
    const slow = new ScriptedBackend(store, async ({ keys }): Promise<Fault> => {
      await clock.sleep(keys.length);
      return keys.includes("bad") ? "before" : "none";
    });
    const seen: Operation[] = [];
    const backend = observed(slow, (operation) => seen.push(operation), { clock });
    const set = backend.set([{ key: "a", value: 1, expiresAt: NEVER }]);
    await clock.advance(10);
    await set;
    const get = backend.get(["a", "b", "a"]);
    await clock.advance(10);
    deepEqual(await get, [1, undefined, 1]);
    const remove = rejects(() => backend.delete(["bad", "b"]), BackendError);
    await clock.advance(10);
    await remove;
    const { error } = seen[2]!;
    ok(error instanceof BackendError);
    deepEqual(seen, [
      { backend: "model", verb: "set", keys: 1, hits: 0, durationMs: 1, error: undefined },
      { backend: "model", verb: "get", keys: 3, hits: 2, durationMs: 3, error: undefined },
      { backend: "model", verb: "delete", keys: 2, hits: 0, durationMs: 2, error },
    ]);
  });
});

describe("timed", () => {
  it("rejects when the time is over, and keeps no sleeper behind otherwise", async () => {
    const clock = new ManualClock();
    let answer = (_fault: Fault): void => {};
    const hanging = new ScriptedBackend(
      new ModelStore<number>(clock),
      () => new Promise<Fault>((resolve) => answer = resolve),
    );
    const backend = timed(hanging, { timeoutMs: 100, clock });
    const quick = backend.get(["a"]);
    await clock.advance(99);
    answer("none");
    deepEqual([await quick, clock.sleeping], [[undefined], 0]);
    const slow = rejects(() => backend.get(["a"]), /Cannot get on model: no answer after 100 ms/);
    await clock.advance(100);
    await slow;
    answer("before");
    equal(clock.sleeping, 0);
    throws(() => timed(hanging, { timeoutMs: 0 }), /"timeoutMs" is 0/);
  });
});

describe("retried", () => {
  it("with failures of the first n calls, for all n, succeeds while attempts are left", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let failing = 0; failing <= 5; failing++) {
        const { backend, store, faulty, clock } = retriedStore(({ number }) =>
          number <= failing ? fault : "none"
        );
        const ended = backend.set([{ key: "a", value: 1, expiresAt: NEVER }])
          .then(() => "stored", (error) => error);
        await clock.advance(10_000);
        const outcome = await ended;
        if (failing < 4) deepEqual([outcome, store.keys], ["stored", ["a"]]);
        else ok(outcome instanceof BackendError);
        equal(faulty.calls.length, Math.min(4, failing + 1));
      }
    }
  });

  it("retries every verb", async () => {
    const { backend, faulty, clock } = retriedStore(({ number }) => number % 2 ? "before" : "none");
    for (const verb of ["get", "delete"] as const) {
      const ended = backend[verb](["a"]);
      await clock.advance(1_000);
      await ended;
    }
    deepEqual(faulty.calls.map(({ verb }) => verb), ["get", "get", "delete", "delete"]);
  });

  it("waits at random within a bound that doubles up to its own", async () => {
    const clock = new ManualClock();
    const askedAt: number[] = [];
    const start = clock.now();
    const faulty = new ScriptedBackend(new ModelStore<number>(clock), () => {
      askedAt.push(clock.now() - start);
      return "before";
    });
    const draws = [1, 0.5, 0, 1, 1];
    const backend = retried(faulty, {
      attempts: 6,
      delayMs: 100,
      maxDelayMs: 500,
      clock,
      random: () => draws.shift()!,
    });
    const ended = rejects(() => backend.get(["a"]), BackendError);
    await clock.advance(10_000);
    await ended;
    deepEqual(askedAt, [0, 100, 200, 200, 700, 1_200]);
  });

  it("does not retry wrong arguments, and tells of what it retries", async () => {
    const told: string[] = [];
    const clock = new ManualClock();
    const limits = { ...new ModelStore(clock).limits, keyBytes: 3 };
    const store = new ModelStore<number>(clock, { limits });
    const onRetry = ({ operation }: BackendError): void => void told.push(operation);
    const backend = retried(store, { clock, onRetry, attempts: 2 });
    await rejects(() => backend.get(["long"]), RangeError);
    deepEqual(told, []);
    store.isBroken = true;
    const ended = rejects(() => backend.get(["a"]), BackendError);
    await clock.advance(1_000);
    await ended;
    deepEqual(told, ["get"]);
  });

  it("names the wrong option and its value", () => {
    const store = new ModelStore<number>(new ManualClock());
    throws(() => retried(store, { attempts: 0 }), /"attempts" is 0/);
    throws(() => retried(store, { attempts: 1.5 }), /"attempts" is 1.5/);
    throws(() => retried(store, { delayMs: -1 }), /"delayMs" is -1/);
  });
});

function retriedStore(faultOf: (call: { number: number }) => Fault): {
  backend: Backend<number>;
  store: ModelStore<number>;
  faulty: ScriptedBackend<number>;
  clock: ManualClock;
} {
  const clock = new ManualClock();
  const store = new ModelStore<number>(clock);
  const faulty = new ScriptedBackend(store, faultOf);
  return { backend: retried(faulty, { attempts: 4, clock }), store, faulty, clock };
}
