/**
 * The dogpile rule: of all who find a key stale or missing, one creates its value, under the store's
 * lock; those with a stale value go on with it, those without one wait.
 *
 * As a state machine, where "seen" is what the caller read before it came here:
 *
 * | seen    | lock | value read with the lock | then                                        |
 * | ------- | ---- | ------------------------ | ------------------------------------------- |
 * | stale   | ours | fresh                    | release, answer it: someone was quicker     |
 * | stale   | ours | stale or missing         | create                                      |
 * | stale   | busy | fresh or stale           | answer it                                   |
 * | stale   | busy | missing                  | as missing: a delete or invalidation passed |
 * | missing | ours | fresh                    | release, answer it                          |
 * | missing | ours | stale or missing         | create                                      |
 * | missing | busy | fresh or stale           | answer it                                   |
 * | missing | busy | missing                  | the wait is over: what the policy says      |
 *
 * Every attempt on the lock reads the value in the same trip, so that a waiter ends when either the
 * lock or the value is there, and nobody creates what was made while they waited.
 */

import type { Acquired, Locks } from "../contracts/locks.ts";
import type { Freshness } from "./freshness.ts";
import type { LockPolicy } from "./policy.ts";

/** What a caller is to do. */
export type Turn<V> =
  /** Go on with a value; give the lease back, if there is one. */
  | { readonly act: "answer"; readonly freshness: "fresh" | "stale" } & Seen<V>
  /** Create; without a lease, do not store. */
  | { readonly act: "create" } & Seen<V>
  /** Give up. */
  | { readonly act: "throw"; readonly waitMs: number }
  /** Come back and wait. */
  | { readonly act: "busy" };

/** What was read with an attempt on the lock, and the lease, if it is ours. */
interface Seen<V> extends Acquired<V> {
  /** How the value is judged. */
  readonly freshness: Freshness;
  /** How long the wait could be, in milliseconds. */
  readonly waitMs: number;
}

/** One caller's attempt on a key. */
export interface Attempt<V> {
  /** The mangled key. */
  readonly key: string;
  /** Whose lock decides. */
  readonly locks: Locks<V>;
  /** How to wait. */
  readonly policy: Required<LockPolicy>;
  /** Whether the caller has others in hand, and comes back rather than wait. */
  readonly isHasty: boolean;
  /** Judges a value by what is known now; `undefined` where something has to be read first. */
  readonly judge: (value: V | undefined) => Freshness | undefined;
  /** Reads what judging `value` takes. */
  readonly inform: (value: V | undefined) => Promise<void>;
  /** Ends the attempt early, by its reason as an error. */
  readonly signal: AbortSignal;
}

/** Takes a caller who has seen a stale value, or none, to what it is to do. */
export async function takeTurn<V>(
  attempt: Attempt<V>,
  wanted: "stale" | "missing",
): Promise<Turn<V>> {
  const { policy, isHasty } = attempt;
  const seen = await acquire(attempt, wanted);
  const { lease, freshness } = seen;
  if (freshness === "fresh") return { act: "answer", ...seen, freshness };
  if (lease !== undefined) return { act: "create", ...seen };
  const isPatient = wanted === "stale" && policy.staleWaitMs > 0;
  if (freshness === "stale" && !isPatient) return { act: "answer", ...seen, freshness };
  if (isHasty) return { act: "busy" };
  if (freshness === "missing" && wanted === "stale") return await takeTurn(attempt, "missing");
  return afterWait(policy, seen);
}

async function acquire<V>(
  { key, locks, policy, isHasty, judge, inform, signal }: Attempt<V>,
  wanted: "stale" | "missing",
): Promise<Seen<V>> {
  const waitMs = isHasty ? 0 : policy[wanted === "stale" ? "staleWaitMs" : "waitMs"];
  // Who has a stale value waits for a fresh one, or until there is none; who has none, for any.
  const enough = (value: V | undefined): boolean => judge(value) !== wanted;
  const acquired = await locks.acquire(key, { leaseMs: policy.leaseMs, waitMs, enough, signal });
  try {
    // The wait also ends when everybody has left; then nobody wants what could be made.
    signal.throwIfAborted();
    if (judge(acquired.value) === undefined) await inform(acquired.value);
  } catch (error) {
    await acquired.lease?.release();
    throw error;
  }
  return { ...acquired, waitMs, freshness: judge(acquired.value) ?? "missing" };
}

function afterWait<V>({ onTimeout }: Required<LockPolicy>, seen: Seen<V>): Turn<V> {
  if (onTimeout === "run") return { act: "create", ...seen };
  const { freshness, waitMs } = seen;
  if (onTimeout === "throw" || freshness !== "stale") return { act: "throw", waitMs };
  return { act: "answer", ...seen, freshness };
}
