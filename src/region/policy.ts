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
const DEFAULTS: Pick<ResolvedPolicy, Group> = {
  creation: { softTimeoutMs: NEVER, hardTimeoutMs: NEVER },
  lock: { waitMs: 10_000, staleWaitMs: 0, leaseMs: 10_000, onTimeout: "run" },
  negative: {},
};
const THROTTLE_MS = 1_000;
/** The longest wait that every platform's timers can do: 2^31 - 1 milliseconds, 24.8 days. */
const LONGEST_WAIT_MS = 2_147_483_647;

type Group = "creation" | "lock" | "negative";
const GROUPS = ["creation", "lock", "negative"] as const;
const POLICY_FIELDS = [
  "softTtlMs",
  "hardTtlMs",
  "staleOnError",
  "jitter",
  "earlyRefresh",
  ...GROUPS,
] as const;

/** Checks a region's policy and fills in the defaults. Throws `RangeError` or `TypeError`. */
export function resolvePolicy(stated: Policy<never>): ResolvedPolicy {
  const { softTtlMs, hardTtlMs, staleOnError, jitter = 0, earlyRefresh } = stated;
  const throttleMs = !staleOnError
    ? undefined
    : (staleOnError === true ? {} : staleOnError).throttleMs ?? THROTTLE_MS;
  const { creation, lock, negative } = mergedGroups(DEFAULTS, stated) as typeof DEFAULTS;
  const policy = { softTtlMs, hardTtlMs, throttleMs, jitter, earlyRefresh };
  const resolved = { ...policy, creation, lock, negative, stated: Object.freeze({ ...stated }) };
  check(resolved);
  return Object.freeze(resolved);
}

/** The policy of one call: what the call states, and the region's for the rest. */
export function overridePolicy(region: ResolvedPolicy, call: Policy<never>): ResolvedPolicy {
  const fields = POLICY_FIELDS.filter((field) => call[field] !== undefined);
  if (fields.length === 0) return region;
  checkOrder(call, "softTtlMs", "hardTtlMs");
  const own = Object.fromEntries(fields.map((field) => [field, call[field]]));
  const merged = { ...region.stated, ...own, ...mergedGroups(region.stated, call) };
  const { softTtlMs: soft, hardTtlMs: hard } = merged;
  if (typeof soft === "number" && typeof hard === "number" && soft > hard) {
    // What the call does not state gives way.
    Object.assign(merged, call.softTtlMs === undefined ? { softTtlMs: hard } : { hardTtlMs: soft });
  }
  return resolvePolicy(merged);
}

function mergedGroups(general: Policy<never>, stated: Policy<never>): Pick<Policy<never>, Group> {
  return Object.fromEntries(GROUPS.map((group) => {
    return [group, Object.freeze({ ...general[group], ...stated[group] })];
  }));
}

/** The soft and hard life of a value just created, in milliseconds; jittered alike. */
export function lifetimesOf(
  policy: ResolvedPolicy,
  value: unknown,
  random: () => number,
): { softTtlMs: number; hardTtlMs: number } {
  const { jitter } = policy;
  const [softTtlMs, hardTtlMs] = unjittered(policy, value);
  const share = jitter === 0 ? 1 : 1 - jitter * random();
  return { softTtlMs: softTtlMs * share, hardTtlMs: hardTtlMs * share };
}

function unjittered(policy: ResolvedPolicy, value: unknown): [soft: number, hard: number] {
  const { ttlMs, isNegative = isNothing } = policy.negative as NegativePolicy;
  if (ttlMs !== undefined && isNegative(value)) return [ttlMs, ttlMs];
  const soft = ttlOf(policy, "softTtlMs", value);
  const hard = ttlOf(policy, "hardTtlMs", value) ?? (soft ?? NEVER) * HARD_PER_SOFT;
  return [Math.min(soft ?? hard, hard), hard];
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function ttlOf(
  policy: ResolvedPolicy,
  name: "softTtlMs" | "hardTtlMs",
  value: unknown,
): number | undefined {
  const ttl = policy[name];
  if (typeof ttl !== "function") return ttl;
  const answered = (ttl as (value: unknown) => number)(value);
  checkDuration(answered, name);
  return answered;
}

function check(policy: ResolvedPolicy): void {
  const { softTtlMs, hardTtlMs, throttleMs, jitter, earlyRefresh, creation, lock } = policy;
  const { ttlMs, errorTtlMs } = policy.negative;
  const { onTimeout, ...waits } = lock;
  checkAll("", { softTtlMs: fixed(softTtlMs), hardTtlMs: fixed(hardTtlMs) }, NEVER);
  checkAll("staleOnError.", { throttleMs }, NEVER);
  checkAll("negative.", { ttlMs, errorTtlMs }, NEVER);
  checkAll("", { jitter }, 1);
  checkAll("lock.", waits, LONGEST_WAIT_MS);
  checkAll("creation.", creation, LONGEST_WAIT_MS);
  checkOrder(policy, "softTtlMs", "hardTtlMs");
  checkOrder(policy.stated.creation ?? {}, "softTimeoutMs", "hardTimeoutMs");
  demand(lock.leaseMs > 0, "lock.leaseMs 0: a lease must live");
  const isKnown = ["stale", "run", "throw"].includes(onTimeout);
  demand(isKnown, `lock.onTimeout "${onTimeout}": it is not "stale", "run" or "throw"`);
  if (earlyRefresh === undefined) return;
  const [name, most] = "share" in earlyRefresh ? ["share", 1] as const : ["beta", NEVER] as const;
  const value = (earlyRefresh as Record<string, number>)[name] as number;
  demand(
    value > 0 && value < most,
    `earlyRefresh.${name} ${value}: it is not between 0 and ${most}`,
  );
}

function fixed(ttl: Ttl<never> | undefined): number | undefined {
  return typeof ttl === "function" ? undefined : ttl;
}

function checkAll(
  group: string,
  values: { readonly [name: string]: number | undefined },
  most: number,
): void {
  for (const [name, value] of Object.entries(values)) {
    const isLeftOut = value === undefined || value === NEVER && group === "creation.";
    if (!isLeftOut) checkDuration(value, group + name, most);
  }
}

/** Refuses what is no number from 0 to `most`: a duration in milliseconds, unless told otherwise. */
export function checkDuration(value: unknown, name: string, most: number = NEVER): void {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot use ${name} ${String(value)}: it is not a number`);
  }
  const hint = most === NEVER && value < 0
    ? "it is negative; for ever is spelled NEVER"
    : `it is not 0 to ${most}`;
  demand(value >= 0 && value <= most, `${name} ${value}: ${hint}`);
}

function checkOrder<K extends string>(
  stated: { readonly [name in K]?: unknown },
  less: K,
  more: K,
): void {
  const [low, high] = [stated[less], stated[more]];
  const isWrong = typeof low === "number" && typeof high === "number" && low > high;
  demand(!isWrong, `${less} ${low} with ${more} ${high}: it must not be greater`);
}

function demand(isRight: boolean, state: string): void {
  if (!isRight) throw new RangeError(`Cannot use ${state}`);
}
