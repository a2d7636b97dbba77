/**
 * Keys from a function and its arguments, as wheezy's key builder makes them: the function's name,
 * then each argument as Python's `repr` writes it, so that `1` and `"1"` differ.
 *
 * In JavaScript a method's receiver is `this` and never among the arguments, so none needs to be left
 * out. Regions have key generators of their own; these are for keys shared with wheezy processes.
 */

import { pythonRepr } from "./python_repr.ts";

/** A function whose calls get keys. */
export interface Keyed {
  /** Its name, part of every key. */
  readonly name: string;
  /** How many of its parameters come before the first with a default. */
  readonly length: number;
}

/** Makes the key of a call from its arguments. */
export type MakeKey = (...args: unknown[]) => string;

/**
 * A maker of key makers: give it a function, and the values of its parameters that have defaults, in
 * order; it gives back what turns arguments into a key. An argument that is left out or `undefined`
 * counts as its default.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { keyBuilder } from "@cairn/cache";
 *
 * function items(locale = "en", order = 1) {}
 * const keyOf = keyBuilder("repo")(items, ["en", 1]);
 * equal(keyOf(), "repo-items:'en':1");
 * equal(keyOf("uk"), "repo-items:'uk':1");
 * equal(keyOf(undefined, 0), "repo-items:'en':0");
 * ```
 */
export function keyBuilder(
  prefix: string = "",
): (target: Keyed, defaults?: readonly unknown[]) => MakeKey {
  return (target, defaults = []) => {
    const stem = stemOf(target, prefix);
    const parameters = target.length + defaults.length;
    const valueAt = (args: readonly unknown[], at: number): unknown =>
      args[at] === undefined ? defaults[at - target.length] : args[at];
    return (...args) => {
      const count = Math.max(parameters, args.length);
      const values = Array.from({ length: count }, (_, at) => valueAt(args, at));
      return stem + values.map((value) => `:${pythonRepr(value)}`).join("");
    };
  };
}

/**
 * The format of a function's keys: its name, then `:%r` for each parameter without a default.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { keyFormat } from "@cairn/cache";
 *
 * equal(keyFormat(function items(a: string, b: number) {}, "repo"), "repo-items:%r:%r");
 * ```
 */
export function keyFormat(target: Keyed, prefix: string = ""): string {
  return stemOf(target, prefix) + ":%r".repeat(target.length);
}

/** {@linkcode keyFormat} with the prefix given first. */
export function keyFormatter(prefix: string): (target: Keyed) => string {
  return (target) => keyFormat(target, prefix);
}

function stemOf(target: Keyed, prefix: string): string {
  if (target.name === "") throw new TypeError("Cannot build keys: the function has no name");
  return `${prefix}-${target.name}`;
}
