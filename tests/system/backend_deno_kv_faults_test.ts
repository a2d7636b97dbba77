/** Deno KV where things go wrong: parts that are missing, clients in between, calls that fail. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type DenoKv, denoKvBackend, type DenoKvKey, denoKvLocks } from "../../backends/deno_kv.ts";
import {
  bytesOf,
  fixtureOf,
  no,
  type OpenKv,
  openKv,
  succeeds,
  write,
} from "../testing/deno_kv_fixture.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { systemClock } from "../../src/contracts/clock.ts";
import { ScriptedDenoKv } from "../testing/scripted_deno_kv.ts";
import { startChild } from "./children/run_child.ts";

let memory: OpenKv;
before(async () => void (memory = await openKv(":memory:")));
after(() => memory.close());

const inMemory = (clock: ManualClock): ReturnType<typeof fixtureOf> => fixtureOf(memory, clock);

describe("deno kv, with values in parts,", () => {
  const sizes = [100_000, 700_000, 2_000_000];

  it("leaves no parts behind when it replaces them", async () => {
    const prefix = "replaced";
    const clock = new ManualClock();
    const backend = denoKvBackend(memory, { prefix, clock });
    const locks = denoKvLocks(memory, { prefix, clock });
    for (const size of [...sizes, ...sizes]) {
      await backend.set([write("key", size)]);
      equal(await partsUnder(prefix), Math.ceil(size / 64_512));
    }
    const { lease } = await locks.acquire("key", { leaseMs: 1_000, waitMs: 0, enough: no });
    equal(await lease!.commit(write("key", 70_000)), true);
    equal(await partsUnder(prefix), 2);
    equal(await backend.touch("key", clock.now() + 1_000), true);
    equal(await partsUnder(prefix), 2);
    equal(await backend.deleteIf("key", bytesOf(70_000)), true);
    equal(await partsUnder(prefix), 0);
  });

  it("keeps no part without a deadline", async () => {
    const lives: (number | undefined)[] = [];
    const recording: DenoKv = {
      getMany: (keys) => memory.getMany(keys),
      atomic: () => {
        const atomic = memory.atomic();
        return {
          check: (check) => atomic.check(check),
          delete: (key) => atomic.delete(key),
          commit: () => atomic.commit(),
          set: (key, value, options) => {
            lives.push(options?.expireIn);
            return atomic.set(key, value, options);
          },
        };
      },
    };
    const clock = new ManualClock();
    const backend = denoKvBackend(recording, { clock, prefix: "lives" });
    await backend.set([write("key", 70_000)]);
    await backend.set([{ ...write("key", 70_000), expiresAt: clock.now() + 1_000 }]);
    const yearMs = 365 * 86_400_000;
    deepEqual(lives, [yearMs + 60_000, yearMs + 60_000, undefined, 61_000, 61_000, 61_000]);
  });

  it("a value with a part missing, cut or strange is a miss, and can be written again", async () => {
    const spoil: Record<string, unknown> = { missing: undefined, cut: bytesOf(9), strange: "text" };
    for (const [name, part] of Object.entries(spoil)) {
      const prefix = `spoilt ${name}`;
      const backend = denoKvBackend(memory, { prefix });
      await backend.set([write("key", 200_000)]);
      const keys: DenoKvKey[] = [];
      for await (const { key } of memory.list({ prefix: [prefix, "part"] })) {
        keys.push(key as DenoKvKey);
      }
      const atomic = memory.atomic();
      if (part === undefined) atomic.delete(keys[1]!);
      else atomic.set(keys[1]!, part);
      await atomic.commit();
      deepEqual(await backend.get(["key"]), [undefined], name);
      equal(await backend.add(write("key", 300_000)), true, name);
      deepEqual(await backend.get(["key"]), [bytesOf(300_000)], name);
    }
  });

  it("of two writers who write at once one wins whole, at every interleaving of their commits", async () => {
    for (let turn = 1; turn <= 8; turn++) {
      const prefix = `writers ${turn}`;
      const other = denoKvBackend(memory, { prefix });
      const scripted = new ScriptedDenoKv(memory);
      scripted.beforeCommit = async (call) => {
        if (call === turn) await other.set([write("key", 1_800_000)]);
        const [seen] = await other.get(["key"]);
        ok(!seen || [1_800_000, 2_000_000].includes(seen.length));
      };
      await denoKvBackend(scripted, { prefix }).set([write("key", 2_000_000)]);
      deepEqual(await other.get(["key"]), [bytesOf(2_000_000)]);
    }
  });

  it("a reader whose parts go under its hands reads the entry that replaced them", async () => {
    const prefix = "reader";
    const writer = denoKvBackend(memory, { prefix });
    await writer.set([write("key", 200_000)]);
    let reads = 0;
    const reading: DenoKv = {
      atomic: () => memory.atomic(),
      getMany: async (keys) => {
        if (++reads === 2) await writer.set([write("key", 300_000)]);
        return await memory.getMany(keys);
      },
    };
    deepEqual(await denoKvBackend(reading, { prefix }).get(["key"]), [bytesOf(300_000)]);
    equal(reads, 4);
  });

  it("answers the old value or the new one, whole, whichever call fails before or after", async () => {
    for (const size of sizes) {
      for (const fault of ["before", "after"] as const) {
        for (let failAt = 1;; failAt++) {
          ok(failAt < 20, "no run without a failure");
          const prefix = `fault ${fault} ${size} ${failAt}`;
          const sound = denoKvBackend(memory, { prefix });
          await sound.set([write("key", 150_000)]);
          const scripted = new ScriptedDenoKv(memory, (call) => call === failAt ? fault : "none");
          const isDone = await succeeds(
            () => denoKvBackend(scripted, { prefix }).set([write("key", size)]),
          );
          const [seen] = await sound.get(["key"]);
          ok(seen && (seen.length === size || (!isDone && seen.length === 150_000)));
          deepEqual(seen, bytesOf(seen.length));
          if (isDone) break;
        }
      }
    }
  });
});

describe("deno kv whose writer is killed", () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), "cairn-deno-kv-killed-"))));
  after(() => rm(folder, { recursive: true }));

  const large = ["plain", "locked"];
  const small = Array.from({ length: 1_200 }, (_, index) => `small ${index}`);

  for (const moment of ["before", "during"] as const) {
    it(`holds old values or new ones, whole, and no lasting lease: ${moment} each commit`, async () => {
      for (let commit = 1;; commit++) {
        ok(commit < 30, "no run to the end");
        const file = join(folder, `${moment} ${commit}.db`);
        await withFile(file, async (kv) => {
          const old = [
            ...large.map((key) => write(key, 150_000)),
            ...small.map((key) => write(key, 10)),
          ];
          await denoKvBackend(kv).set(old);
        });
        const child = startChild("deno_kv_writer.ts", [file, String(commit), moment]);
        const isDone = await child.line() === "done";
        equal(await child.ended, isDone ? null : "SIGKILL");
        await withFile(file, (kv) => isWhole(kv, isDone));
        if (isDone) break;
      }
    });
  }

  /** Looks into what is left, by the clock of somebody for whom all leases have ended. */
  async function isWhole(kv: OpenKv, isDone: boolean): Promise<void> {
    const clock = new ManualClock(systemClock.now() + 2_000);
    const backend = denoKvBackend(kv, { clock });
    for (const [keys, before, after] of [[large, 150_000, 2_000_000], [small, 10, 20]] as const) {
      for (const value of await backend.get(keys)) {
        ok(value && (value.length === after || (!isDone && value.length === before)));
        deepEqual(value, bytesOf(value.length));
      }
    }
    const { lease } = await denoKvLocks(kv, { clock }).acquire("locked", {
      leaseMs: 1_000,
      waitMs: 0,
      enough: no,
    });
    equal(await lease!.commit(write("locked", 300_000)), true);
    deepEqual(await backend.get(["locked"]), [bytesOf(300_000)]);
  }

  async function withFile(file: string, use: (kv: OpenKv) => Promise<void>): Promise<void> {
    const kv = await openKv(file);
    try {
      await use(kv);
    } finally {
      kv.close();
    }
  }
});

describe("denoKvLocks", () => {
  const once = { leaseMs: 1_000, waitMs: 0, enough: no };

  it("DX-10: a delete or revoke of the key ends its lease", async () => {
    const { locks, backend } = inMemory(new ManualClock());
    for (const remove of [locks.revoke.bind(locks), backend.delete.bind(backend)]) {
      const { lease } = await locks.acquire("key", once);
      await remove(["key"]);
      equal(await lease!.commit(write("key", 5)), false);
      deepEqual(await backend.get(["key"]), [undefined]);
    }
  });

  it("costs two trips to acquire, one to commit, one to find the lock busy", async () => {
    const { locks, trips } = inMemory(new ManualClock());
    const { lease } = await locks.acquire("key", once);
    equal(trips!(), 2);
    await locks.acquire("key", once);
    equal(trips!(), 3);
    await lease!.commit(write("key", 5));
    equal(trips!(), 4);
  });

  it("a value committed between reading and taking is seen: the attempt loses", async () => {
    const kv = new ScriptedDenoKv(memory);
    const options = { prefix: "between", clock: new ManualClock() };
    const others = denoKvLocks(memory, options);
    kv.beforeCommit = async () => {
      kv.beforeCommit = () => {};
      const { lease } = await others.acquire("key", once);
      equal(await lease!.commit(write("key", 5)), true);
    };
    const locks = denoKvLocks(kv, options);
    equal((await locks.acquire("key", once)).lease, undefined);
    deepEqual((await locks.acquire("key", once)).value, bytesOf(5));
  });

  it("renewals that overtake a commit do not make it fail", async () => {
    const { locks, backend } = inMemory(new ManualClock());
    const { lease } = await locks.acquire("key", once);
    const [first, second, isStored] = await Promise.all([
      lease!.renew(2_000),
      lease!.renew(2_000),
      lease!.commit(write("key", 100_000)),
    ]);
    equal(isStored, true);
    ok(typeof first === "boolean" && typeof second === "boolean");
    deepEqual(await backend.get(["key"]), [bytesOf(100_000)]);
    ok((await locks.acquire("key", once)).lease);
  });

  it("of many who wait for a lock each gets its turn, alone", async () => {
    const clock = new ManualClock();
    const { locks, others, time } = inMemory(clock);
    let holders = 0;
    const fences: number[] = [];
    const run = async (own: typeof locks): Promise<void> => {
      const options = { leaseMs: 60_000, waitMs: 60_000, enough: no };
      const { lease } = await own.acquire("key", options);
      equal(++holders, 1);
      fences.push(lease!.fence);
      await clock.sleep(20);
      holders--;
      await lease!.release();
    };
    const all = Promise.all(Array.from({ length: 10 }, (_, i) => run(i % 2 ? locks : others)));
    await time!.advance(30_000);
    await all;
    deepEqual(fences, [...new Set(fences)].sort((a, b) => a - b));
    equal(fences.length, 10);
  });

  it("leaves no lease behind that outlives its end, whichever call fails before or after", async () => {
    for (const fault of ["before", "after"] as const) {
      for (let failAt = 1;; failAt++) {
        ok(failAt < 20, "no run without a failure");
        const clock = new ManualClock();
        const options = { prefix: `lease ${fault} ${failAt}`, clock };
        const kv = new ScriptedDenoKv(memory, (call) => call === failAt ? fault : "none");
        let isStored = false;
        const isDone = await succeeds(async () => {
          const { lease } = await denoKvLocks(kv, options).acquire("key", once);
          await lease?.renew(1_000);
          isStored = await lease?.commit(write("key", 900_000)) ?? false;
        });
        const [seen] = await denoKvBackend(memory, options).get(["key"]);
        if (isStored) deepEqual(seen, bytesOf(900_000));
        await clock.advance(1_000);
        ok((await denoKvLocks(memory, options).acquire("key", once)).lease);
        if (isDone) break;
      }
    }
  });
});

async function partsUnder(prefix: string): Promise<number> {
  let count = 0;
  for await (const _ of memory.list({ prefix: [prefix, "part"] })) count++;
  return count;
}
