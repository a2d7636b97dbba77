/** Entries in Deno KV: Deno's own in memory and in a file, and its package on Node. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { denoKvBackend, denoKvLocks } from "../../backends/deno_kv.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { atomicsSuite } from "../conformance/atomics_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples, entrySamples } from "../conformance/cases.ts";
import { listingSuite } from "../conformance/listing_suite.ts";
import { locksSuite } from "../conformance/locks_suite.ts";
import { regionSuite } from "../conformance/region_suite.ts";
import { bytesOf, fixtureOf, type OpenKv, openKv, write } from "../testing/deno_kv_fixture.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { regionOver } from "../testing/store_time.ts";

let memory: OpenKv;
let file: OpenKv;
let folder: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "cairn-deno-kv-"));
  memory = await openKv(":memory:");
  file = await openKv(join(folder, "entries.db"));
});

after(async () => {
  memory.close();
  file.close();
  await rm(folder, { recursive: true });
});

const inMemory = (clock: ManualClock): ReturnType<typeof fixtureOf> => fixtureOf(memory, clock);
const inFile = (clock: ManualClock): ReturnType<typeof fixtureOf> => fixtureOf(file, clock);

backendSuite("deno kv in memory", inMemory, { samples: byteSamples });
atomicsSuite("deno kv in memory", inMemory, { samples: byteSamples });
locksSuite("deno kv in memory", inMemory, { samples: byteSamples });
listingSuite("deno kv in memory", inMemory, { samples: byteSamples });
backendSuite("deno kv in a file", inFile, { samples: byteSamples });
atomicsSuite("deno kv in a file", inFile, { samples: byteSamples });
locksSuite("deno kv in a file", inFile, { samples: byteSamples });
listingSuite("deno kv in a file", inFile, { samples: byteSamples });
backendSuite("serialized(json, deno kv)", (clock) => {
  const fixture = inMemory(clock);
  return { ...fixture, backend: serialized(json, fixture.backend) };
}, { samples: entrySamples });

regionSuite("deno kv in memory with its locks", (clock) => regionOver(inMemory(clock)));

describe("deno kv", () => {
  it("keeps entries in the file, for others to see at once", async () => {
    const path = join(folder, "shared.db");
    const [one, other] = [await openKv(path), await openKv(path)];
    await denoKvBackend(one).set([write("key", 10)]);
    deepEqual(await denoKvBackend(other).get(["key"]), [bytesOf(10)]);
    equal(await denoKvBackend(other).add(write("key", 20)), false);
    one.close();
    deepEqual(await denoKvBackend(other).get(["key"]), [bytesOf(10)]);
    other.close();
  });

  it("reports a closed database as the cause", async () => {
    const closed = await openKv(":memory:");
    closed.close();
    await rejects(() => denoKvBackend(closed).get(["key"]), (error) => {
      ok(error instanceof BackendError && error.cause instanceof Error);
      deepEqual([error.backend, error.operation], ["deno kv", "get"]);
      return true;
    });
  });

  it("refuses a prefix that leaves no room for keys", () => {
    for (const prefix of ["", "p".repeat(65), "é".repeat(33)]) {
      throws(() => denoKvBackend(memory, { prefix }), RangeError);
      throws(() => denoKvLocks(memory, { prefix }), RangeError);
    }
  });

  it("takes the longest keys, whatever they are made of, and values of any size at them", async () => {
    const { backend } = inMemory(new ManualClock());
    for (const character of ["k", "\u0000", "é", "😀"]) {
      const key = character.repeat(900 / new TextEncoder().encode(character).length);
      for (const size of [1, 64_511, 64_512, 64_513, 2_000_000]) {
        await backend.set([write(key, size)]);
        deepEqual(await backend.get([key]), [bytesOf(size)], `${size} bytes`);
      }
      await backend.set([{ ...write(key, 2_000_000), expiresAt: 0 }]);
      deepEqual(await backend.get([key]), [undefined]);
    }
  });

  it("reads ten keys in a trip, and writes 500 in a trip", async () => {
    const { backend, trips } = inMemory(new ManualClock());
    const writes = Array.from({ length: 500 }, (_, index) => write(`key ${index}`, 10));
    await backend.set(writes);
    equal(trips!(), 1);
    await backend.get(writes.map(({ key }) => key));
    equal(trips!(), 51);
    await backend.set([write("in one commit with its parts", 700_000)]);
    equal(trips!(), 53);
  });

  it("counts safely, and no further", async () => {
    const { atomics } = inMemory(new ManualClock());
    await atomics.increment("key", Number.MAX_SAFE_INTEGER, NEVER);
    await rejects(() => atomics.increment("key", 1, NEVER), RangeError);
    await rejects(() => atomics.increment("key", 0.5, NEVER), RangeError);
    equal(await atomics.increment("key", 0, NEVER), Number.MAX_SAFE_INTEGER);
  });

  it("takes records that are none of ours for a miss", async () => {
    const backend = denoKvBackend(memory, { prefix: "foreign" });
    const records = [1, "text", [], {}, { until: NEVER }, { until: NEVER, parts: { id: 1 } }];
    const keys = records.map((_, index) => `key ${index}`);
    for (const [index, record] of records.entries()) {
      const atomic = memory.atomic();
      atomic.set(["foreign", "entry", keys[index]!], record);
      await atomic.commit();
    }
    deepEqual(await backend.get(keys), keys.map(() => undefined));
    equal(await backend.add(write(keys[0]!, 5)), true);
    deepEqual(await backend.get([keys[0]!]), [bytesOf(5)]);
  });
});
