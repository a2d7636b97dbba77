/**
 * Keys of cached functions: which call is the same as which.
 *
 * A generator is given a namespace and a function once, and answers what makes keys of arguments.
 * One generator serves the call itself and all its helpers.
 */

import { canonicalText } from "./canonical.ts";

/** What a generator needs to know of a function. */
export interface NamedFunction {
  /** Its name; a generator may refuse the empty one. */
  readonly name: string;
}

/** Makes keys of the arguments of one function. */
export type ArgumentsKey = (...args: readonly unknown[]) => string;

/** Makes a function's key maker. */
export type FunctionKeyGenerator = (
  namespace: string | undefined,
  fn: NamedFunction,
) => ArgumentsKey;

/** Makes keys of the arguments of one function that answers for many keys, one for each. */
export type ArgumentsKeys = (...args: readonly unknown[]) => readonly string[];

/** Makes a many-keyed function's key maker. */
export type FunctionMultiKeyGenerator = (
  namespace: string | undefined,
  fn: NamedFunction,
) => ArgumentsKeys;

/**
 * The default: `name|arguments` or `name|namespace|arguments`, the arguments in a typed text that
 * no other arguments have. The name is the function's own: two functions of one name in one region
 * need namespaces to be told apart.
 *
 * @example
 * ```ts
 * import { equal, notEqual } from "node:assert/strict";
 * import { functionKeyGenerator } from "@cairn/cache";
 *
 * const key = functionKeyGenerator(undefined, function load() {});
 * equal(key(1, { b: 2, a: 1 }), 'load|1,{"a":1,"b":2}');
 * notEqual(key(1, "2 3"), key("1 2", 3));
 * notEqual(key(1), key("1"));
 * ```
 */
export function functionKeyGenerator(
  namespace: string | undefined,
  fn: NamedFunction,
): ArgumentsKey {
  const prefix = prefixOf(namespace, fn);
  return (...args) => prefix + canonicalText(args);
}

/** The default for functions of many keys: one key for each argument, as for a call with it alone. */
export function functionMultiKeyGenerator(
  namespace: string | undefined,
  fn: NamedFunction,
): ArgumentsKeys {
  const key = functionKeyGenerator(namespace, fn);
  return (...args) => args.map((arg) => key(arg));
}

function prefixOf(namespace: string | undefined, { name }: NamedFunction): string {
  if (name === "" && namespace === undefined) {
    throw new TypeError("Cannot make keys for a function: it has neither a name nor a namespace");
  }
  const parts = namespace === undefined ? [name] : [name, namespace];
  return parts.map(escaped).join("|") + "|";
}

// A bar within a name must not read as the end of it.
function escaped(part: string): string {
  return part.replace(/[\\|]/g, "\\$&");
}
