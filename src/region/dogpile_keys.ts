/**
 * The keys that dogpile.cache makes, for functions whose values are shared with Python.
 *
 * They are ambiguous as dogpile's are: arguments are joined by blanks and their types are lost.
 */

import type {
  FunctionKeyGenerator,
  FunctionMultiKeyGenerator,
  NamedFunction,
} from "./function_key.ts";

/** What JavaScript does not know of a function. */
export interface DogpileKeyOptions {
  /** The Python module in which the function's namesake is. */
  readonly module: string;
  /** Writes an argument. Default: {@linkcode pythonText}. */
  readonly toText?: (value: unknown) => string;
}

/** The parameters of a function, which JavaScript does not know either. */
export interface DogpileKeywordOptions extends DogpileKeyOptions {
  /** Their names, in order. */
  readonly parameters: readonly string[];
  /** The values of those not given. */
  readonly defaults?: Readonly<Record<string, unknown>>;
}

/**
 * dogpile's `function_key_generator`: `module:function|arg1 arg2`, or
 * `module:function|namespace|arg1 arg2`.
 */
export function dogpileKeyGenerator(options: DogpileKeyOptions): FunctionKeyGenerator {
  const { toText = pythonText } = options;
  return (namespace, fn) => {
    const prefix = prefixOf(options, namespace, fn);
    return (...args) => prefix + positional(args).map(toText).join(" ");
  };
}

/** dogpile's `function_multi_key_generator`: a list of `module:function|arg`. */
export function dogpileMultiKeyGenerator(options: DogpileKeyOptions): FunctionMultiKeyGenerator {
  const { toText = pythonText } = options;
  return (namespace, fn) => {
    const prefix = prefixOf(options, namespace, fn);
    return (...args) => positional(args).map((arg) => prefix + toText(arg));
  };
}

/**
 * dogpile's `kwarg_function_key_generator`: the values of all parameters, given by position, by name
 * in a final object, or by default, in the order of the parameters' names.
 */
export function dogpileKeywordKeyGenerator(options: DogpileKeywordOptions): FunctionKeyGenerator {
  const { toText = pythonText, parameters, defaults = {} } = options;
  return (namespace, fn) => {
    const prefix = prefixOf(options, namespace, fn);
    return (...args) => {
      const last = args.at(-1);
      const keywords = isKeywords(last) ? last : {};
      const given = keywords === last ? args.slice(0, -1) : args;
      if (given.length > parameters.length) {
        throw new RangeError(
          `Cannot make a key: ${given.length} arguments for ${parameters.length}`,
        );
      }
      const values: Record<string, unknown> = { ...defaults };
      for (const [i, value] of given.entries()) values[parameters[i] as string] = value;
      Object.assign(values, keywords);
      return prefix + Object.keys(values).sort().map((name) => toText(values[name])).join(" ");
    };
  };
}

/** A value as Python's `str` writes it, where the two languages can agree. */
export function pythonText(value: unknown): string {
  if (value === undefined || value === null) return "None";
  if (value === true) return "True";
  return value === false ? "False" : String(value);
}

function prefixOf(
  { module }: DogpileKeyOptions,
  namespace: string | undefined,
  { name }: NamedFunction,
): string {
  return namespace === undefined ? `${module}:${name}|` : `${module}:${name}|${namespace}|`;
}

function positional(args: readonly unknown[]): readonly unknown[] {
  if (!args.some(isKeywords)) return args;
  throw new TypeError("Cannot make a key: dogpile's default does not accept keyword arguments");
}

function isKeywords(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null &&
    Object.getPrototypeOf(value) === Object.prototype;
}
