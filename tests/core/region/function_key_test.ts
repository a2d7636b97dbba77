import { equal, notEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonicalText } from "../../../src/region/canonical.ts";
import {
  dogpileKeyGenerator,
  dogpileKeywordKeyGenerator,
  dogpileMultiKeyGenerator,
} from "../../../src/region/dogpile_keys.ts";
import {
  functionKeyGenerator,
  functionMultiKeyGenerator,
} from "../../../src/region/function_key.ts";

const one = { name: "one" };

describe("canonicalText", () => {
  it("DX-19: tells values of every kind apart", () => {
    const values = [
      1,
      "1",
      1n,
      true,
      "true",
      null,
      "null",
      "None",
      [],
      {},
      [1],
      ["1"],
      [[1]],
      [1, 2],
      ["1,2"],
      { a: 1 },
      { a: "1" },
      { b: 1 },
      { a: undefined },
      new Set(),
      new Set([1]),
      new Set([[1]]),
      new Map(),
      new Map([[1, 2]]),
      new Map([[2, 1]]),
      new Date(1),
      new Date(Number.NaN),
      0,
      -0,
      Number.NaN,
      Infinity,
      new Uint8Array([1]),
      new Uint8Array([0, 1]),
      "",
      " ",
      "a b",
      "a|b",
      "é",
      "e\u0301",
      new URL("http://a/"),
      "http://a/",
      /a/g,
      /a/,
      "/a/",
      [undefined, 1],
      ["u", 1],
      [null, 1],
    ];
    const texts = new Map<string, unknown>();
    for (const value of values) {
      const text = canonicalText([value, "end"]);
      equal(texts.has(text), false, text);
      texts.set(text, value);
    }
  });

  it("DX-19: different argument lists have different texts, equal ones the same", () => {
    const arg = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: false,
      maxDepth: 3,
    });
    fc.assert(
      fc.property(fc.array(arg, { maxLength: 3 }), fc.array(arg, { maxLength: 3 }), (a, b) => {
        const isSame = canonicalText(a) === canonicalText(b);
        equal(canonicalText(structuredClone(a)), canonicalText(a));
        if (isSame) equal(fc.stringify(sorted(trimmed(a))), fc.stringify(sorted(trimmed(b))));
      }),
      { numRuns: 500 },
    );
  });

  it("leaves trailing undefined out, since no function can tell", () => {
    equal(canonicalText([1, undefined]), canonicalText([1]));
    equal(canonicalText([undefined]), canonicalText([]));
    notEqual(canonicalText([undefined, 1]), canonicalText([1]));
  });

  it("does not depend on the order of names and members", () => {
    equal(canonicalText([{ a: 1, b: 2 }]), canonicalText([{ b: 2, a: 1 }]));
    equal(canonicalText([new Set([1, 2])]), canonicalText([new Set([2, 1])]));
  });

  it("refuses what has no value to be told by", () => {
    class Point {}
    const cycle: unknown[] = [];
    cycle.push(cycle);
    for (const value of [() => 1, Symbol("s"), new Point(), new WeakMap(), cycle]) {
      throws(() => canonicalText([value]), TypeError);
    }
  });
});

function trimmed(args: readonly unknown[]): readonly unknown[] {
  return args.at(-1) === undefined && args.length > 0 ? trimmed(args.slice(0, -1)) : args;
}

/** The same value with its unordered parts in one order. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return Array.from(value, sorted);
  if (value instanceof Set) return ["set", ...[...value].map(sorted).map(fc.stringify).sort()];
  if (value instanceof Map) return ["map", ...[...value].map(sorted).map(fc.stringify).sort()];
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.keys(value).sort().map((
    name,
  ) => [name, sorted((value as Record<string, unknown>)[name])]);
}

describe("function keys", () => {
  it("are the name, the namespace and the arguments between bars", () => {
    equal(functionKeyGenerator(undefined, one)(1, "2"), 'one|1,"2"');
    equal(functionKeyGenerator("ns", one)(1), "one|ns|1");
    equal(functionKeyGenerator("ns", one)(), "one|ns|");
    equal(functionMultiKeyGenerator("ns", one)(1, 2).join(" "), "one|ns|1 one|ns|2");
  });

  it("a bar in a name or namespace is no end of it", () => {
    notEqual(
      functionKeyGenerator("b|c", { name: "a" })(),
      functionKeyGenerator("c", { name: "a|b" })(),
    );
  });
});

describe("dogpile's function keys", () => {
  const options = { module: "tests.cache.test_decorator" };

  it("D-143: module:function, bar, arguments joined by a blank; null is None", () => {
    const key = dogpileKeyGenerator(options)(undefined, one);
    equal(key(1, 2), "tests.cache.test_decorator:one|1 2");
    equal(key(null, undefined, true, 5), "tests.cache.test_decorator:one|None None True 5");
    equal(key(), "tests.cache.test_decorator:one|");
  });

  it("D-144: one key for each argument", () => {
    const keys = dogpileMultiKeyGenerator(options)(undefined, one);
    equal(keys(1, 2).join(), "tests.cache.test_decorator:one|1,tests.cache.test_decorator:one|2");
  });

  it("D-145: the namespace stands between bars", () => {
    const keyword = { ...options, parameters: ["a", "b"] };
    equal(dogpileKeyGenerator(options)("ns", one)(1, 2), "tests.cache.test_decorator:one|ns|1 2");
    equal(
      dogpileKeywordKeyGenerator(keyword)("ns", one)(1, 2),
      "tests.cache.test_decorator:one|ns|1 2",
    );
  });

  it("D-139 D-112: the default generator refuses keywords", () => {
    throws(
      () => dogpileKeyGenerator(options)(undefined, one)(1, { b: 2 }),
      /does not accept keyword/,
    );
    throws(() => dogpileMultiKeyGenerator(options)(undefined, one)({ b: 2 }), TypeError);
  });

  it("D-140: positions and keywords in any order give one key", () => {
    const key = dogpileKeywordKeyGenerator({ ...options, parameters: ["a", "b"] })(undefined, one);
    const text = "tests.cache.test_decorator:one|1 2";
    for (const args of [[1, 2], [1, { b: 2 }], [{ a: 1, b: 2 }], [{ b: 2, a: 1 }]]) {
      equal(key(...args), text);
    }
  });

  it("D-141: a default stands in for what is not given", () => {
    const defaults = { b: null };
    const key = dogpileKeywordKeyGenerator({ ...options, parameters: ["a", "b"], defaults })(
      "n",
      one,
    );
    equal(key({ a: 1 }), "tests.cache.test_decorator:one|n|1 None");
  });

  it("D-142: with all defaults, each combination has its text", () => {
    const defaults = { a: true, b: null };
    const key = dogpileKeywordKeyGenerator({ ...options, parameters: ["a", "b"], defaults })(
      "n",
      one,
    );
    equal(key(), "tests.cache.test_decorator:one|n|True None");
    equal(key({ a: 1 }), "tests.cache.test_decorator:one|n|1 None");
    equal(key({ b: 2 }), "tests.cache.test_decorator:one|n|True 2");
  });

  it("D-147 D-148 D-149: what is not ASCII appears as it is", () => {
    const keyword = { ...options, parameters: ["a"] };
    equal(
      dogpileKeyGenerator(options)(undefined, one)("méil"),
      "tests.cache.test_decorator:one|méil",
    );
    const toText = String;
    equal(
      dogpileKeyGenerator({ ...options, toText })(undefined, one)("drôle"),
      "tests.cache.test_decorator:one|drôle",
    );
    equal(
      dogpileKeywordKeyGenerator(keyword)(undefined, one)({ a: "méil" }),
      "tests.cache.test_decorator:one|méil",
    );
    equal(
      dogpileMultiKeyGenerator(options)(undefined, one)("méil", "drôle").join(),
      "tests.cache.test_decorator:one|méil,tests.cache.test_decorator:one|drôle",
    );
  });

  it("D-146: keys are text, and too many arguments are refused", () => {
    const keyword = dogpileKeywordKeyGenerator({ ...options, parameters: ["a"] })(undefined, one);
    equal(typeof dogpileKeyGenerator(options)(undefined, one)(1), "string");
    equal(typeof keyword(1), "string");
    throws(() => keyword(1, 2), RangeError);
  });
});
