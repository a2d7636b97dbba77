/**
 * A text for a list of arguments: the same for equal arguments, different for different ones.
 *
 * Every kind of value is written so that no other kind can be read from it: strings in JSON's
 * quotes, numbers bare, everything else behind a letter of its own. Objects are written by sorted
 * names, sets and maps by sorted members, so that only what is equal decides and not how it was put
 * together.
 */

/** How deep arguments may be nested; a cycle ends here, too. */
const MOST_DEPTH = 64;

/**
 * The text of `args`. Trailing `undefined`s are left out, since a function cannot tell them from
 * arguments not given. Throws a `TypeError` on what has no value to be told by: functions, symbols,
 * instances of classes, cycles.
 */
export function canonicalText(args: readonly unknown[]): string {
  let given = args.length;
  while (given > 0 && args[given - 1] === undefined) given--;
  return args.slice(0, given).map((arg) => textOf(arg, 0)).join(",");
}

function textOf(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return `${value}n`;
    case "boolean":
      return value ? "t" : "f";
    case "undefined":
      return "u";
    case "object":
      return value === null ? "z" : objectText(value, depth + 1);
    default:
      throw new TypeError(`Cannot make a key of arguments: a ${typeof value} has no text`);
  }
}

function objectText(value: object, depth: number): string {
  if (depth > MOST_DEPTH) {
    throw new TypeError(`Cannot make a key of arguments: nested deeper than ${MOST_DEPTH}`);
  }
  if (Array.isArray(value)) return `[${itemsText(value, depth)}]`;
  if (value instanceof Date) return `d${value.getTime()}`;
  if (value instanceof Set) return `s{${[...value].map((item) => textOf(item, depth)).sort()}}`;
  if (value instanceof Map) {
    return `m{${[...value].map((pair) => itemsText(pair, depth)).sort().join(";")}}`;
  }
  if (value instanceof Uint8Array) return `b${hexOf(value)}`;
  if (value instanceof URL) return `l${JSON.stringify(value.href)}`;
  if (value instanceof RegExp) return `r${JSON.stringify(String(value))}`;
  if (!isPlain(value)) {
    throw new TypeError(`Cannot make a key of arguments: ${nameOf(value)} is no plain value`);
  }
  return `{${membersText(value as Record<string, unknown>, depth)}}`;
}

// A hole in an array reads as undefined, so it is written as one.
function itemsText(items: readonly unknown[], depth: number): string {
  return Array.from(items, (item) => textOf(item, depth)).join(",");
}

function membersText(value: Record<string, unknown>, depth: number): string {
  return Object.keys(value).sort()
    .map((name) => `${JSON.stringify(name)}:${textOf(value[name], depth)}`).join(",");
}

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function nameOf(value: object): string {
  return `an instance of ${value.constructor?.name ?? "a class"}`;
}
