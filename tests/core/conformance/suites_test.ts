/** The suites pass on the model, and each fault that a store might have fails them. */

import { ok } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Atomics } from "../../../src/contracts/atomics.ts";
import { type Backend, type Limits, UNLIMITED } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import {
  atomicsCases,
  type AtomicsFixture,
  atomicsSuite,
} from "../../conformance/atomics_suite.ts";
import { backendCases, backendSuite } from "../../conformance/backend_suite.ts";
import { byteSamples, type Cases, tryOut } from "../../conformance/cases.ts";
import type { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

type Bytes = Uint8Array;
type Store = ModelStore<Bytes>;
type Fixture = AtomicsFixture<Bytes>;

const narrow: Limits = { ...UNLIMITED, keyBytes: 250, keyAlphabet: "graphic", valueBytes: 20_000 };

backendSuite("model", sound, { samples: byteSamples });
atomicsSuite("model", sound, { samples: byteSamples });

const backendFaults: Record<string, (store: Store, clock: ManualClock) => Partial<Backend<Bytes>>> =
  {
    "does I/O for an empty batch": (store) => ({
      get: (keys) => (store.trips++, store.get(keys)),
    }),
    "loses what exceeds a page": (store) => ({
      set: (writes) => store.set(writes.slice(0, 100)),
    }),
    "answers in another order": (store) => ({
      get: async (keys) => (await store.get(keys)).reverse(),
    }),
    "answers duplicates once": (store) => ({
      get: (keys) => store.get([...new Set(keys)]),
    }),
    "answers null for a miss": (store) => ({
      get: async (keys) => (await store.get(keys)).map((value) => value ?? null as never),
    }),
    "keeps the first write of a batch": (store) => ({
      set: (writes) => store.set([...writes].reverse()),
    }),
    "folds case": (store) => ({
      get: (keys) => store.get(keys.map((key) => key.toLowerCase())),
      set: (writes) => store.set(writes.map((w) => ({ ...w, key: w.key.toLowerCase() }))),
    }),
    "normalises Unicode": (store) => ({
      get: (keys) => store.get(keys.map((key) => key.normalize())),
      set: (writes) => store.set(writes.map((w) => ({ ...w, key: w.key.normalize() }))),
    }),
    "reads values as text": (store) => ({
      get: async (keys) =>
        (await store.get(keys)).map((value) =>
          value && new TextEncoder().encode(new TextDecoder().decode(value))
        ),
    }),
    "takes an empty value for a miss": (store) => ({
      get: async (keys) =>
        (await store.get(keys)).map((value) => value?.length ? value : undefined),
    }),
    "rounds deadlines up": (store) => ({
      set: (writes) => store.set(writes.map((w) => ({ ...w, expiresAt: w.expiresAt + 1 }))),
    }),
    "rounds deadlines down": (store) => ({
      set: (writes) => store.set(writes.map((w) => ({ ...w, expiresAt: w.expiresAt - 1 }))),
    }),
    "never expires": (store) => ({
      set: (writes) => store.set(writes.map((w) => ({ ...w, expiresAt: NEVER }))),
    }),
    "takes a passed deadline for none": (store, clock) => ({
      set: (writes) =>
        store.set(
          writes.map((w) => ({ ...w, expiresAt: w.expiresAt > clock.now() ? w.expiresAt : NEVER })),
        ),
    }),
    "ignores writes whose deadline has passed": (store, clock) => ({
      set: (writes) => store.set(writes.filter((w) => w.expiresAt > clock.now())),
    }),
    "limits every life to a second": (store, clock) => ({
      set: (writes) =>
        store.set(
          writes.map((w) => ({ ...w, expiresAt: Math.min(w.expiresAt, clock.now() + 1_000) })),
        ),
    }),
    "keeps the longest deadline": (store) => ({
      set: (writes) =>
        store.set(writes.map((w) => ({
          ...w,
          expiresAt: Math.max(w.expiresAt, store.deadlineOf(w.key) ?? 0),
        }))),
    }),
    "rejects the deletion of an absent key": (store) => ({
      delete: async (keys) => {
        const values = await store.get(keys);
        if (values.includes(undefined)) throw new RangeError("absent");
        await store.delete(keys);
      },
    }),
    "forgets to delete": () => ({ delete: () => Promise.resolve() }),
    "takes keys that it says it cannot": (_, clock) => verbsOf(new ModelStore(clock)),
    "takes values that it says it cannot": (store) => ({
      set: (writes) => store.set(writes.map((w) => ({ ...w, value: w.value.subarray(0, 20_000) }))),
    }),
    "writes the good half of a refused batch": (store) => ({
      set: async (writes) => {
        for (const write of writes) await store.set([write]);
      },
    }),
    "cuts large values short": (store) => ({
      set: async (writes) => {
        await store.set(writes);
        await store.set(writes.map((w) => ({ ...w, value: w.value.subarray(0, 19_999) })));
      },
    }),
    "disguises failure as a miss": (store) => ({
      get: async (keys) => store.isBroken ? keys.map(() => undefined) : await store.get(keys),
    }),
    "lets the store's own error through": (store) => ({
      set: async (writes) => {
        if (store.isBroken) throw new Error("ECONNREFUSED");
        await store.set(writes);
      },
    }),
  };

const atomicsFaults: Record<string, (store: Store) => Partial<Atomics<Bytes>>> = {
  "adds over a present value": (store) => ({
    add: async (write) => (await store.set([write]), true),
  }),
  "adds in two steps": (store) => ({
    add: async (write) => {
      const [value] = await store.get([write.key]);
      if (!value) await store.set([write]);
      return !value;
    },
  }),
  "renews the deadline on a refused add": (store) => ({
    add: async (write) => {
      if (await store.add(write)) return true;
      await store.touch(write.key, write.expiresAt);
      return false;
    },
  }),
  "replaces an absent value": (store) => ({
    replace: async (write) => (await store.set([write]), true),
  }),
  "keeps the deadline when replacing": (store) => ({
    replace: (write) =>
      store.replace({ ...write, expiresAt: store.deadlineOf(write.key) ?? write.expiresAt }),
  }),
  "starts counters from 1": (store) => ({
    increment: async (key, delta, expiresAt) => await store.increment(key, delta, expiresAt) + 1,
  }),
  "counts in two steps": (store) => ({
    increment: async (key, delta, expiresAt) => {
      const count = await store.increment(key, 0, expiresAt);
      await store.increment(key, delta, expiresAt);
      return count + delta;
    },
  }),
  "counts in 32 bits": (store) => ({
    increment: async (key, delta, expiresAt) => await store.increment(key, delta, expiresAt) | 0,
  }),
  "never ends a counter": (store) => ({
    increment: (key, delta) => store.increment(key, delta, NEVER),
  }),
  "says it touched what is absent": (store) => ({
    touch: async (key, expiresAt) => (await store.touch(key, expiresAt), true),
  }),
  "does not touch": (store) => ({
    touch: async (key) => (await store.get([key]))[0] !== undefined,
  }),
  "deletes whatever is there": (store) => ({
    deleteIf: async (key) => {
      const [value] = await store.get([key]);
      await store.delete([key]);
      return value !== undefined;
    },
  }),
  "compares and deletes in two steps": (store) => ({
    deleteIf: async (key, expected) => {
      const [value] = await store.get([key]);
      if (String(value) !== String(expected)) return false;
      await store.delete([key]);
      return true;
    },
  }),
  "lets the store's own error through": (store) => ({
    touch: async (key, expiresAt) => {
      if (store.isBroken) throw new Error("ECONNREFUSED");
      return await store.touch(key, expiresAt);
    },
  }),
  "answers false when it fails": (store) => ({
    deleteIf: async (key, expected) => !store.isBroken && await store.deleteIf(key, expected),
  }),
};

describe("the backend suite finds a store that", () => {
  for (const [name, fault] of Object.entries(backendFaults)) {
    it(name, async () => {
      await finds(backendCases as Cases<Bytes, Fixture>, (clock) => {
        const store = storeAt(clock);
        return {
          ...fixtureOf(store),
          backend: { ...verbsOf(store), ...fault(store, clock) },
        };
      });
    });
  }
});

describe("the atomics suite finds a store that", () => {
  for (const [name, fault] of Object.entries(atomicsFaults)) {
    it(name, async () => {
      await finds(atomicsCases as Cases<Bytes, Fixture>, (clock) => {
        const store = storeAt(clock);
        return { ...fixtureOf(store), atomics: { ...verbsOf(store), ...fault(store) } };
      });
    });
  }
});

async function finds(
  cases: Cases<Bytes, Fixture>,
  make: (clock: ManualClock) => Fixture,
): Promise<void> {
  const failed: string[] = [];
  for (const [name, run] of Object.entries(cases)) {
    await tryOut({ make, samples: byteSamples, batchKeys: 150 }, run).catch(() =>
      failed.push(name)
    );
  }
  ok(failed.length > 0, "no case failed");
}

function sound(clock: ManualClock): Fixture {
  return fixtureOf(storeAt(clock));
}

function storeAt(clock: ManualClock): Store {
  return new ModelStore(clock, { limits: narrow });
}

function fixtureOf(store: Store): Fixture {
  return {
    backend: store,
    atomics: store,
    trips: () => store.trips,
    breakStore: () => void (store.isBroken = true),
  };
}

/** The verbs of a store as properties of a plain object, so that one of them can be replaced. */
function verbsOf(store: Store): Backend<Bytes> & Atomics<Bytes> {
  return {
    name: store.name,
    limits: narrow,
    get: (keys) => store.get(keys),
    set: (writes) => store.set(writes),
    delete: (keys) => store.delete(keys),
    add: (write) => store.add(write),
    replace: (write) => store.replace(write),
    increment: (key, delta, expiresAt) => store.increment(key, delta, expiresAt),
    touch: (key, expiresAt) => store.touch(key, expiresAt),
    deleteIf: (key, expected) => store.deleteIf(key, expected),
  };
}
