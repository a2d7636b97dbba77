/**
 * JSON that tells apart what JSON alone confuses.
 *
 * Plain JSON stays plain, byte for byte what `JSON.stringify` gives. What JSON cannot say is an
 * object with the one member `$`: a pair of a kind and its content, as `{"$":["Date",0]}`. A
 * caller's own object that has a member `$` is wrapped in the kind `Object`, so nothing collides.
 *
 * Whether a value is plain is found by one walk before encoding, and by one search for `"$"` before
 * decoding, so plain values cost little more than the platform's own JSON.
 */

import type { Codec } from "../contracts/codec.ts";
import { fromBase64, toBase64 } from "./base64.ts";

/**
 * JSON with `bigint`, `Date`, `Map`, `Set`, `Uint8Array`, `undefined`, `NaN`, the infinities and −0.
 *
 * Anything else that JSON would lose is a `TypeError`: functions, symbols, instances of classes, and
 * values nested deeper than 1,000 or in a cycle. Holes of arrays come back as `undefined`, subclasses
 * of `Uint8Array` as `Uint8Array`, and objects without a prototype with one.
 *
 * @example
 * ```ts
 * import { deepEqual, equal } from "node:assert/strict";
 * import { json } from "@cairn/cache";
 *
 * const value = { at: new Date(0), seen: new Map([["a", 1n]]), nothing: undefined };
 * deepEqual(await json.decode(await json.encode(value, "key"), "key"), value);
 *
 * const plain = await json.encode({ plain: [1, "two", null] }, "key");
 * equal(new TextDecoder().decode(plain), '{"plain":[1,"two",null]}');
 * ```
 */
export const json: Codec<unknown> = Object.freeze({
  name: "json",
  encode: (value: unknown): Uint8Array =>
    encoder.encode(JSON.stringify(isPlain(value, 0) ? value : tagged(value))),
  decode(bytes: Uint8Array): unknown {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    // The search for one character takes a tenth of that for three.
    return text.includes("$") && text.includes('"$"') ? untagged(value) : value;
  },
});

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const maxDepth = 1_000;

type Members = Record<string, unknown>;
type Tagged = { readonly $: readonly [kind: string, content?: unknown] };

/** Whether `JSON.stringify` loses nothing of a value. */
function isPlain(value: unknown, depth: number): boolean {
  if (value === null) return true;
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0);
    case "object":
      return isPlainObject(value, depth);
    default:
      return false;
  }
}

function isPlainObject(value: object, depth: number): boolean {
  if (depth >= maxDepth) throw tooDeep();
  if (Array.isArray(value)) {
    // A counted loop, because `every` passes over holes.
    for (let index = 0; index < value.length; index++) {
      if (!isPlain(value[index], depth + 1)) return false;
    }
    return true;
  }
  if (!isRecord(value)) return false;
  for (const key of Object.keys(value)) {
    if (key === "$" || key === "toJSON" || !isPlain(value[key], depth + 1)) return false;
  }
  return true;
}

/** Whether an object is a literal, of this realm or another: the root of its prototypes is next. */
function isRecord(value: object): value is Members {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function tagged(value: unknown, depth: number = 0): unknown {
  switch (typeof value) {
    case "bigint":
      return tag("bigint", value.toString());
    case "undefined":
      return tag("undefined");
    case "number":
      return Object.is(value, -0) ? tag("number", "-0") : taggedNumber(value);
    case "object":
      return value === null ? null : taggedObject(value, depth);
    case "function":
    case "symbol":
      throw new TypeError(`Cannot encode a ${typeof value} as JSON: it has no form in it`);
    default:
      return value;
  }
}

function taggedNumber(value: number): unknown {
  return Number.isFinite(value) ? value : tag("number", String(value));
}

function taggedObject(value: object, depth: number): unknown {
  if (depth >= maxDepth) throw tooDeep();
  const inside = (item: unknown): unknown => tagged(item, depth + 1);
  if (Array.isArray(value)) return Array.from(value, inside);
  if (value instanceof Uint8Array) return tag("bytes", toBase64(value));
  if (value instanceof Date) return tag("Date", value.getTime());
  if (value instanceof Set) return tag("Set", Array.from(value, inside));
  if (value instanceof Map) return tag("Map", Array.from(value, (pair) => pair.map(inside)));
  if (!isRecord(value)) {
    const name = value.constructor?.name ?? "an unnamed class";
    throw new TypeError(`Cannot encode an instance of ${name} as JSON: it would lose its class`);
  }
  const pairs = Object.entries(value).map(([key, item]) => [key, inside(item)] as const);
  // A member named toJSON can only be a value here, and a value is not called.
  const copy: unknown = Object.fromEntries(pairs);
  return Object.hasOwn(value, "$") ? tag("Object", copy) : copy;
}

function tag(kind: string, content?: unknown): Tagged {
  return { $: content === undefined ? [kind] : [kind, content] };
}

function untagged(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(untagged);
  return Object.hasOwn(value, "$") ? untaggedKind(value as Members) : untaggedMembers(value);
}

function untaggedMembers(value: object): unknown {
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, untagged(item)]));
}

function untaggedKind(value: Members): unknown {
  const pair = value.$;
  if (!Array.isArray(pair) || Object.keys(value).length > 1) throw unreadable("a tag");
  const [kind, content] = pair as [unknown, unknown];
  switch (kind) {
    case "undefined":
      return undefined;
    case "bigint":
      return BigInt(textOf(content, /^-?\d+$/));
    case "number":
      return Number(textOf(content, /^(NaN|-?Infinity|-0)$/));
    case "bytes":
      return fromBase64(textOf(content, /^/));
    case "Date":
      return new Date(typeof content === "number" ? content : NaN);
    case "Set":
      return new Set(listOf(content).map(untagged));
    case "Map":
      return new Map(listOf(content).map(pairOf));
    case "Object":
      if (typeof content === "object" && content) return untaggedMembers(content);
  }
  throw unreadable(`the tag "${String(kind)}"`);
}

function textOf(content: unknown, form: RegExp): string {
  if (typeof content === "string" && form.test(content)) return content;
  throw unreadable("the content of a tag");
}

function listOf(content: unknown): unknown[] {
  if (Array.isArray(content)) return content;
  throw unreadable("the content of a tag");
}

function pairOf(pair: unknown): [unknown, unknown] {
  if (Array.isArray(pair) && pair.length === 2) return [untagged(pair[0]), untagged(pair[1])];
  throw unreadable("a pair of a Map");
}

function unreadable(what: string): SyntaxError {
  return new SyntaxError(`Cannot decode JSON: ${what} is not known`);
}

function tooDeep(): TypeError {
  return new TypeError(`Cannot encode as JSON: nested deeper than ${maxDepth}, or in a cycle`);
}
