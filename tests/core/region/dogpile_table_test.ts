/** Every row of the dogpile rule's table, for callers who wait for fresh values and for those who do not. */

import { deepEqual } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Lease, Locks } from "../../../src/contracts/locks.ts";
import { takeTurn } from "../../../src/region/dogpile.ts";
import type { Freshness } from "../../../src/region/freshness.ts";
import type { LockPolicy } from "../../../src/region/policy.ts";

type Seen = "stale" | "missing";
type Lock = "ours" | "busy";

/** What comes of each row: the act, or a second wait and its act. */
const ROWS: readonly [Seen, Lock, Freshness, hasty: string, patient: string, plain: string][] = [
  ["stale", "ours", "fresh", "answer fresh", "answer fresh", "answer fresh"],
  ["stale", "ours", "stale", "create", "create", "create"],
  ["stale", "ours", "missing", "create", "create", "create"],
  ["stale", "busy", "fresh", "answer fresh", "answer fresh", "answer fresh"],
  ["stale", "busy", "stale", "busy", "answer stale", "answer stale"],
  ["stale", "busy", "missing", "busy", "waited: throw", "waited: throw"],
  ["missing", "ours", "fresh", "answer fresh", "answer fresh", "answer fresh"],
  ["missing", "ours", "stale", "create", "create", "create"],
  ["missing", "ours", "missing", "create", "create", "create"],
  ["missing", "busy", "fresh", "answer fresh", "answer fresh", "answer fresh"],
  ["missing", "busy", "stale", "answer stale", "answer stale", "answer stale"],
  ["missing", "busy", "missing", "busy", "throw", "throw"],
];

const POLICY: Required<LockPolicy> = {
  waitMs: 100,
  staleWaitMs: 0,
  leaseMs: 1_000,
  onTimeout: "stale",
};

/** The act of a caller for whom every attempt on the lock ends in the same way. */
async function actOf(
  [seen, lock, value]: readonly [Seen, Lock, Freshness, ...string[]],
  { isHasty, policy }: { isHasty: boolean; policy: Required<LockPolicy> },
): Promise<string> {
  const waits: number[] = [];
  const lease = { key: "key", fence: 1 } as Lease<Freshness>;
  const locks: Locks<Freshness> = {
    name: "scripted",
    revoke: () => Promise.resolve(),
    acquire: (_, { waitMs }) => {
      waits.push(waitMs);
      return Promise.resolve({ lease: lock === "ours" ? lease : undefined, value });
    },
  };
  const turn = await takeTurn({
    key: "key",
    locks,
    policy,
    isHasty,
    judge: (found) => found ?? "missing",
    inform: () => Promise.resolve(),
    signal: new AbortController().signal,
  }, seen);
  const first = isHasty ? 0 : seen === "stale" ? policy.staleWaitMs : policy.waitMs;
  const hasWaited = waits.length === 2;
  deepEqual(waits, hasWaited ? [first, policy.waitMs] : [first]);
  const act = turn.act === "answer" ? `answer ${turn.freshness}` : turn.act;
  return hasWaited ? `waited: ${act}` : act;
}

describe("the dogpile rule", () => {
  for (const row of ROWS) {
    const [seen, lock, value, hasty, patient, plain] = row;
    it(`${seen} seen, lock ${lock}, ${value} read with it`, async () => {
      const patience = { ...POLICY, staleWaitMs: 50 };
      // A caller with others in hand comes back to wait, unless a stale value is enough for it.
      const expected = seen === "stale" && value === "stale" && lock === "busy"
        ? "answer stale"
        : hasty;
      deepEqual(await actOf(row, { isHasty: true, policy: POLICY }), expected);
      deepEqual(await actOf(row, { isHasty: true, policy: patience }), hasty);
      deepEqual(await actOf(row, { isHasty: false, policy: patience }), patient);
      deepEqual(await actOf(row, { isHasty: false, policy: POLICY }), plain);
    });
  }
});
