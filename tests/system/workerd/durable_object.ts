/** Entries and locks in a Durable Object, inside workerd; run by `backend_durable_object_test.ts`. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CairnStoreStub,
  durableObjectBackend,
  durableObjectListing,
  durableObjectLocks,
  type OpenStub,
} from "../../../backends/durable_object.ts";
import { type KVNamespace, workersKVBackend } from "../../../backends/workers_kv.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { locksBeside } from "../../../src/compose/locks_beside.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { type AtomicsFixture, atomicsSuite } from "../../conformance/atomics_suite.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { byteSamples, entrySamples } from "../../conformance/cases.ts";
import { type ListingFixture, listingSuite } from "../../conformance/listing_suite.ts";
import { type LocksFixture, locksSuite } from "../../conformance/locks_suite.ts";
import { regionSuite } from "../../conformance/region_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { regionOver, StoreClock, type Working } from "../../testing/store_time.ts";
import { setStoreClock } from "./test_store.ts";

interface Stub extends CairnStoreStub {
  rows(): Promise<number>;
  ring(): Promise<boolean>;
  alarmIn(): Promise<number | null>;
}

interface Bindings {
  readonly STORE: { getByName(name: string): Stub };
  readonly CACHE: KVNamespace;
}

/** The bindings come with a request, and tests run within one. */
function bindings(): Bindings {
  return (globalThis as unknown as { bindings: Bindings }).bindings;
}

let objects = 0;

/** The calls to an object, counted; the one of a number may fail, before or after it is done. */
class Calls {
  made = 0;
  pending = 0;
  faultOf: (call: number) => "none" | "before" | "after" = () => "none";
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  open: OpenStub = () => ({
    run: async (statements) => {
      const fault = this.faultOf(++this.made);
      if (fault === "before") throw new Error("a fault was asked for");
      this.pending++;
      try {
        const answers = await bindings().STORE.getByName(this.#name).run(statements);
        if (fault === "after") throw new Error("a fault was asked for");
        return answers;
      } finally {
        this.pending--;
      }
    },
  });
}

type Fixture =
  & AtomicsFixture<Uint8Array>
  & LocksFixture<Uint8Array>
  & ListingFixture<Uint8Array>
  & {
    readonly clock: StoreClock;
    readonly working: readonly Working[];
    stub(): Stub;
  };

function fixtureOf(manual: ManualClock): Fixture {
  setStoreClock(manual);
  const clock = new StoreClock(manual);
  const name = `object ${++objects}`;
  const [calls, others] = [new Calls(name), new Calls(name)];
  const backend = durableObjectBackend(calls.open);
  const locks = durableObjectLocks(calls.open, { clock });
  return {
    backend,
    atomics: backend,
    locks,
    listing: durableObjectListing(calls.open),
    clutter: async (key) => {
      await backend.increment(key, 1, NEVER);
      await locks.acquire(key, { leaseMs: 60_000, waitMs: 0, enough: () => false });
    },
    others: durableObjectLocks(others.open, { clock }),
    clock,
    working: [calls, others],
    time: clock.waitingFor([calls, others]),
    trips: () => calls.made,
    breakStore: () => void (calls.faultOf = () => "before"),
    stub: () => bindings().STORE.getByName(name),
  };
}

backendSuite("durable object", fixtureOf, { samples: byteSamples });
atomicsSuite("durable object", fixtureOf, { samples: byteSamples });
locksSuite("durable object", fixtureOf, { samples: byteSamples });
listingSuite("durable object", fixtureOf, { samples: byteSamples });
backendSuite("serialized(json, durable object)", (clock) => {
  const fixture = fixtureOf(clock);
  return { ...fixture, backend: serialized(json, fixture.backend) };
}, { samples: entrySamples });
regionSuite("durable object with its locks", (clock) => regionOver(fixtureOf(clock)));

locksSuite("durable object beside workers kv", (manual) => {
  const object = fixtureOf(manual);
  const { clock } = object;
  const kv = new CountedKV(bindings().CACHE);
  const backend = workersKVBackend(kv, { clock, prefix: `beside ${objects}:` });
  return {
    backend,
    locks: locksBeside(backend, object.locks, { clock }),
    others: locksBeside(backend, object.others, { clock }),
    time: clock.waitingFor([...object.working, kv]),
    breakStore: object.breakStore!,
  };
}, { samples: byteSamples });

describe("durable object", () => {
  const once = { leaseMs: 1_000, waitMs: 0, enough: () => false };

  it("takes one call for each batch and each step of a lock", async () => {
    const { backend, locks, trips } = fixtureOf(new ManualClock());
    await backend.set(Array.from({ length: 1_000 }, (_, index) => write(`key ${index}`, 100)));
    await backend.get(Array.from({ length: 1_000 }, (_, index) => `key ${index}`));
    await backend.delete(["key 1", "key 2"]);
    equal(trips!(), 3);
    const { lease } = await locks.acquire("key 3", once);
    await lease!.renew(1_000);
    await lease!.commit(write("key 3", 5));
    equal(trips!(), 6);
  });

  it("splits what is too much for one message", async () => {
    const { backend, trips } = fixtureOf(new ManualClock());
    const writes = Array.from({ length: 20 }, (_, index) => write(`key ${index}`, 1_500_000));
    await backend.set(writes);
    equal(trips!(), 4);
    const found = await backend.get(writes.map(({ key }) => key));
    equal(trips!(), 8);
    ok(found.every((value) => value?.length === 1_500_000));
  });

  it("DX-10: a delete or revoke of the key ends its lease", async () => {
    const { locks, backend } = fixtureOf(new ManualClock());
    for (const remove of [locks.revoke.bind(locks), backend.delete.bind(backend)]) {
      const { lease } = await locks.acquire("key", once);
      await remove(["key"]);
      equal(await lease!.commit(write("key", 5)), false);
      deepEqual(await backend.get(["key"]), [undefined]);
    }
  });

  it("writes a batch whole or not at all", async () => {
    const stub = bindings().STORE.getByName("whole");
    const insert = "INSERT INTO $entries (key, value, expires_at) VALUES (?2, x'01', 1e300)";
    await rejects(async () => {
      await stub.run([
        { sql: insert, parameters: ["first"] },
        { sql: insert, parameters: ["first"] },
      ]);
    }, /UNIQUE/);
    equal(await stub.rows(), 0);
  });

  it("frees the space of what has expired when its alarm rings", async () => {
    const clock = new ManualClock();
    const { backend, locks, stub } = fixtureOf(clock);
    const expiresAt = clock.now() + 500;
    const expiring = (index: number): ReturnType<typeof write> => ({
      ...write(`key ${index}`, 1),
      expiresAt,
    });
    await backend.set(Array.from({ length: 1_050 }, (_, index) => expiring(index)));
    await backend.set([write("kept", 1)]);
    await locks.acquire("key", once);
    equal(await stub().rows(), 1_052);
    await clock.advance(1_000);
    equal(await stub().ring(), true);
    equal(await stub().rows(), 51);
    equal(await stub().ring(), false, "what is left never expires");
    equal(await stub().rows(), 1);
  });

  it("sets its alarm with the first write, and again once it has fallen silent", async () => {
    const clock = new ManualClock();
    const { backend, stub } = fixtureOf(clock);
    await backend.get(["key"]);
    equal(await stub().alarmIn(), null, "reading leaves nothing to sweep");
    const expiring = { ...write("key", 1), expiresAt: clock.now() + 1_000 };
    await backend.set([expiring]);
    const waitMs = await stub().alarmIn();
    ok(waitMs !== null && waitMs > 0 && waitMs <= 60_000, `${waitMs} ms`);
    await clock.advance(1_000);
    equal(await stub().ring(), false, "nothing is left");
    equal(await stub().alarmIn(), null);
    await backend.set([{ ...expiring, expiresAt: clock.now() + 7_200_000 }]);
    ok(await stub().alarmIn() !== null);
    equal(await stub().ring(), true, "it rings again when the value has ended");
    const laterMs = await stub().alarmIn();
    ok(laterMs !== null && laterMs > 7_000_000 && laterMs <= 7_200_000, `${laterMs} ms`);
    deepEqual(await backend.get(["key"]), [expiring.value]);
  });

  it("leaves neither a wrong value nor a lasting lease, whichever call fails", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let failAt = 1; failAt <= 3; failAt++) {
        const clock = new ManualClock();
        setStoreClock(clock);
        const calls = new Calls(`fault ${fault} ${failAt}`);
        calls.faultOf = (call) => call === failAt ? fault : "none";
        const locks = durableObjectLocks(calls.open, { clock });
        await rejects(async () => {
          const { lease } = await locks.acquire("key", once);
          await lease!.renew(1_000);
          await lease!.commit(write("key", 5));
        }, BackendError);
        const [value] = await durableObjectBackend(calls.open).get(["key"]);
        equal(value?.length, fault === "after" && failAt === 3 ? 5 : undefined);
        await clock.advance(1_000);
        ok((await locks.acquire("key", once)).lease);
      }
    }
  });

  it("refuses to count beyond the safe integers, and keeps the count", async () => {
    const { atomics } = fixtureOf(new ManualClock());
    await atomics.increment("key", Number.MAX_SAFE_INTEGER, NEVER);
    await rejects(() => atomics.increment("key", 1, NEVER), RangeError);
    await rejects(() => atomics.increment("key", 0.5, NEVER), RangeError);
    equal(await atomics.increment("key", 0, NEVER), Number.MAX_SAFE_INTEGER);
  });
});

function write(key: string, size: number): { key: string; value: Uint8Array; expiresAt: number } {
  return { key, value: new Uint8Array(size).fill(size % 251), expiresAt: NEVER };
}

/** A namespace that tells whether it is at work. */
class CountedKV implements KVNamespace {
  pending = 0;
  readonly #namespace: KVNamespace;

  constructor(namespace: KVNamespace) {
    this.#namespace = namespace;
  }

  get: KVNamespace["get"] = (...given) => this.#call(() => this.#namespace.get(...given));
  put: KVNamespace["put"] = (...given) => this.#call(() => this.#namespace.put(...given));
  delete: KVNamespace["delete"] = (...given) => this.#call(() => this.#namespace.delete(...given));

  async #call<T>(run: () => Promise<T>): Promise<T> {
    this.pending++;
    try {
      return await run();
    } finally {
      this.pending--;
    }
  }
}
