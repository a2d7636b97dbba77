import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { compressed } from "../../../src/compose/compressed.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { rawFraming } from "../../../src/compose/raw_frame.ts";
import type { Unreadable } from "../../../src/compose/records.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { serializedAtomics } from "../../../src/compose/serialized_atomics.ts";
import { serializedLocks } from "../../../src/compose/serialized_locks.ts";
import { text } from "../../../src/compose/text_codec.ts";
import { UNLIMITED } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import type { Codec } from "../../../src/contracts/codec.ts";
import type { Entry } from "../../../src/contracts/entry.ts";
import type { AcquireOptions, Lease, Locks } from "../../../src/contracts/locks.ts";
import { localLocks } from "../../../src/region/local_locks.ts";
import { atomicsSuite } from "../../conformance/atomics_suite.ts";
import { backendSuite } from "../../conformance/backend_suite.ts";
import { entrySamples } from "../../conformance/cases.ts";
import { locksSuite } from "../../conformance/locks_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

const narrow = { ...UNLIMITED, keyBytes: 250, valueBytes: 1 << 16 };

for (const codec of [json, compressed(json)]) {
  backendSuite(`serialized(${codec.name})`, (clock) => {
    // Half of the samples' size limits lie in payloads that compression would shrink.
    const limits = codec === json ? narrow : UNLIMITED;
    const store = new ModelStore<Uint8Array>(clock, { limits });
    return {
      backend: serialized(codec, store),
      trips: () => store.trips,
      breakStore: () => void (store.isBroken = true),
    };
  }, { samples: entrySamples });
}

const rawAt = 1_700_000_000_000;
const rawEntry = (payload: string): Entry<string> => ({
  payload,
  createdAt: rawAt,
  creationMs: 0,
  softExpiresAt: NEVER,
  hardExpiresAt: NEVER,
  tags: [],
  marks: [],
});

backendSuite("serialized(text) in the raw framing", (clock) => {
  const store = new ModelStore<Uint8Array>(clock, { limits: narrow });
  const standing = { now: () => rawAt, sleep: () => Promise.resolve() };
  return {
    backend: serialized(text, store, { framing: rawFraming({ clock: standing }) }),
    trips: () => store.trips,
    breakStore: () => void (store.isBroken = true),
  };
}, {
  samples: {
    value: (number) => rawEntry(`value ${number}`),
    edges: [rawEntry(""), rawEntry("ż|ó\u0000ł"), rawEntry("{}")],
    largest: (limitBytes) => rawEntry("a".repeat(limitBytes)),
    tooLarge: (limitBytes) => rawEntry("a".repeat(limitBytes + 1)),
  },
});

atomicsSuite("serialized(json)", (clock) => {
  const store = new ModelStore<Uint8Array>(clock);
  return {
    backend: serialized(json, store),
    atomics: serializedAtomics(json, store),
    breakStore: () => void (store.isBroken = true),
  };
}, { samples: entrySamples });

for (const codec of [json, compressed(json)]) {
  locksSuite(`serialized(${codec.name}, local)`, (clock) => {
    const store = new ModelStore<Uint8Array>(clock);
    const locks = serializedLocks(codec, localLocks(store, { clock }));
    return {
      backend: serialized(codec, store),
      locks,
      others: locks,
      breakStore: () => void (store.isBroken = true),
    };
  }, { samples: entrySamples });
}

describe("serialized", () => {
  it("D-001 D-003 D-004: a record of bytes is written, found, and missing after its deletion", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    deepEqual(await store.get(["key"]), [undefined]);
    await serialized(json, store).set([writeOf("key", { a: 1 })]);
    const [record] = await store.get(["key"]);
    ok(record instanceof Uint8Array);
    await store.set([{ key: "copy", value: record, expiresAt: NEVER }]);
    deepEqual(await store.get(["copy"]), [record]);
    await serialized(json, store).delete(["key"]);
    deepEqual(await store.get(["key"]), [undefined]);
  });

  it("D-026 DX-18: an unreadable record is a miss and a report, never an exception", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock(), { name: "shelf" });
    const reports: Unreadable[] = [];
    const backend = serialized(json, store, { onUnreadable: (report) => reports.push(report) });
    await backend.set([writeOf("good", 1)]);
    const [good] = await store.get(["good"]);
    const records: Record<string, Uint8Array> = {
      empty: new Uint8Array(0),
      foreign: new TextEncoder().encode('{"ct": 1700000000.5, "v": 2}|[1]'),
      pickle: Uint8Array.of(0x80, 4, 0x95),
      cut: good!.subarray(0, good!.length - 1),
      extended: Uint8Array.of(...good!, 0),
      newer: Uint8Array.of(0xc1, 2, ...good!.subarray(2)),
    };
    for (const [key, value] of Object.entries(records)) {
      await store.set([{ key, value, expiresAt: NEVER }]);
    }
    const keys = Object.keys(records);
    const entries = await backend.get(["good", ...keys]);
    deepEqual(entries.map((entry) => entry?.payload), [1, ...keys.map(() => undefined)]);
    deepEqual(reports.map(({ backend, key }) => [backend, key]), keys.map((key) => ["shelf", key]));
    ok(reports.every(({ error }) => error instanceof SyntaxError || error instanceof TypeError));
  });

  it("DX-18: two codecs on one key read each other's records as misses", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    const reports: unknown[] = [];
    const onUnreadable = ({ error }: Unreadable): void => void reports.push(String(error));
    await serialized(json, store).set([writeOf("key", "1")]);
    deepEqual(await serialized(text, store, { onUnreadable }).get(["key"]), [undefined]);
    deepEqual(reports, ['TypeError: Cannot decode with "text": encoded with "json"']);
  });

  it("reports what a codec throws, of whatever kind", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    const broken: Codec<unknown> = { ...json, decode: () => Promise.reject("a mere text") };
    const reports: unknown[] = [];
    const onUnreadable = ({ error }: Unreadable): void => void reports.push(error);
    const backend = serialized(broken, store, { onUnreadable });
    await backend.set([writeOf("key", 1)]);
    deepEqual(await backend.get(["key"]), [undefined]);
    deepEqual(reports, ["a mere text"]);
  });

  it("writes nothing of a batch in which one value cannot be encoded", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    const backend = serialized(json, store);
    await rejects(() => backend.set([writeOf("good", 1), writeOf("bad", () => 1)]), TypeError);
    deepEqual([store.keys, store.trips], [[], 0]);
  });

  it("binds each record to its key, where the codec does", async () => {
    const keys: string[] = [];
    const binding: Codec<unknown> = {
      name: "bind",
      encode: (value, key) => (keys.push(`encode ${key}`), json.encode(value, key)),
      decode: (bytes, key) => (keys.push(`decode ${key}`), json.decode(bytes, key)),
    };
    const backend = serialized(binding, new ModelStore<Uint8Array>(new ManualClock()));
    await backend.set([writeOf("a", 1), writeOf("b", 2)]);
    await backend.get(["b", "a"]);
    deepEqual(keys, ["encode a", "encode b", "decode b", "decode a"]);
  });

  it("stores the payload alone in the raw framing", async () => {
    const clock = new ManualClock();
    const store = new ModelStore<Uint8Array>(clock);
    const backend = serialized(text, store, { framing: rawFraming({ clock }) });
    await backend.set([writeOf("key", "the text itself")]);
    deepEqual(await store.get(["key"]), [new TextEncoder().encode("the text itself")]);
    await clock.advance(1_000);
    const [entry] = await backend.get(["key"]);
    deepEqual([entry?.payload, entry?.createdAt, entry?.hardExpiresAt], [
      "the text itself",
      clock.now(),
      NEVER,
    ]);
  });

  it("names a codec whose name is not allowed", () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    for (const name of ["", "too-long-a-name", "b|d"]) {
      throws(() => serialized({ ...json, name }, store), RangeError);
    }
  });
});

describe("serializedLocks", () => {
  it("judges by the head of a record, answers the whole entry and commits a record", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    const backend = serialized(compressed(json), store);
    await backend.set([writeOf("key", "old")]);
    const locks = serializedLocks(compressed(json), new OneAttempt(store));
    const seen: (Entry | undefined)[] = [];
    const enough = (entry: Entry | undefined): boolean => (seen.push(entry), false);
    const { lease, value } = await locks.acquire("key", { leaseMs: 1, waitMs: 0, enough });
    deepEqual([seen[0]?.payload, seen[0]?.createdAt], [undefined, 1_700_000_000_000]);
    equal(value?.payload, "old");
    deepEqual([lease?.key, lease?.fence, await lease?.renew(5)], ["key", 7, true]);
    equal(await lease?.commit(writeOf("key", "new")), true);
    equal((await backend.get(["key"]))[0]?.payload, "new");
    await lease?.release();
    await locks.revoke(["key"]);
    deepEqual(store.keys, []);
  });

  it("takes an unreadable record for a miss, and reports it once", async () => {
    const store = new ModelStore<Uint8Array>(new ManualClock());
    await store.set([{ key: "key", value: Uint8Array.of(1), expiresAt: NEVER }]);
    const reports: Unreadable[] = [];
    const onUnreadable = (report: Unreadable): void => void reports.push(report);
    const locks = serializedLocks(json, new OneAttempt(store), { onUnreadable });
    const seen: (Entry | undefined)[] = [];
    const enough = (entry: Entry | undefined): boolean => (seen.push(entry), false);
    const { value } = await locks.acquire("key", { leaseMs: 1, waitMs: 0, enough });
    deepEqual([seen, value, reports.length], [[undefined], undefined, 1]);
  });
});

/** Locks that are always free; the seventh lease is the first. */
class OneAttempt implements Locks<Uint8Array> {
  readonly name = "one attempt";
  readonly #store: ModelStore<Uint8Array>;

  constructor(store: ModelStore<Uint8Array>) {
    this.#store = store;
  }

  async acquire(
    key: string,
    { enough }: AcquireOptions<Uint8Array>,
  ): Promise<{ lease: Lease<Uint8Array>; value: Uint8Array | undefined }> {
    const [value] = await this.#store.get([key]);
    enough(value);
    const store = this.#store;
    const lease: Lease<Uint8Array> = {
      key,
      fence: 7,
      renew: () => Promise.resolve(true),
      commit: async (write) => (await store.set([write]), true),
      release: () => Promise.resolve(),
    };
    return { lease, value };
  }

  async revoke(keys: readonly string[]): Promise<void> {
    await this.#store.delete(keys);
  }
}

function writeOf(
  key: string,
  payload: unknown,
): { key: string; value: Entry<never>; expiresAt: number } {
  const value: Entry = {
    payload,
    createdAt: 1_700_000_000_000,
    creationMs: 1,
    softExpiresAt: NEVER,
    hardExpiresAt: NEVER,
    tags: [],
    marks: [],
  };
  return { key, value: value as Entry<never>, expiresAt: NEVER };
}
