/**
 * Reloads among uploads and deletions, by seed: every call to a store waits for its turn, and the seed
 * says whose turn it is. So each run is one interleaving of whole calls, the same whenever it is run.
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import { memoryFiles } from "../../backends/memory_files.ts";
import type { FileStore } from "../../src/contracts/file_store.ts";
import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";
import { portableDigests } from "../../src/wheels/digests.ts";
import { reloadIndex, type ReloadReport } from "../../src/wheels/reload.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { idle } from "../testing/store_time.ts";
import type { IndexCacheFixture } from "./index_cache_fixture.ts";
import type { TrialCases } from "./trials.ts";

/** The cases. */
export const reloadCases: TrialCases<IndexCacheFixture> = {
  "I-199 I-200 PX-01 PX-03: reloads, uploads and deletions at once end in the index that the files call for":
    async (
      { index, other, simulations = 8 },
    ) => {
      const property = fc.asyncProperty(fc.integer({ min: 1, max: 1e9 }), async (seed) => {
        await index.clearAll();
        await index.moveCursor(await index.cursor(), undefined);
        await new World(index, other, seed).play();
      });
      await fc.assert(property, { numRuns: simulations });
    },
};

interface Stores {
  readonly files: FileStore;
  readonly index: IndexCache;
}

interface Wheel {
  readonly filename: string;
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly sha256: string;
}

class World {
  readonly #clock = new ManualClock();
  readonly #files = memoryFiles({ clock: this.#clock });
  readonly #indexes: readonly IndexCache[];
  readonly #turns: Turns;

  constructor(index: IndexCache, other: IndexCache, seed: number) {
    this.#indexes = [index, other];
    this.#turns = new Turns(seed);
  }

  async play(): Promise<void> {
    const [index] = this.#indexes as [IndexCache];
    const stable = await this.#uploaded("stable", 3);
    const doomed = await this.#uploaded("doomed", 2);
    const replaced = await this.#uploaded("replaced", 1);
    const lost = await this.#uploaded("lost", 2);
    for (const { path } of lost) await this.#files.delete(path);
    const found = await wheelsOf("found", 2);
    const fleeting = await wheelsOf("fleeting", 2);
    for (const wheel of [...found, ...fleeting]) await put(this.#files, wheel);
    const changed = await this.#uploaded("changed", 2);
    for (const { filename } of [...changed, ...replaced]) {
      const record = (await index.fetch(filename))!;
      await index.save({ ...record, sha256: "0".repeat(64), sizeBytes: 1 });
    }
    const coming = await wheelsOf("coming", 2);
    const [next] = await wheelsOf("replaced", 1, 7);
    await this.#clock.advance(1_000);
    const reports: ReloadReport[] = [];
    await this.#turns.play([
      async (turn) => void reports.push(await this.#reload(turn, 0)),
      async (turn) => void reports.push(await this.#reload(turn, 1)),
      async (turn) => {
        for (const wheel of coming) await upload(this.#stores(turn, 1), wheel);
      },
      async (turn) => {
        for (const wheel of [...fleeting, ...doomed, changed[0]!]) {
          await remove(this.#stores(turn, 0), wheel);
        }
      },
      async (turn) => {
        await remove(this.#stores(turn, 0), replaced[0]!);
        await upload(this.#stores(turn, 1), next!);
      },
      async (turn) => await upload(this.#stores(turn, 0), lost[0]!),
    ], async () => {
      const held = await index.fetchMany(stable.map(({ filename }) => filename));
      ok(!held.includes(undefined), "A file that was there all the time cannot be seen");
    });
    ok(reports.some(({ state }) => state === "done"), "Nobody has reloaded");
    const wanted = [...stable, ...coming, ...found, next!, changed[1]!, lost[0]!];
    await this.#agrees(index, wanted, "after all at once");
    for (const isFirst of [true, false]) {
      const { state, taken, removed } = await this.#reload((call) => call(), 1);
      // The record of a file that was lost and came again may still have its old time.
      const times = isFirst ? taken : 0;
      ok(times <= 1, `${taken} files were not taken in before`);
      deepEqual([state, taken, removed], ["done", times, 0]);
    }
    await this.#agrees(index, wanted, "after quiet reloads");
  }

  async #agrees(index: IndexCache, wanted: readonly Wheel[], when: string): Promise<void> {
    const held: PackageFile[] = [];
    let cursor: string | undefined = "";
    do {
      const page: Awaited<ReturnType<IndexCache["list"]>> = await index.list({ limit: 50, cursor });
      held.push(...page.files);
      cursor = page.cursor;
    } while (cursor !== undefined);
    const facts = (files: readonly { path: string; sha256: string }[]): string[] =>
      files.map(({ path, sha256 }) => `${path} ${sha256}`).sort();
    deepEqual(facts(held), facts(wanted), when);
    for (const { path, sizeBytes } of held) {
      equal(sizeBytes, (await this.#files.head(path))!.sizeBytes, path);
    }
  }

  async #uploaded(project: string, count: number): Promise<Wheel[]> {
    const wheels = await wheelsOf(project, count);
    for (const wheel of wheels) await upload(this.#stores((call) => call(), 0), wheel);
    return wheels;
  }

  #reload(turn: Turn, at: number): Promise<ReloadReport> {
    const fixed = { clock: this.#clock, digests: portableDigests, log: () => {} };
    return reloadIndex({ ...this.#stores(turn, at), ...fixed }, { batch: 3, atOnce: 1 });
  }

  #stores(turn: Turn, at: number): Stores {
    return { files: inTurns(this.#files, turn), index: inTurns(this.#indexes[at]!, turn) };
  }
}

async function wheelsOf(project: string, count: number, seed = 0): Promise<Wheel[]> {
  return await Promise.all(Array.from({ length: count }, async (_, at) => {
    const { filename, bytes } = makeWheel({ name: project, version: `1.${at}`, seed });
    return { filename, path: `${project}/${filename}`, bytes, sha256: await sha256Of(bytes) };
  }));
}

async function put(files: FileStore, { path, bytes, sha256 }: Wheel): Promise<void> {
  const body = new Blob([bytes]).stream();
  equal(await files.put(path, body, { sizeBytes: bytes.length, sha256 }), "stored");
}

/** The file first, then its record, as every publication does it. */
async function upload({ files, index }: Stores, wheel: Wheel): Promise<void> {
  await put(files, wheel);
  const { filename, path, bytes, sha256 } = wheel;
  const [project = "", version = ""] = filename.split("-");
  const uploadedAt = (await files.head(path))!.modifiedAt;
  const facts = { filename, project, version, path, sha256, uploadedAt, uploader: "zoe" };
  const record = await index.add({ ...facts, sizeBytes: bytes.length });
  equal(record.sha256, sha256, `The record of ${filename} is another file's`);
}

/** The file first, then its record, as every removal does it. */
async function remove({ files, index }: Stores, { path, filename }: Wheel): Promise<void> {
  await files.delete(path);
  await index.clear(filename);
}

/** How many turns an actor may let pass before it begins. */
const mostPauses = 40;

async function paused(turn: Turn, turns: number): Promise<void> {
  for (let count = 0; count < turns; count++) await turn(async () => {});
}

/** Makes a call when it is its caller's turn. */
type Turn = <T>(call: () => Promise<T>) => Promise<T>;

class Turns {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Plays until all have ended; `between` is awaited after every call. */
  async play(
    actors: readonly ((turn: Turn) => Promise<void>)[],
    between: () => Promise<void>,
  ): Promise<void> {
    const waiting = new Map<number, () => void>();
    let running = actors.length;
    let at = 0;
    let failure: { readonly error: unknown } | undefined;
    actors.forEach((actor, number) => {
      const turn: Turn = async (call) => {
        await new Promise<void>((resolve) => {
          waiting.set(number, resolve);
          running--;
        });
        return await call();
      };
      const pauses = number === 0 ? 0 : this.#below(mostPauses);
      paused(turn, pauses).then(() => actor(turn))
        .catch((error) => failure ??= { error }).finally(() => running--);
    });
    for (let calls = 0; calls < 10_000; calls++) {
      await idle(() => running > 0);
      if (failure) throw failure.error;
      if (waiting.size === 0) return;
      await between();
      // One goes on alone for a while, so that much can happen between two calls of another.
      if (!waiting.has(at) || this.#below(4) === 0) {
        at = [...waiting.keys()].sort()[this.#below(waiting.size)]!;
      }
      const begin = waiting.get(at)!;
      waiting.delete(at);
      running++;
      begin();
    }
    throw new Error("The actors do not come to an end");
  }

  // The generator of Park and Miller: enough to pick turns.
  #below(count: number): number {
    this.#state = this.#state * 48_271 % 0x7fffffff;
    return this.#state % count;
  }
}

/** The store, each of whose methods waits for its turn. */
function inTurns<T extends object>(store: T, turn: Turn): T {
  return new Proxy(store, {
    get: (target, name) => {
      const method = target[name as keyof T];
      if (typeof method !== "function") return method;
      return (...args: unknown[]) => turn(async () => await method.apply(target, args));
    },
  });
}
