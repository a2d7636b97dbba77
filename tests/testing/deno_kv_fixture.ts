/** Deno KV for tests: opened, with its calls counted, and with values that show what they are. */

import { ok } from "node:assert/strict";
import {
  type DenoKv,
  denoKvBackend,
  type DenoKvLister,
  denoKvListing,
  denoKvLocks,
} from "../../backends/deno_kv.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { AtomicsFixture } from "../conformance/atomics_suite.ts";
import type { ListingFixture } from "../conformance/listing_suite.ts";
import type { LocksFixture } from "../conformance/locks_suite.ts";
import type { ManualClock } from "./manual_clock.ts";
import { ScriptedDenoKv } from "./scripted_deno_kv.ts";
import { StoreClock } from "./store_time.ts";

/** A database as a test opens, looks into and closes it. */
export type OpenKv = DenoKv & DenoKvLister & { close(): void };

/** This runtime's own, or the package that brings it to Node. */
export const openKv = "Deno" in globalThis
  ? (path: string): Promise<OpenKv> => Deno.openKv(path)
  : (await import("@deno/kv")).openKv as unknown as (path: string) => Promise<OpenKv>;

let prefixes = 0;

/** The keys of each fixture begin with another prefix. */
export function fixtureOf(
  kv: DenoKv & DenoKvLister,
  clock: ManualClock,
): AtomicsFixture<Uint8Array> & LocksFixture<Uint8Array> & ListingFixture<Uint8Array> {
  const [scripted, other] = [new ScriptedDenoKv(kv), new ScriptedDenoKv(kv)];
  const storeClock = new StoreClock(clock);
  const options = { clock: storeClock, prefix: `fixture ${++prefixes}` };
  const backend = denoKvBackend(scripted, options);
  const locks = denoKvLocks(scripted, options);
  return {
    backend,
    atomics: backend,
    locks,
    listing: denoKvListing(scripted.lister(kv), options),
    clutter: async (key) => {
      await backend.increment(key, 1, NEVER);
      await locks.acquire(key, { leaseMs: 60_000, waitMs: 0, enough: () => false });
    },
    others: denoKvLocks(other, options),
    time: storeClock.waitingFor([scripted, other]),
    trips: () => scripted.calls,
    breakStore: () => void (scripted.faultOf = () => "before"),
  };
}

/** Nothing is enough. */
export function no(): boolean {
  return false;
}

/** A value that shows its size and where each of its bytes belongs. */
export function bytesOf(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let index = 0; index < size; index++) bytes[index] = (index * 31 + size) % 251;
  return bytes;
}

/** A write of such a value that never expires. */
export function write(
  key: string,
  size: number,
): { key: string; value: Uint8Array; expiresAt: number } {
  return { key, value: bytesOf(size), expiresAt: NEVER };
}

/** Whether a run succeeds; it may only fail as a store does. */
export async function succeeds(run: () => Promise<unknown>): Promise<boolean> {
  try {
    await run();
    return true;
  } catch (error) {
    ok(error instanceof BackendError, String(error));
    return false;
  }
}
