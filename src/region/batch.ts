/**
 * Many keys at once: one read trip, each key's lock tried without waiting, one creator call for all
 * that is missing.
 *
 *  1. Keys that mangle alike are one. What the near shelf has, or another flight is making, is theirs.
 *  2. Every other key gets a flight at once, so that single calls from now on join it.
 *  3. One trip reads them all.
 *  4. Each stale or missing one tries its lock, without waiting. A stale one whose lock is busy is
 *     answered stale.
 *  5. The creator makes all whose locks are ours. They are stored and released, each in one step.
 *  6. Only then, with no lock in hand, those whose locks were busy are waited for, each like a single
 *     key. So no two batches can wait for each other.
 */

import type { Entry } from "../contracts/entry.ts";
import { LeaseLostError } from "../contracts/errors.ts";
import type { Call, Core, Store } from "./core.ts";
import {
  type CreatingCall,
  creationOf,
  type CreationRight,
  type NOT_MODIFIED,
  runWithin,
  stampOf,
  tagAdder,
} from "./creation.ts";
import { stepAfter } from "./dogpile.ts";
import { glance, startFrom } from "./fetch.ts";
import type { Freshness } from "./freshness.ts";
import { informOf, judge, readEntries } from "./look.ts";
import { answerStored, beginCreation, endCreated, endFailed, release } from "./outcome.ts";
import { type Lead, recreate } from "./recreate.ts";

/**
 * Makes the values of many keys, given in their sorted order: all of them in that order, or a map by
 * key, which may leave some out; those are answered as `undefined` and not kept.
 */
export type ManyCreator<T> = (
  keys: readonly string[],
  context: ManyContext,
) => ManyMade<T> | Promise<ManyMade<T>>;

/** What a creator of many values answers. */
export type ManyMade<T> =
  | readonly (T | typeof NOT_MODIFIED)[]
  | ReadonlyMap<string, T | typeof NOT_MODIFIED>;

/** What a creator of many values is given besides their keys. */
export interface ManyContext {
  /** Aborted when nobody waits any more, time is up, or every lease was lost. */
  readonly signal: AbortSignal;
  /** The stale entries that this creation replaces, by key. */
  readonly stale: ReadonlyMap<string, Entry>;
  /** Adds tags to all that is being created; as in `CreationContext`. */
  addTags(...tags: string[]): Promise<void>;
}

interface Led {
  readonly call: CreatingCall;
  readonly lead: Lead;
}

interface Owned {
  readonly call: CreatingCall;
  readonly right: CreationRight;
}

/** Answers calls that differ in their mangled keys, in their order. */
export async function fetchMany(
  core: Core,
  calls: readonly CreatingCall[],
  creator: ManyCreator<unknown>,
): Promise<unknown[]> {
  calls[0]?.options.signal?.throwIfAborted();
  const glances = await Promise.all(calls.map((call) => glance(core, call)));
  const led: Led[] = [];
  const answers = calls.map((call, i) => {
    const { answer, lead } = startFrom(core, call, glances[i] as NonNullable<typeof glances[0]>);
    if (lead !== undefined) led.push({ call, lead });
    return answer;
  });
  if (led.length > 0) void recreateMany(core, led, creator);
  return await Promise.all(answers);
}

async function recreateMany(
  core: Core,
  led: readonly Led[],
  creator: ManyCreator<unknown>,
): Promise<void> {
  try {
    const { owned, busy } = core.store === undefined
      ? { owned: led.map((one) => ownedNear(core, one)), busy: [] }
      : await takeLocks(core, core.store, led);
    const lost = owned.length === 0 ? [] : await createMany(core, owned, creator);
    const others = led.filter(({ lead }) => busy.includes(lead) || lost.includes(lead.flight));
    await Promise.all(others.map(({ call, lead }) => recreate(core, call, lead)));
  } catch (error) {
    for (const { lead } of led) lead.flight.fail(error);
  }
}

function ownedNear(core: Core, { call, lead }: Led): Owned {
  const stale = judge(core, call, lead.entry) === "missing" ? undefined : lead.entry;
  return { call, right: { flight: lead.flight, lease: undefined, stale, isEarly: false } };
}

async function takeLocks(
  core: Core,
  store: Store,
  led: readonly Led[],
): Promise<{ owned: Owned[]; busy: Lead[] }> {
  const entries = await readEntries(core, led.map(({ call }) => call.mangled), led[0]?.call.tags);
  const [owned, busy]: [Owned[], Lead[]] = [[], []];
  await Promise.all(led.map(async (one, i) => {
    const seen = { entry: entries[i], freshness: judge(core, one.call, entries[i]) };
    if (seen.freshness === "fresh") return settleStored(core, one, seen);
    try {
      const right = await tryLock(core, store, { one, seen: seen.freshness });
      if (right === "busy") busy.push(one.lead);
      else if (right !== "answered") owned.push({ call: one.call, right });
    } catch (error) {
      one.lead.flight.fail(error);
    }
  }));
  return { owned, busy };
}

async function tryLock(
  core: Core,
  { locks }: Store,
  { one, seen }: { one: Led; seen: "stale" | "missing" },
): Promise<CreationRight | "answered" | "busy"> {
  const { call, lead } = one;
  const { leaseMs, staleWaitMs } = call.policy.lock;
  const enough = (): boolean => true;
  const { lease, value } = await locks.acquire(call.mangled, { leaseMs, waitMs: 0, enough });
  const right: CreationRight = { flight: lead.flight, lease, stale: undefined, isEarly: false };
  try {
    await informOf(core, [value]);
  } catch (error) {
    await release(core, call, right);
    throw error;
  }
  const freshness = judge(core, call, value);
  const isPatient = staleWaitMs > 0;
  const step = stepAfter(seen, { isOurs: lease !== undefined, freshness, isPatient });
  if (step === "create") return { ...right, stale: freshness === "stale" ? value : undefined };
  if (step === "release and answer") await release(core, call, right);
  if (step === "again" || step === "over") return "busy";
  settleStored(core, one, { entry: value, freshness });
  return "answered";
}

function settleStored(
  core: Core,
  { call, lead }: Led,
  seen: { entry: Entry | undefined; freshness: Freshness },
): void {
  lead.flight.settle(answerStored(core, call, seen));
}

/** Creates what is owned and ends its flights; answers those whose leases were lost over it. */
async function createMany(
  core: Core,
  owned: readonly Owned[],
  creator: ManyCreator<unknown>,
): Promise<Lead["flight"][]> {
  const sorted = owned.toSorted((a, b) => a.call.key < b.call.key ? -1 : 1);
  const { clock } = core.fixed;
  for (const { call, right } of sorted) beginCreation(core, call, right);
  const startedAt = clock.now();
  const made = await runMany(core, sorted, creator).catch((error) => ({ error }));
  const durationMs = clock.now() - startedAt;
  if ("error" in made && made.error instanceof LeaseLostError) {
    return sorted.map(({ right }) => right.flight);
  }
  await Promise.all(sorted.map(({ call, right }) =>
    settleFrom(right, async () => {
      if ("error" in made) {
        return await endFailed(core, call, { right, error: made.error, durationMs });
      }
      if (!made.answers.has(call.key)) {
        return await release(core, call, right);
      }
      const answer = made.answers.get(call.key);
      const creation = creationOf(core, call, {
        answer,
        stale: right.stale,
        stamped: made.stamped,
      });
      return await endCreated(core, call, { right, made: creation, durationMs });
    })
  ));
  return [];
}

async function settleFrom({ flight }: CreationRight, end: () => Promise<unknown>): Promise<void> {
  try {
    flight.settle(await end());
  } catch (error) {
    flight.fail(error);
  }
}

async function runMany(core: Core, owned: readonly Owned[], creator: ManyCreator<unknown>) {
  const [{ call }] = owned as [Owned];
  const stamped = await stampOf(core, call.tags);
  const keys = owned.map((one) => one.call.key);
  const stale = new Map(owned.flatMap((one) => {
    return one.right.stale === undefined ? [] : [[one.call.key, one.right.stale] as const];
  }));
  const answered = await runWithin(core, call, {
    rights: owned.map(({ right }) => right),
    work: (signal) => creator(keys, { signal, stale, addTags: tagAdder(core, stamped) }),
  });
  return { answers: byKey(keys, answered), stamped };
}

function byKey(keys: readonly string[], answered: unknown): ReadonlyMap<string, unknown> {
  if (answered instanceof Map) return answered;
  requireAll(keys, answered);
  return new Map(keys.map((key, i) => [key, answered[i]]));
}

/** Refuses what is no list of values for every key. */
export function requireAll(
  keys: readonly string[],
  answered: unknown,
): asserts answered is readonly unknown[] {
  if (Array.isArray(answered) && answered.length === keys.length) return;
  const found = Array.isArray(answered) ? `${answered.length} values` : "no list and no map";
  throw new TypeError(
    `Cannot create many values: the creator answered ${found} for ${keys.length} keys`,
  );
}

/** The creator of one of the keys, where it has to be made alone. */
export function aloneOf(creator: ManyCreator<unknown>): CreatingCall["creator"] {
  return async ({ key, signal, stale, addTags }) => {
    const known = new Map<string, Entry>(stale === undefined ? [] : [[key, stale]]);
    return byKey([key], await creator([key], { signal, stale: known, addTags })).get(key);
  };
}

/** Calls without those whose mangled key came before. */
export function distinct<C extends Call>(calls: readonly C[]): C[] {
  const seen = new Set<string>();
  return calls.filter(({ mangled }) => !seen.has(mangled) && seen.add(mangled));
}
