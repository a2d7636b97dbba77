/** Refusing what a store has declared it cannot hold, before any I/O. */

import type { Limits, Write } from "../contracts/backend.ts";

/** What is needed of a backend to judge keys and values for it. */
export interface Limited {
  /** For the message. */
  readonly name: string;
  /** What the store can hold. */
  readonly limits: Limits;
}

/**
 * Throws a `RangeError` for the first key that is outside the limits of `store`.
 *
 * A key with a lone surrogate is outside every alphabet: written as UTF-8 it would meet another key.
 *
 * @example
 * ```ts
 * import { throws } from "node:assert/strict";
 * import { requireKeys, UNLIMITED } from "@cairn/cache";
 *
 * const store = { name: "memcached", limits: { ...UNLIMITED, keyBytes: 250 } };
 * requireKeys(store, ["short"]);
 * throws(() => requireKeys(store, ["k".repeat(251)]), RangeError);
 * ```
 */
export function requireKeys(store: Limited, keys: readonly string[]): void {
  for (const key of keys) requireKey(store, key);
}

/**
 * Throws a `RangeError` for the first write whose key, or whose value measured by `sizeOf` in
 * bytes, is outside the limits of `store`.
 */
export function requireWrites<V>(
  store: Limited,
  writes: readonly Write<V>[],
  sizeOf: (value: V) => number,
): void {
  for (const { key, value } of writes) {
    requireKey(store, key);
    const size = sizeOf(value);
    if (size > store.limits.valueBytes) {
      const state = `its value has ${size} bytes, more than ${store.limits.valueBytes}`;
      throw new RangeError(`Cannot store "${shortened(key)}" on ${store.name}: ${state}`);
    }
  }
}

/** How many bytes `text` takes in UTF-8, counted without encoding it. */
export function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    // Each half of a surrogate pair counts two of the pair's four bytes.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2;
  }
  return bytes;
}

function requireKey(store: Limited, key: string): void {
  const state = flawOf(store.limits, key);
  if (state) throw unusableKey(store, key, state);
}

/** The error for a key that a store cannot take, with what helps. */
export function unusableKey({ name }: Limited, key: string, state: string): RangeError {
  const remedy = "use lengthConditionalMangler or sha1MangleKey as key mangler";
  return new RangeError(`Cannot use key "${shortened(key)}" on ${name}: ${state}; ${remedy}`);
}

function flawOf({ keyBytes, keyAlphabet }: Limits, key: string): string | undefined {
  // A UTF-16 unit never takes more than three bytes, so most keys need no counting.
  if (key.length * 3 > keyBytes && utf8Bytes(key) > keyBytes) {
    return `it has ${utf8Bytes(key)} bytes, more than ${keyBytes}`;
  }
  if (keyAlphabet === "graphic" && blankOrControl.test(key)) {
    return "it has blanks or control characters";
  }
  return loneSurrogate.test(key) ? "it is not well-formed Unicode" : undefined;
}

/** What no line of memcached's protocol can hold. */
export const blankOrControl: RegExp = /[\0- \x7f]/;
const loneSurrogate = /\p{Surrogate}/u;

function shortened(key: string): string {
  const shown = 40;
  return key.length <= shown ? key : `${key.slice(0, shown)}…`;
}
