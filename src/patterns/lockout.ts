/**
 * Limiting what a caller may do, and locking out who overdoes it, over any store that can decide.
 * As wheezy's lockout. Counting is one atomic step with the window's deadline, so a counter cannot
 * vanish between its making and its counting, and what is locked is not counted further.
 */

import { type Clock, systemClock } from "../contracts/clock.ts";
import { clearCount, Counter, type CounterOptions } from "./counter.ts";
import type { TextStore } from "./text_store.ts";

/** What a guarded function looks like: the context first. */
export type Action<C, A extends unknown[], R> = (context: C, ...rest: A) => R | Promise<R>;

/** What happens to a caller that is locked out. */
export type ForbidAction<C> = (context: C) => unknown;

/** How a {@linkcode Locker} makes lockouts. */
export interface LockerOptions<C, T extends string> {
  /** What a locked-out caller gets instead. */
  readonly forbidAction: ForbidAction<C>;
  /** The terms by name: whom each counts, as a key of the context. */
  readonly terms: Readonly<Record<T, (context: C) => string>>;
  /** What the names of counters begin with. Default: `"c"`. */
  readonly keyPrefix?: string;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
}

/**
 * Makes lockouts over one store.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { Locker, memoryBackend } from "@cairn/cache";
 *
 * const locker = new Locker<{ ip: string }, "byIp">(memoryBackend<string>(), {
 *   forbidAction: () => "come back later",
 *   terms: { byIp: ({ ip }) => ip },
 * });
 * const lockout = locker.define("sign in", {
 *   byIp: { count: 2, periodMs: 60_000, durationMs: 600_000 },
 * });
 * const signIn = lockout.forbidLocked(lockout.guard(() => false));
 * equal(await signIn({ ip: "10.0.0.1" }), false);
 * equal(await signIn({ ip: "10.0.0.1" }), false);
 * equal(await signIn({ ip: "10.0.0.1" }), "come back later");
 * ```
 */
export class Locker<C, T extends string = string> {
  readonly #store: TextStore;
  readonly #options: LockerOptions<C, T>;

  /** Copies the options. */
  constructor(store: TextStore, options: LockerOptions<C, T>) {
    this.#store = store;
    this.#options = Object.freeze({ ...options, terms: Object.freeze({ ...options.terms }) });
  }

  /** A lockout by the given terms. A term that the locker does not know is a `RangeError`. */
  define(name: string, terms: Readonly<Partial<Record<T, CounterOptions<C>>>>): Lockout<C> {
    const counters = Object.entries<CounterOptions<C> | undefined>(terms).flatMap(([term, its]) =>
      its === undefined ? [] : [new Counter(term, this.#keyOf(term), its)]
    );
    const { keyPrefix = "c", clock = systemClock, forbidAction } = this.#options;
    const prefix = `${keyPrefix}:${name.replaceAll(" ", "_")}:`;
    return new Lockout(this.#store, counters, { name, prefix, clock, forbidAction });
  }

  #keyOf(term: string): (context: C) => string {
    if (Object.hasOwn(this.#options.terms, term)) return this.#options.terms[term as T];
    throw new RangeError(`Cannot define a lockout: term "${term}" is unknown`);
  }
}

/** What a {@linkcode Lockout} is made of besides its counters. */
export interface LockoutOptions<C> {
  /** What alerts call it. */
  readonly name: string;
  /** What the names of its counters begin with. */
  readonly prefix: string;
  /** Where the time comes from. */
  readonly clock: Clock;
  /** What a locked-out caller gets instead. */
  readonly forbidAction: ForbidAction<C>;
}

/** Counters and locks around functions. */
export class Lockout<C> {
  readonly #store: TextStore;
  readonly #counters: readonly Counter<C>[];
  readonly #options: LockoutOptions<C>;

  /** Made by {@linkcode Locker.define}. */
  constructor(store: TextStore, counters: readonly Counter<C>[], options: LockoutOptions<C>) {
    this.#store = store;
    this.#counters = Object.freeze([...counters]);
    this.#options = Object.freeze({ ...options });
  }

  /** Counts failures of `action`: a falsy answer counts, a truthy one resets. */
  guard<A extends unknown[], R>(
    action: Action<C, A, R>,
  ): (context: C, ...rest: A) => Promise<R> {
    return async (context, ...rest) => {
      const answer = await action(context, ...rest);
      if (answer) await this.reset(context);
      else await this.incr(context);
      return answer;
    };
  }

  /** Counts successes of `action`: a truthy answer counts. */
  quota<A extends unknown[], R>(
    action: Action<C, A, R>,
  ): (context: C, ...rest: A) => Promise<R> {
    return async (context, ...rest) => {
      const answer = await action(context, ...rest);
      if (answer) await this.incr(context);
      return answer;
    };
  }

  /** Runs `action` only where no counter has locked the context; else what forbids it. */
  forbidLocked<A extends unknown[], R>(
    action: Action<C, A, R>,
    options: { action?: ForbidAction<C> } = {},
  ): (context: C, ...rest: A) => Promise<unknown> {
    const forbid = options.action ?? this.#options.forbidAction;
    return async (context, ...rest) => {
      const isLocked = (await this.#lockedCounters(context)).size > 0;
      return isLocked ? await forbid(context) : await action(context, ...rest);
    };
  }

  /** Counts one event of the context in every counter that is not locked. */
  async incr(context: C): Promise<void> {
    const locked = await this.#lockedCounters(context);
    const { clock, name, prefix } = this.#options;
    for (const counter of this.#counters) {
      if (locked.has(counter)) continue;
      const keys = {
        key: counter.keyOf(prefix, context),
        lockKey: counter.lockKeyOf(prefix, context),
      };
      const isLockedNow = await counter.hit(this.#store, keys, clock.now());
      if (isLockedNow) counter.terms.alert?.(context, name, counter);
    }
  }

  /** Lifts counts and locks of the context, except those of counters that no success resets. */
  async reset(context: C): Promise<void> {
    await this.#clear(context, this.#counters.filter(({ terms }) => terms.isReset));
  }

  /** Lifts all counts and locks of the context. */
  async forceReset(context: C): Promise<void> {
    await this.#clear(context, this.#counters);
  }

  async #clear(context: C, counters: readonly Counter<C>[]): Promise<void> {
    const { prefix } = this.#options;
    const clear = (counter: Counter<C>) => clearCount(this.#store, counter.keyOf(prefix, context));
    await Promise.all(counters.map(clear));
    await this.#store.delete(counters.map((counter) => counter.lockKeyOf(prefix, context)));
  }

  async #lockedCounters(context: C): Promise<Set<Counter<C>>> {
    const { prefix } = this.#options;
    const lockKeys = this.#counters.map((counter) => counter.lockKeyOf(prefix, context));
    const locks = await this.#store.get(lockKeys);
    return new Set(this.#counters.filter((_, at) => locks[at] !== undefined));
  }
}
