/**
 * Many keys at once: as many flights, which meet where that saves a trip or a call.
 *
 *  1. One trip reads them all.
 *  2. Each stale or missing one tries its lock, without waiting. A stale one whose lock is busy is
 *     answered stale.
 *  3. Those whose locks are theirs wait for each other; then one call of the creator makes them all.
 *     Each is stored and released in one step.
 *  4. A flight whose lock was busy has left before and waits on its own, with no one waiting for it. So
 *     no two batches can wait for each other.
 */

import type { Entry } from "../contracts/entry.ts";
import type { Call, Core } from "./core.ts";
import { type CreationContext, type Creator, LEFT_OUT, type NOT_MODIFIED } from "./creation.ts";
import { readEntries } from "./look.ts";

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

/** Where the flights of a batch meet. Each of them joins or leaves. */
export class Meeting {
  readonly #calls: readonly Call[];
  readonly #creator: ManyCreator<unknown>;
  readonly #awaited: Set<string>;
  readonly #contexts: CreationContext[] = [];
  readonly #made = Promise.withResolvers<ReadonlyMap<string, unknown>>();
  #reading: Promise<ReadonlyMap<string, Entry | undefined>> | undefined;

  /** Takes at least one call, each with a key of its own. */
  constructor(calls: readonly Call[], creator: ManyCreator<unknown>) {
    this.#calls = calls;
    this.#creator = creator;
    this.#awaited = new Set(calls.map(({ key }) => key));
  }

  /** Reads the entry of one of the calls, with those of all the others. */
  async read({ core, mangled, tags }: Call): Promise<Entry | undefined> {
    this.#reading ??= this.#readAll(core, tags);
    return (await this.#reading).get(mangled);
  }

  /** Has the value of a key made, together with those of the others; a creator of one key. */
  async join(context: CreationContext): Promise<unknown> {
    this.#contexts.push(context);
    this.leave(context.key);
    return valueOf(await this.#made.promise, context);
  }

  /** Lets the others go on without this key. */
  leave(key: string): void {
    if (!this.#awaited.delete(key) || this.#awaited.size > 0) return;
    // Nobody waits any more for those that have been aborted.
    const present = this.#contexts.filter(({ signal }) => !signal.aborted);
    this.#made.resolve(makeMany(this.#creator, present));
  }

  async #readAll(core: Core, tags: readonly string[]): Promise<Map<string, Entry | undefined>> {
    const keys = this.#calls.map(({ mangled }) => mangled);
    const found = await readEntries(core, keys, tags);
    return new Map(keys.map((key, i) => [key, found[i]]));
  }
}

/** The creator of a key that has to be made on its own. */
export function aloneOf(creator: ManyCreator<unknown>): Creator<unknown> {
  return async (context) => valueOf(await makeMany(creator, [context]), context);
}

function valueOf(made: ReadonlyMap<string, unknown>, { key }: CreationContext): unknown {
  return made.has(key) ? made.get(key) : LEFT_OUT;
}

async function makeMany(
  creator: ManyCreator<unknown>,
  contexts: readonly CreationContext[],
): Promise<ReadonlyMap<string, unknown>> {
  if (contexts.length === 0) return new Map();
  const sorted = contexts.toSorted((a, b) => a.key < b.key ? -1 : 1);
  const keys = sorted.map(({ key }) => key);
  return byKey(
    keys,
    await creator(keys, {
      signal: signalOfAll(sorted),
      stale: new Map(sorted.flatMap(({ key, stale }) => stale === undefined ? [] : [[key, stale]])),
      addTags: async (...tags) => {
        await Promise.all(sorted.map((context) => context.addTags(...tags)));
      },
    }),
  );
}

function signalOfAll(contexts: readonly CreationContext[]): AbortSignal {
  const all = new AbortController();
  let present = contexts.length;
  for (const { signal } of contexts) {
    const leave = (): void => {
      if (--present === 0) all.abort(signal.reason);
    };
    signal.addEventListener("abort", leave);
  }
  return all.signal;
}

function byKey(keys: readonly string[], made: ManyMade<unknown>): ReadonlyMap<string, unknown> {
  if (made instanceof Map) return made;
  requireAll(keys, made);
  return new Map(keys.map((key, i) => [key, made[i]]));
}

/** Refuses what is no list of values for every key. */
export function requireAll(
  keys: readonly string[],
  made: unknown,
): asserts made is readonly unknown[] {
  if (Array.isArray(made) && made.length === keys.length) return;
  const found = Array.isArray(made) ? `${made.length} values` : "no list and no map";
  throw new TypeError(
    `Cannot create many values: the creator answered ${found} for ${keys.length} keys`,
  );
}
