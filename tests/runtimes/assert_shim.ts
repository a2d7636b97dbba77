/** `node:assert/strict` for the browser: the assertions that portable tests use. */

import { isDeepEqual } from "./deep_equal.ts";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  override readonly name = "AssertionError";
  readonly code = "ERR_ASSERTION";
  readonly actual: unknown;
  readonly expected: unknown;

  constructor(
    message: string,
    { actual, expected }: { actual?: unknown; expected?: unknown } = {},
  ) {
    super(message);
    this.actual = actual;
    this.expected = expected;
  }
}

type Message = string | Error | undefined;
/** What a thrown value may be held against. */
type Expectation =
  | RegExp
  | Error
  | (abstract new (...rest: never[]) => unknown)
  | ((thrown: unknown) => unknown)
  | Readonly<Record<string, unknown>>;

/** Passes for a truthy value. */
export function ok(value: unknown, message?: Message): asserts value {
  if (!value) refuse(`Expected a truthy value, got ${shown(value)}`, message, { actual: value });
}

/** Passes for values that `Object.is` holds for one. */
export function equal(actual: unknown, expected: unknown, message?: Message): void {
  if (Object.is(actual, expected)) return;
  refuse(`Expected ${shown(expected)}, got ${shown(actual)}`, message, { actual, expected });
}

/** Passes for values that `Object.is` tells apart. */
export function notEqual(actual: unknown, expected: unknown, message?: Message): void {
  if (Object.is(actual, expected)) refuse(`Expected other than ${shown(actual)}`, message);
}

/** Passes for values that are deeply and strictly equal. */
export function deepEqual(actual: unknown, expected: unknown, message?: Message): void {
  if (isDeepEqual(actual, expected)) return;
  refuse(`Expected ${shown(expected)}, got ${shown(actual)}`, message, { actual, expected });
}

/** Passes for values that are not deeply and strictly equal. */
export function notDeepEqual(actual: unknown, expected: unknown, message?: Message): void {
  if (isDeepEqual(actual, expected)) refuse(`Expected other than ${shown(actual)}`, message);
}

/** Passes for text that the pattern matches. */
export function match(text: string, pattern: RegExp, message?: Message): void {
  if (typeof text === "string" && pattern.test(text)) return;
  refuse(`Expected ${shown(text)} to match ${pattern}`, message, { actual: text });
}

/** Passes for text that the pattern does not match. */
export function doesNotMatch(text: string, pattern: RegExp, message?: Message): void {
  if (pattern.test(text)) refuse(`Expected ${shown(text)} not to match ${pattern}`, message);
}

/** Never passes. */
export function fail(message?: Message): never {
  return refuse("Failed", message);
}

/** Passes where `run` throws what is expected. */
export function throws(
  run: () => unknown,
  expected?: Expectation | string,
  message?: string,
): void {
  let thrown: { error: unknown } | undefined;
  try {
    run();
  } catch (error) {
    thrown = { error };
  }
  judge(thrown, expected, message);
}

/** Passes where `run` throws nothing. */
export function doesNotThrow(run: () => unknown): void {
  run();
}

/** Passes where a promise rejects with what is expected. */
export async function rejects(
  work: Promise<unknown> | (() => Promise<unknown>),
  expected?: Expectation | string,
  message?: string,
): Promise<void> {
  let thrown: { error: unknown } | undefined;
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    thrown = { error };
  }
  judge(thrown, expected, message);
}

/** Passes where a promise is fulfilled. */
export async function doesNotReject(
  work: Promise<unknown> | (() => Promise<unknown>),
): Promise<void> {
  await (typeof work === "function" ? work() : work);
}

export { deepEqual as deepStrictEqual, equal as strictEqual };
export { notDeepEqual as notDeepStrictEqual, notEqual as notStrictEqual };

const assert: typeof ok = Object.assign(
  (value: unknown, message?: Message): asserts value => ok(value, message),
  {
    ...{ AssertionError, ok, equal, notEqual, deepEqual, notDeepEqual, match, doesNotMatch, fail },
    ...{ throws, doesNotThrow, rejects, doesNotReject },
    ...{ strictEqual: equal, notStrictEqual: notEqual },
    ...{ deepStrictEqual: deepEqual, notDeepStrictEqual: notDeepEqual },
  },
);
export default assert;

function refuse(
  text: string,
  message: Message,
  values: { actual?: unknown; expected?: unknown } = {},
): never {
  if (message instanceof Error) throw message;
  throw new AssertionError(message ?? text, values);
}

function judge(
  thrown: { error: unknown } | undefined,
  expected: Expectation | string | undefined,
  message: string | undefined,
): void {
  const said = typeof expected === "string" ? expected : message;
  if (!thrown) refuse("Expected an error, none came", said);
  if (expected === undefined || typeof expected === "string") return;
  const { error } = thrown;
  if (!isExpected(error, expected)) {
    refuse(`Expected an error like ${shown(expected)}, got ${shown(error)}`, said);
  }
}

function isExpected(error: unknown, expected: Expectation): boolean {
  if (expected instanceof RegExp) return expected.test(String(error));
  if (typeof expected === "function") {
    return isClass(expected) ? error instanceof expected : expected(error) === true;
  }
  const keys = expected instanceof Error ? ["name", "message"] : Object.keys(expected);
  return keys.every((key) => hasProperty(error, key, Reflect.get(expected, key)));
}

function hasProperty(error: unknown, key: string, wanted: unknown): boolean {
  const value: unknown = Reflect.get(Object(error), key);
  if (wanted instanceof RegExp && typeof value === "string") return wanted.test(value);
  return isDeepEqual(value, wanted);
}

function isClass(value: object): value is abstract new (...rest: never[]) => unknown {
  const { prototype } = value as { prototype?: unknown };
  return prototype !== undefined && (prototype === Error.prototype ||
    prototype instanceof Error || /^class\b/.test(Function.prototype.toString.call(value)));
}

function shown(value: unknown): string {
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (ArrayBuffer.isView(value)) {
    return `${value.constructor.name} [${Array.from(value as Uint8Array)}]`;
  }
  if (typeof value === "function") return value.name || "a function";
  if (typeof value !== "object" || value === null) return primitive(value);
  return JSON.stringify(value, (_, part) => typeof part === "object" ? part : primitive(part)) ??
    String(value);
}

function primitive(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
