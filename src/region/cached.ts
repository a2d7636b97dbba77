/**
 * Cached functions: a function whose calls go through a region, with the helpers that dogpile hangs
 * on it. The call and every helper make their key in one place, and all obey one set of options.
 */

import type { CallOptions } from "./core.ts";
import type { FunctionKeyGenerator } from "./function_key.ts";
import type { Region } from "./region.ts";

/** A function whose values a region keeps. */
export interface CachedFunction<A extends readonly unknown[], R> {
  /** Answers from the region, or calls the original. */
  (...args: A): Promise<R>;
  /** The original. */
  readonly original: (...args: A) => R | Promise<R>;
  /** The key of these arguments. */
  key(...args: A): string;
  /** The kept value, or `undefined`; calls nothing. */
  get(...args: A): Promise<R | undefined>;
  /** Keeps `value` as that of these arguments. */
  set(value: R, ...args: A): Promise<void>;
  /** Removes the value of these arguments. */
  invalidate(...args: A): Promise<void>;
  /**
   * Calls the original, keeps its value whatever was there and whatever `shouldCache` says of it, and
   * answers it; see {@linkcode Region.refresh}.
   */
  refresh(...args: A): Promise<R>;
}

/** How a function is cached; the fields of a policy, `shouldCache` and `maxAgeMs` among them. */
export interface CachedOptions<A extends readonly unknown[], R>
  extends Omit<CallOptions<R>, "tags" | "signal"> {
  /** Tells functions of one name apart. Default: none. */
  readonly namespace?: string;
  /** Makes the keys. Default: the region's. */
  readonly functionKeyGenerator?: FunctionKeyGenerator;
  /** The tags of the values, or a function of the arguments that answers them. Default: none. */
  readonly tags?: readonly string[] | ((...args: A) => readonly string[]);
}

/** Any function, with or without an object of its own. */
export type AnyFunction = (this: never, ...args: never[]) => unknown;

/** What becomes of a function when it is cached. */
export type Cached<F extends AnyFunction> = CachedFunction<Parameters<F>, Awaited<ReturnType<F>>>;

/**
 * Caches a function, also as a standard decorator of a method. Values are told apart by arguments
 * alone: methods of different objects that differ in more need a namespace, or an argument.
 */
export type Cacher = <F extends AnyFunction>(
  fn: F,
  context?: { readonly name: string | symbol },
) => Cached<F>;

/** Makes what caches a function in `region`. */
export function cacherOf<A extends readonly unknown[], R>(
  region: Region,
  options: CachedOptions<A, R>,
): Cacher {
  const { namespace, functionKeyGenerator: generate, tags, ...rest } = options;
  const generator = generate ?? region.functionKeyGenerator;
  const optionsOf = (args: A): CallOptions<R> => {
    if (tags === undefined) return rest;
    return { ...rest, tags: typeof tags === "function" ? tags(...args) : tags };
  };
  return cacherBy((fn, name) => {
    return cached(region, {
      fn: fn as unknown as Plain<A, R>,
      key: generator(namespace, { name }),
      optionsOf,
    });
  }) as Cacher;
}

type Plain<A extends readonly unknown[], R> = (this: unknown, ...args: A) => R | Promise<R>;

interface Parts<A extends readonly unknown[], R> {
  readonly fn: Plain<A, R>;
  readonly key: (...args: A) => string;
  readonly optionsOf: (args: A) => CallOptions<R>;
}

function cached<A extends readonly unknown[], R>(
  region: Region,
  { fn, key, optionsOf }: Parts<A, R>,
): CachedFunction<A, R> {
  async function call(this: unknown, ...args: A): Promise<R> {
    return await region.getOrCreate<R>(key(...args), () => fn.call(this, ...args), optionsOf(args));
  }
  return Object.assign(call, {
    original: fn,
    key,
    get: (...args: A) => region.get<R>(key(...args), optionsOf(args)),
    set: (value: R, ...args: A) => region.set(key(...args), value, optionsOf(args)),
    invalidate: (...args: A) => region.delete(key(...args)),
    async refresh(this: unknown, ...args: A): Promise<R> {
      // Called on the cached function itself there is no object; `refresh.call(object)` gives one.
      const object = this === call ? undefined : this;
      const { shouldCache: _, ...options } = optionsOf(args);
      return await region.refresh<R>(key(...args), () => fn.call(object, ...args), options);
    },
  });
}

/**
 * What caches a function as `cached` does, also as a decorator. What comes of it bears the name and
 * length of the original. A `TypeError` for what is no function, and for generators, whose values run
 * dry.
 */
export function cacherBy(
  cached: (fn: AnyFunction, name: string) => (...args: never[]) => unknown,
): (fn: AnyFunction, context?: { readonly name: string | symbol }) => unknown {
  return (fn, context) => {
    checkFunction(fn);
    const made = cached(fn, context === undefined ? fn.name : String(context.name));
    for (const property of ["name", "length"] as const) {
      Object.defineProperty(made, property, { value: fn[property], configurable: true });
    }
    return made;
  };
}

function checkFunction(fn: unknown): void {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot cache a function: ${typeof fn} is none`);
  }
  const tag = (fn as { [Symbol.toStringTag]?: string })[Symbol.toStringTag];
  if (tag?.endsWith("GeneratorFunction")) {
    throw new TypeError(`Cannot cache "${fn.name}": a generator's values can be read only once`);
  }
}
