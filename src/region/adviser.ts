/** Advice on settings that are allowed and yet cannot do what they say. */

import type { Limits } from "../contracts/backend.ts";
import { NEVER } from "../contracts/clock.ts";
import type { ResolvedPolicy } from "./policy.ts";

/** What an adviser looks at. */
export interface Advised {
  /** The region's name. */
  readonly name: string;
  /** Its policy. */
  readonly policy: ResolvedPolicy;
  /** What its store can hold, if it has one. */
  readonly limits: Limits | undefined;
  /** Whether its locks exclude nobody outside this process. */
  readonly isLocal: boolean;
}

/** Is shown every configuration of a region, once it has been checked. */
export type Adviser = (about: Advised) => void;

/**
 * An adviser for a region: tells, in a sentence that names the options, which of its settings are
 * allowed and yet cannot do what they say. `warn` hears each piece of advice; by default the console.
 *
 * It is for development and tests; a region that is given none carries none.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { adviser, makeRegion } from "@cairn/cache";
 *
 * const heard: string[] = [];
 * const advise = adviser((advice) => heard.push(advice));
 * makeRegion({ name: "pages", earlyRefresh: { beta: 1 }, adviser: advise });
 * deepEqual(heard, [
 *   'Region "pages": earlyRefresh never comes: neither softTtlMs nor hardTtlMs ends',
 * ]);
 * ```
 */
export function adviser(warn: (advice: string) => void = console.warn): Adviser {
  return (about) => {
    for (const advice of adviceOn(about)) warn(`Region "${about.name}": ${advice}`);
  };
}

function adviceOn({ policy, limits, isLocal }: Advised): string[] {
  const advice: string[] = [];
  const { softTtlMs, hardTtlMs, creation, throttleMs, earlyRefresh } = policy;
  const isNeverStale = hardTtlMs !== undefined &&
    (softTtlMs === undefined || softTtlMs === hardTtlMs);
  if (isNeverStale && throttleMs !== undefined) {
    advice.push("staleOnError has nothing to answer: softTtlMs is not shorter than hardTtlMs");
  }
  if (isNeverStale && creation.softTimeoutMs !== NEVER) {
    advice.push(
      "creation.softTimeoutMs has nothing to answer: softTtlMs is not shorter than hardTtlMs",
    );
  }
  if (earlyRefresh !== undefined && (softTtlMs ?? hardTtlMs ?? NEVER) === NEVER) {
    advice.push("earlyRefresh never comes: neither softTtlMs nor hardTtlMs ends");
  }
  if (policy.lock.onTimeout === "throw" && policy.lock.waitMs < policy.lock.leaseMs) {
    advice.push(
      "lock.waitMs is shorter than lock.leaseMs: callers give up before a dead creator does",
    );
  }
  return limits === undefined ? advice : [...advice, ...adviceOnStore(policy, limits, isLocal)];
}

function adviceOnStore(
  policy: ResolvedPolicy,
  limits: Limits,
  isLocal: boolean,
): string[] {
  const advice: string[] = [];
  const hardTtlMs = policy.hardTtlMs ?? policy.softTtlMs;
  if (typeof hardTtlMs === "number" && hardTtlMs < limits.ttlMinMs) {
    advice.push(`hardTtlMs ${hardTtlMs} is less than the store keeps anything, ${limits.ttlMinMs}`);
  }
  if (limits.consistency === "eventual" && isLocal) {
    advice.push("locks exclude nobody outside this process, and the store is read late elsewhere");
  }
  return advice;
}
