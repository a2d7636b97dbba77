/** Advice on settings that are allowed and yet cannot do what they say. */

import type { Core } from "./core.ts";

/** What is questionable about a region, each in a sentence that names the options. */
export function adviceOn(core: Core, isLocal: boolean): string[] {
  const advice: string[] = [];
  const { policy, store } = core;
  const { softTtlMs, hardTtlMs, creation, throttleMs, earlyRefresh } = policy;
  const isNeverStale = hardTtlMs !== undefined &&
    (softTtlMs === undefined || softTtlMs === hardTtlMs);
  if (isNeverStale && throttleMs !== undefined) {
    advice.push("staleOnError has nothing to answer: softTtlMs is not shorter than hardTtlMs");
  }
  if (isNeverStale && creation.softTimeoutMs !== Infinity) {
    advice.push(
      "creation.softTimeoutMs has nothing to answer: softTtlMs is not shorter than hardTtlMs",
    );
  }
  if (earlyRefresh !== undefined && (softTtlMs ?? hardTtlMs ?? Infinity) === Infinity) {
    advice.push("earlyRefresh never comes: neither softTtlMs nor hardTtlMs ends");
  }
  if (policy.lock.onTimeout === "throw" && policy.lock.waitMs < policy.lock.leaseMs) {
    advice.push(
      "lock.waitMs is shorter than lock.leaseMs: callers give up before a dead creator does",
    );
  }
  if (store === undefined) return advice;
  return [...advice, ...adviceOnStore(core, store.backend.limits, isLocal)];
}

function adviceOnStore(
  { policy }: Core,
  limits: { readonly ttlMinMs: number; readonly consistency: string },
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
