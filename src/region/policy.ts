/**
 * How long values live and what is done when they end: one policy for each region, which every
 * call may override in part.
 *
 * Soft is never after hard. Where a call states one of the two and inherits the other, the
 * inherited one gives way; where both are stated together they must agree.
 */

import { NEVER } from "../contracts/clock.ts";

/** A time to live in milliseconds, or a function of the value that answers one. */
export type Ttl<T> = number | ((value: T) => number);

/** What a region does with its values. Every field can be overridden for one call. */
export interface Policy<T = unknown> {
  /**
   * How long a value is fresh, in milliseconds from the end of its creation. `NEVER` is for ever,
   * 0 is not at all. Default: as long as `hardTtlMs`, or else `NEVER`.
   */
  readonly softTtlMs?: Ttl<T>;
  /**
   * How long a value exists, in milliseconds; between the soft and the hard end it is stale: served
   * while one caller recreates it. Default: ten times `softTtlMs`.
   */
  readonly hardTtlMs?: Ttl<T>;
  /** Whether a stale value is answered where its recreation fails. Default: `false`. */
  readonly staleOnError?: boolean | StaleOnError;
  /** The largest share by which both lives are shortened at random, from 0 to 1. Default: 0. */
  readonly jitter?: number;
  /** When a fresh value is recreated in the background. Default: never. */
  readonly earlyRefresh?: EarlyRefresh;
  /** How long a creation may take. Default: as long as it wants. */
  readonly creation?: CreationLimits;
  /** How the store's lock is waited for and kept. */
  readonly lock?: LockPolicy;
  /** How answers that stand for "there is none" are kept, and errors. Default: no difference. */
  readonly negative?: NegativePolicy<T>;
}

/** How stale values stand in for failed recreations. */
export interface StaleOnError {
  /** For how long the stale value then counts as fresh, in milliseconds. Default: 1,000. */
  readonly throttleMs?: number;
}

/**
 * Either a fixed share of the soft life after which a value is recreated early, above 0 and below 1;
 * or `beta` of XFetch, above 0, where the chance grows as the end draws near, and the sooner the
 * longer a creation takes (Vattani, Chierichetti, Lowenstein: Optimal Probabilistic Cache Stampede
 * Prevention, VLDB 2015; 1 is optimal there).
 */
export type EarlyRefresh = { readonly share: number } | { readonly beta: number };

/** How long a creation may take. */
export interface CreationLimits {
  /**
   * After this long a caller who has a stale value gets it, and the creation ends in the background;
   * 0 always does. Milliseconds. Default: `NEVER`.
   */
  readonly softTimeoutMs?: number;
  /** After this long the creation is aborted and rejects. Milliseconds. Default: `NEVER`. */
  readonly hardTimeoutMs?: number;
}

/** How the lock of a key is waited for and kept. */
export interface LockPolicy {
  /** How long a caller without a value waits for it, in milliseconds. Default: 10,000. */
  readonly waitMs?: number;
  /** How long a caller with a stale value waits, in milliseconds. Default: 0, the value at once. */
  readonly staleWaitMs?: number;
  /** How long a lease lives without renewal, in milliseconds. Default: 10,000. */
  readonly leaseMs?: number;
  /**
   * What follows a wait in vain: `"stale"` answers the stale value and throws without one, `"run"`
   * creates without the lock and without storing, `"throw"` throws a `LockTimeoutError`.
   * Default: `"run"`.
   */
  readonly onTimeout?: "stale" | "run" | "throw";
}

/** How long answers that stand for "there is none" are kept, and errors. */
export interface NegativePolicy<T = unknown> {
  /** Which values these are. Default: `undefined` and `null`. */
  readonly isNegative?: (value: T) => boolean;
  /** Their life, soft and hard, in milliseconds. Default: that of other values. */
  readonly ttlMs?: number;
  /**
   * How long this process answers a failed creation with the same error instead of trying again, in
   * milliseconds. Default: 0.
   */
  readonly errorTtlMs?: number;
}

/** A policy with every default filled in and checked. */
export interface ResolvedPolicy {
  /** What was stated, for calls that override a part of it. */
  readonly stated: Policy<never>;
  /** See {@linkcode Policy}; `undefined` where only a hard life is stated. */
  readonly softTtlMs: Ttl<never> | undefined;
  /** See {@linkcode Policy}; `undefined` where only a soft life is stated. */
  readonly hardTtlMs: Ttl<never> | undefined;
  /** For how long a stale value counts as fresh after an error; `undefined` if it does not. */
  readonly throttleMs: number | undefined;
  /** See {@linkcode Policy}. */
  readonly jitter: number;
  /** See {@linkcode Policy}. */
  readonly earlyRefresh: EarlyRefresh | undefined;
  /** See {@linkcode Policy}. */
  readonly creation: Required<CreationLimits>;
  /** See {@linkcode Policy}. */
  readonly lock: Required<LockPolicy>;
  /** See {@linkcode Policy}. */
  readonly negative: NegativePolicy<never>;
}

/** How many soft lives a value exists where no hard life is stated. */
const HARD_PER_SOFT = 10;
const CREATION: Required<CreationLimits> = { softTimeoutMs: NEVER, hardTimeoutMs: NEVER };
const LOCK: Required<LockPolicy> = {
  waitMs: 10_000,
  staleWaitMs: 0,
  leaseMs: 10_000,
  onTimeout: "run",
};
const THROTTLE_MS = 1_000;
/** The longest wait that every platform's timers can do: 2^31 - 1 milliseconds, 24.8 days. */
const LONGEST_WAIT_MS = 2_147_483_647;

/** Checks a region's policy and fills in the defaults. Throws `RangeError` or `TypeError`. */
export function resolvePolicy(stated: Policy<never>): ResolvedPolicy {
  checkStated(stated);
  return Object.freeze({
    stated: Object.freeze({ ...stated }),
    softTtlMs: stated.softTtlMs,
    hardTtlMs: stated.hardTtlMs,
    throttleMs: throttleOf(stated.staleOnError),
    jitter: stated.jitter ?? 0,
    earlyRefresh: stated.earlyRefresh,
    creation: Object.freeze({ ...CREATION, ...stated.creation }),
    lock: Object.freeze({ ...LOCK, ...stated.lock }),
    negative: Object.freeze({ ...stated.negative }),
  });
}

/** The policy of one call: what the call states, and the region's for the rest. */
export function overridePolicy(region: ResolvedPolicy, call: Policy<never>): ResolvedPolicy {
  if (!POLICY_FIELDS.some((field) => call[field] !== undefined)) return region;
  checkStated(call);
  const merged: Record<string, unknown> = { ...region.stated };
  for (const field of POLICY_FIELDS) {
    const stated = call[field];
    if (stated !== undefined) {
      merged[field] = isGroup(field) ? { ...region.stated[field], ...stated as object } : stated;
    }
  }
  giveWay(merged, call);
  return resolvePolicy(merged as Policy<never>);
}

/** The soft and hard life of a value just created, in milliseconds; jittered alike. */
export function lifetimesOf(
  policy: ResolvedPolicy,
  value: unknown,
  random: () => number,
): { softTtlMs: number; hardTtlMs: number } {
  const { softTtlMs, hardTtlMs } = unjittered(policy, value);
  if (policy.jitter === 0) return { softTtlMs, hardTtlMs };
  const share = 1 - policy.jitter * random();
  return { softTtlMs: softTtlMs * share, hardTtlMs: hardTtlMs * share };
}

function unjittered(
  policy: ResolvedPolicy,
  value: unknown,
): { softTtlMs: number; hardTtlMs: number } {
  const { ttlMs } = policy.negative;
  if (ttlMs !== undefined && isNegative(policy, value)) {
    return { softTtlMs: ttlMs, hardTtlMs: ttlMs };
  }
  const soft = ttlOf(policy.softTtlMs, value, "softTtlMs");
  const hard = ttlOf(policy.hardTtlMs, value, "hardTtlMs");
  const hardTtlMs = hard ?? (soft === undefined ? NEVER : soft * HARD_PER_SOFT);
  return { softTtlMs: Math.min(soft ?? hardTtlMs, hardTtlMs), hardTtlMs };
}

function isNegative(policy: ResolvedPolicy, value: unknown): boolean {
  const { isNegative } = policy.negative as NegativePolicy;
  return isNegative ? isNegative(value) : value === undefined || value === null;
}

function ttlOf(ttl: Ttl<never> | undefined, value: unknown, name: string): number | undefined {
  if (typeof ttl !== "function") return ttl;
  const answered = (ttl as (value: unknown) => number)(value);
  checkDuration(answered, name, NEVER);
  return answered;
}

const POLICY_FIELDS = [
  "softTtlMs",
  "hardTtlMs",
  "staleOnError",
  "jitter",
  "earlyRefresh",
  "creation",
  "lock",
  "negative",
] as const;

function isGroup(field: string): field is "creation" | "lock" | "negative" {
  return field === "creation" || field === "lock" || field === "negative";
}

function giveWay(merged: Record<string, unknown>, call: Policy<never>): void {
  const { softTtlMs, hardTtlMs } = merged;
  if (typeof softTtlMs !== "number" || typeof hardTtlMs !== "number") return;
  if (softTtlMs <= hardTtlMs) return;
  if (call.softTtlMs === undefined) merged.softTtlMs = hardTtlMs;
  else merged.hardTtlMs = softTtlMs;
}

function throttleOf(stated: boolean | StaleOnError | undefined): number | undefined {
  if (!stated) return undefined;
  return stated === true ? THROTTLE_MS : stated.throttleMs ?? THROTTLE_MS;
}

function checkStated(stated: Policy<never>): void {
  checkTtl(stated.softTtlMs, "softTtlMs");
  checkTtl(stated.hardTtlMs, "hardTtlMs");
  checkOrder(stated, "softTtlMs", "hardTtlMs");
  checkOptional(throttleOf(stated.staleOnError), "staleOnError.throttleMs", NEVER);
  checkShare(stated.jitter ?? 0, "jitter", { isOneAllowed: true });
  checkEarlyRefresh(stated.earlyRefresh);
  checkGroups(stated);
}

function checkGroups({ creation = {}, lock = {}, negative = {} }: Policy<never>): void {
  checkTimeout(creation.softTimeoutMs, "creation.softTimeoutMs");
  checkTimeout(creation.hardTimeoutMs, "creation.hardTimeoutMs");
  checkOrder(creation, "softTimeoutMs", "hardTimeoutMs");
  checkOptional(lock.waitMs, "lock.waitMs", LONGEST_WAIT_MS);
  checkOptional(lock.staleWaitMs, "lock.staleWaitMs", LONGEST_WAIT_MS);
  checkOptional(lock.leaseMs, "lock.leaseMs", LONGEST_WAIT_MS);
  if (lock.leaseMs === 0) throw new RangeError(`Cannot use lock.leaseMs 0: a lease must live`);
  const { onTimeout = "run" } = lock;
  if (!["stale", "run", "throw"].includes(onTimeout)) {
    throw new TypeError(
      `Cannot use lock.onTimeout "${onTimeout}": it is not "stale", "run" or "throw"`,
    );
  }
  checkOptional(negative.ttlMs, "negative.ttlMs", NEVER);
  checkOptional(negative.errorTtlMs, "negative.errorTtlMs", NEVER);
}

function checkTtl(ttl: unknown, name: string): void {
  if (typeof ttl !== "function") checkOptional(ttl, name, NEVER);
}

function checkOptional(value: unknown, name: string, most: number): void {
  if (value !== undefined) checkDuration(value, name, most);
}

function checkTimeout(value: unknown, name: string): void {
  if (value !== NEVER) checkOptional(value, name, LONGEST_WAIT_MS);
}

/** Refuses what is no duration in milliseconds: anything but a number from 0 to `most`. */
export function checkDuration(value: unknown, name: string, most: number): void {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use ${name} ${String(value)}: it is not a number`);
  }
  if (!(value >= 0 && value <= most)) {
    const hint = value < 0 ? "it is negative; for ever is spelled NEVER" : `it is not 0 to ${most}`;
    throw new RangeError(`Cannot use ${name} ${value}: ${hint}`);
  }
}

function checkOrder<K extends string>(
  stated: { readonly [name in K]?: unknown },
  less: K,
  more: K,
): void {
  const [low, high] = [stated[less], stated[more]];
  if (typeof low !== "number" || typeof high !== "number" || low <= high) return;
  throw new RangeError(`Cannot use ${less} ${low} with ${more} ${high}: it must not be greater`);
}

function checkShare(share: unknown, name: string, options: { isOneAllowed: boolean }): void {
  const isInside = typeof share === "number" && share >= 0 &&
    (options.isOneAllowed ? share <= 1 : share < 1 && share > 0);
  if (!isInside) throw new RangeError(`Cannot use ${name} ${String(share)}: it is no share of 1`);
}

function checkEarlyRefresh(early: EarlyRefresh | undefined): void {
  if (early === undefined) return;
  if ("share" in early) {
    return checkShare(early.share, "earlyRefresh.share", { isOneAllowed: false });
  }
  if (!(early.beta > 0 && early.beta < Infinity)) {
    throw new RangeError(`Cannot use earlyRefresh.beta ${early.beta}: it is not above 0`);
  }
}
