import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isDeepEqual } from "./deep_equal.ts";

/** What the real one says. */
function oracle(left: unknown, right: unknown): boolean {
  try {
    deepEqual(left, right);
    return true;
  } catch {
    return false;
  }
}

class Point {
  x = 1;
}

const cycle = (): { self?: unknown } => {
  const made: { self?: unknown } = {};
  made.self = made;
  return made;
};

/** Values that are easily mixed up; each is made anew, so that identity cannot help. */
const makers: readonly (() => unknown)[] = [
  ...[undefined, null, 0, -0, NaN, 1, "1", "", true, 1n, Symbol.for("a")].map((value) => () =>
    value
  ),
  ...[() => ({}), () => [], () => ({ x: 1 }), () => new Point(), () => Object.create(null)],
  ...[() => ({ x: undefined }), () => ({ x: 1, y: 2 }), () => ({ y: 2, x: 1 })],
  ...[() => [1, 2], () => [2, 1], () => [undefined], () => new Array(1), () => [1, , 2]],
  ...[() => new Uint8Array([1, 2]), () => new Uint8Array([1, 3]), () => new Int8Array([1, 2])],
  ...[() => new Uint8Array([0, 1, 2]).subarray(1), () => new Uint8Array([1, 2]).buffer],
  ...[() => new Float64Array([NaN]), () => new Float64Array([0]), () => new Float64Array([-0])],
  ...[() => new Map([[{ a: 1 }, 1], [{ a: 2 }, 2]]), () => new Map([[{ a: 2 }, 2], [{ a: 1 }, 1]])],
  ...[() => new Map([["a", 1]]), () => new Map([["a", 2]]), () => new Map()],
  ...[() => new Set([1, [2]]), () => new Set([[2], 1]), () => new Set([1, [3]]), () => new Set()],
  ...[
    () => new Date(0),
    () => new Date(1),
    () => new Date(NaN),
    () => /a/g,
    () => /a/i,
    () => /b/g,
  ],
  ...[() => new Error("a"), () => new Error("b"), () => new TypeError("a")],
  ...[() => new Error("a", { cause: 1 }), () => Object.assign(new Error("a"), { code: 1 })],
  ...[() => Object(1), () => Object(2), () => Object("1"), () => ({ [Symbol.for("a")]: 1 })],
  ...[
    cycle,
    () => ({ a: { b: [{ c: new Set([new Map([[1, { d: 1 }]])]) }] } }),
  ],
];

describe("isDeepEqual", () => {
  it("says what node:assert/strict says of every pair of values easily mixed up", () => {
    for (const [i, left] of makers.entries()) {
      for (const [j, right] of makers.entries()) {
        const [a, b] = [left(), right()];
        equal(
          isDeepEqual(a, b),
          oracle(a, b),
          `${i} and ${j}: ${String(left)} and ${String(right)}`,
        );
      }
    }
  });

  it("says what node:assert/strict says of arbitrary values and their neighbours", () => {
    const value = fc.anything({
      withMap: true,
      withSet: true,
      withDate: true,
      withTypedArray: true,
    });
    fc.assert(
      fc.property(value, value, (left, right) => {
        equal(isDeepEqual(left, right), oracle(left, right));
        equal(isDeepEqual([left, right], [left, right]), oracle([left, right], [left, right]));
      }),
      { numRuns: 1_000 },
    );
  });

  it("holds a copy for equal", () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => isDeepEqual(value, structuredClone(value))));
  });
});
