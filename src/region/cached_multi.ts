/** Cached functions of many keys: one value for each argument, made for all missing ones at once. */

import { requireAll } from "./batch.ts";
import { type AnyFunction, cacherBy } from "./cached.ts";
import type { CallOptions } from "./core.ts";
import type { FunctionMultiKeyGenerator } from "./function_key.ts";
import type { Region } from "./region.ts";

/** A function of many keys whose values a region keeps. */
export interface CachedMultiFunction<K, R> {
  /**
   * Answers from the region and calls the original for the rest: the values in the order of the
   * arguments, `undefined` for those that a map left out.
   */
  (...ids: K[]): Promise<(R | undefined)[]>;
  /** The original. */
  readonly original: (...ids: K[]) => Many<K, R> | Promise<Many<K, R>>;
  /** The keys of these arguments, one for each. */
  keys(...ids: K[]): readonly string[];
  /** The kept values in the order of the arguments, `undefined` where there is none. */
  get(...ids: K[]): Promise<(R | undefined)[]>;
  /** Keeps values. */
  set(values: Iterable<readonly [K, R]>): Promise<void>;
  /** Removes the values of these arguments. */
  invalidate(...ids: K[]): Promise<void>;
  /**
   * Calls the original for all, keeps what it answers, and answers as a call does; see
   * {@linkcode Region.refreshMulti}.
   */
  refresh(...ids: K[]): Promise<(R | undefined)[]>;
}

/** The values of many arguments: in their order, or by argument where some may be left out. */
export type Many<K, R> = readonly R[] | ReadonlyMap<K, R>;

/** How a function of many keys is cached. */
export interface CachedMultiOptions<R> extends Omit<CallOptions<R>, "signal"> {
  /** Tells functions of one name apart. Default: none. */
  readonly namespace?: string;
  /** Makes the keys. Default: the region's. */
  readonly functionMultiKeyGenerator?: FunctionMultiKeyGenerator;
}

/** What becomes of a function of many keys when it is cached. */
export type CachedMulti<F extends AnyFunction> = Awaited<ReturnType<F>> extends
  Many<infer _K, infer R> ? CachedMultiFunction<Parameters<F>[number], R>
  : never;

/** Caches a function of many keys, also as a standard decorator of a method. */
export type MultiCacher = <F extends AnyFunction>(
  fn: F,
  context?: { readonly name: string | symbol },
) => CachedMulti<F>;

/** Makes what caches a function of many keys in `region`. */
export function multiCacherOf<R>(region: Region, options: CachedMultiOptions<R>): MultiCacher {
  const { namespace, functionMultiKeyGenerator: generate, ...rest } = options;
  const generator = generate ?? region.functionMultiKeyGenerator;
  return cacherBy((fn, name) => {
    const keys = generator(namespace, { name });
    return cachedMulti(region, { fn: fn as unknown as Plain<R>, keys, options: rest });
  }) as MultiCacher;
}

type Plain<R> = (this: unknown, ...ids: unknown[]) => Many<unknown, R> | Promise<Many<unknown, R>>;

interface Parts<R> {
  readonly fn: Plain<R>;
  readonly keys: (...ids: readonly unknown[]) => readonly string[];
  readonly options: CallOptions<R>;
}

function cachedMulti<R>(
  region: Region,
  { fn, keys, options }: Parts<R>,
): CachedMultiFunction<unknown, R> {
  async function call(this: unknown, ...ids: unknown[]): Promise<(R | undefined)[]> {
    const ofKeys = keys(...ids);
    const idOf = new Map(ofKeys.map((key, i) => [key, ids[i]]));
    return await region.getOrCreateMulti<R>(ofKeys, async (missing) => {
      const asked = missing.map((key) => idOf.get(key));
      return byKey(missing, asked, await fn.apply(this, asked));
    }, options);
  }
  return Object.assign(call, {
    original: fn,
    keys,
    get: (...ids: unknown[]) => region.getMulti<R>(keys(...ids), options),
    set: (values: Iterable<readonly [unknown, R]>) => {
      const pairs = [...values];
      const ofKeys = keys(...pairs.map(([id]) => id));
      return region.setMulti(ofKeys.map((key, i) => [key, pairs[i]?.[1] as R]), options);
    },
    invalidate: (...ids: unknown[]) => region.deleteMulti(keys(...ids)),
    async refresh(this: unknown, ...ids: unknown[]): Promise<(R | undefined)[]> {
      const object = this === call ? undefined : this;
      const ofKeys = keys(...ids);
      const { shouldCache: _, ...rest } = options;
      return await region.refreshMulti<R>(ofKeys, async (wanted) => {
        const isWanted = new Set(wanted);
        const asked = new Map(ofKeys.map((key, i) => [key, ids[i]]));
        for (const key of asked.keys()) if (!isWanted.has(key)) asked.delete(key);
        const some = [...asked.values()];
        return byKey([...asked.keys()], some, await fn.apply(object, some));
      }, rest);
    },
  });
}

function byKey<R>(
  keys: readonly string[],
  ids: readonly unknown[],
  made: Many<unknown, R>,
): ReadonlyMap<string, R> {
  const values = new Map<string, R>();
  if (!(made instanceof Map)) requireAll(keys, made);
  for (const [i, key] of keys.entries()) {
    if (!(made instanceof Map)) values.set(key, made[i] as R);
    else if (made.has(ids[i])) values.set(key, made.get(ids[i]) as R);
  }
  return values;
}
