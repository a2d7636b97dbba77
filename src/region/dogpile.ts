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

import type { Acquired, Lease, Locks } from "../contracts/locks.ts";
import type { Freshness } from "./freshness.ts";
import type { LockPolicy } from "./policy.ts";

/** What a caller is to do. */
export type Turn<V> =
  /** Go on with a value. */
  | { readonly act: "answer"; readonly value: V; readonly freshness: "fresh" | "stale" }
  /** Create; without a lease, do not store. */
  | { readonly act: "create"; readonly lease: Lease<V> | undefined; readonly stale: V | undefined }
  /** Give up. */
  | { readonly act: "throw"; readonly waitedMs: number };

/** One caller's attempt on a key. */
export interface Attempt<V> {
  /** The mangled key. */
  readonly key: string;
  /** Whose lock decides. */
  readonly locks: Locks<V>;
  /** How to wait. */
  readonly policy: Required<LockPolicy>;
  /** Judges a value by what is known now; `undefined` where something has to be read first. */
  readonly judge: (value: V | undefined) => Freshness | undefined;
  /** Reads what judging `value` takes. */
  readonly inform: (value: V | undefined) => Promise<void>;
  /** Ends the attempt early, by its reason as an error. */
  readonly signal: AbortSignal;
}

/** The next step after an attempt on the lock; `"again"` is another attempt, as one who has missed. */
export type Step = "answer" | "release and answer" | "create" | "again" | "over";

/** The rule as a table: from what was seen, whether the lock is ours and what was read with it. */
export function stepAfter(
  seen: "stale" | "missing",
  outcome: { isOurs: boolean; freshness: Freshness; isPatient: boolean },
): Step {
  const { isOurs, freshness, isPatient } = outcome;
  if (isOurs) return freshness === "fresh" ? "release and answer" : "create";
  if (freshness === "fresh") return "answer";
  if (freshness === "stale") return seen === "stale" && isPatient ? "over" : "answer";
  return seen === "stale" ? "again" : "over";
}

/** What follows a wait in vain. */
export function stepAfterWait(
  onTimeout: "stale" | "run" | "throw",
  hasStale: boolean,
): "answer" | "create" | "throw" {
  if (onTimeout === "run") return "create";
  return onTimeout === "stale" && hasStale ? "answer" : "throw";
}

/** A value that vanishes while it is looked at is looked for again, at most so often. */
const MOST_ATTEMPTS = 3;

/** Takes a caller who has seen a stale value, or none, to what it is to do. */
export async function takeTurn<V>(
  attempt: Attempt<V>,
  first: "stale" | "missing",
): Promise<Turn<V>> {
  const { policy } = attempt;
  let seen = first;
  for (let tries = 1; tries <= MOST_ATTEMPTS; tries++) {
    const waitMs = seen === "stale" ? policy.staleWaitMs : policy.waitMs;
    const { lease, value, freshness } = await acquire(attempt, seen, waitMs);
    const isPatient = policy.staleWaitMs > 0;
    const step = stepAfter(seen, { isOurs: lease !== undefined, freshness, isPatient });
    if (step === "release and answer") await lease?.release();
    if (step === "answer" || step === "release and answer") return answer(value as V, freshness);
    if (step === "create") {
      return { act: "create", lease, stale: freshness === "stale" ? value : undefined };
    }
    if (step === "over") return afterWait(policy, { value, freshness, waitMs });
    seen = "missing";
  }
  return afterWait<V>(policy, { value: undefined, freshness: "missing", waitMs: policy.waitMs });
}

async function acquire<V>(
  attempt: Attempt<V>,
  seen: "stale" | "missing",
  waitMs: number,
): Promise<Acquired<V> & { freshness: Freshness }> {
  const { key, locks, policy, judge, inform, signal } = attempt;
  const isEnough = (freshness: Freshness | undefined): boolean =>
    seen === "stale" ? freshness !== "stale" : freshness !== "missing";
  const enough = (value: V | undefined): boolean => isEnough(judge(value));
  const acquired = await locks.acquire(key, { leaseMs: policy.leaseMs, waitMs, enough, signal });
  try {
    // The wait also ends when everybody has left; then nobody wants what could be made.
    signal.throwIfAborted();
    if (judge(acquired.value) === undefined) await inform(acquired.value);
  } catch (error) {
    await acquired.lease?.release();
    throw error;
  }
  return { ...acquired, freshness: judge(acquired.value) ?? "missing" };
}

function answer<V>(value: V, freshness: Freshness): Turn<V> {
  return { act: "answer", value, freshness: freshness === "fresh" ? "fresh" : "stale" };
}

function afterWait<V>(
  policy: Required<LockPolicy>,
  last: { value?: V | undefined; freshness: Freshness; waitMs: number },
): Turn<V> {
  const hasStale = last.freshness === "stale";
  const stale = hasStale ? last.value : undefined;
  const step = stepAfterWait(policy.onTimeout, hasStale);
  if (step === "create") return { act: "create", lease: undefined, stale };
  if (step === "answer") return answer(stale as V, "stale");
  return { act: "throw", waitedMs: last.waitMs };
}
