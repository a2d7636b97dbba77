import strict from "node:assert/strict";
import { describe, it } from "node:test";
import * as shim from "./assert_shim.ts";

type Assertions = typeof shim;

/** Whether an assertion holds: `true`, `false`, or whatever else it threw. */
async function verdict(run: () => unknown): Promise<unknown> {
  try {
    await run();
    return true;
  } catch (error) {
    return Reflect.get(Object(error), "code") === "ERR_ASSERTION" ? false : error;
  }
}

const thrower = (error: unknown) => (): never => {
  throw error;
};
const boom = new RangeError("boom 7");

/** Assertions as tests write them, some true and some not. */
const trials: readonly ((assert: Assertions) => unknown)[] = [
  (a) => a.ok(1),
  (a) => a.ok(""),
  (a) => a.ok(null),
  (a) => a.default([]),
  (a) => a.equal(1, 1),
  (a) => a.equal(1, "1"),
  (a) => a.equal(NaN, NaN),
  (a) => a.equal(0, -0),
  (a) => a.notEqual(0, -0),
  (a) => a.notEqual(1, 1),
  (a) => a.deepEqual({ a: [1] }, { a: [1] }),
  (a) => a.deepEqual([1], ["1"]),
  (a) => a.notDeepEqual([1], [1]),
  (a) => a.notDeepEqual([1], [2]),
  (a) => a.match("abc", /b/),
  (a) => a.match("abc", /d/),
  (a) => a.doesNotMatch("abc", /b/),
  (a) => a.fail("no"),
  (a) => a.throws(() => {}),
  (a) => a.throws(thrower(boom)),
  (a) => a.throws(thrower(boom), RangeError),
  (a) => a.throws(thrower(boom), TypeError),
  (a) => a.throws(thrower(boom), /boom \d/),
  (a) => a.throws(thrower(boom), /bang/),
  (a) => a.throws(thrower(boom), { name: "RangeError", message: /7/ }),
  (a) => a.throws(thrower(boom), { message: "boom" }),
  (a) => a.throws(thrower(boom), boom),
  (a) => a.throws(thrower(boom), (error) => error === boom),
  (a) => a.throws(thrower(boom), new RangeError("boom 7")),
  (a) => a.throws(thrower(boom), new RangeError("boom 8")),
  (a) => a.rejects(Promise.reject(boom), RangeError),
  (a) => a.rejects(Promise.resolve(1)),
  (a) => a.rejects(() => Promise.reject(boom), { message: "boom 7" }),
  (a) => a.rejects(() => Promise.reject(boom), /bang/),
  (a) => a.doesNotReject(Promise.resolve(1)),
  (a) => a.doesNotThrow(() => 1),
];

describe("assert_shim", () => {
  it("judges as node:assert/strict does", async () => {
    const real = Object.assign(Object.create(strict), { default: strict }) as Assertions;
    for (const trial of trials) {
      const [ours, theirs] = [await verdict(() => trial(shim)), await verdict(() => trial(real))];
      strict.equal(ours, theirs, String(trial));
    }
  });

  it("says what was expected, and the test's own words where it has some", () => {
    strict.throws(() => shim.equal(1, 2), { message: "Expected 2, got 1" });
    strict.throws(() => shim.deepEqual({ a: 1n }, { a: "b" }), {
      message: 'Expected {"a":"\\"b\\""}, got {"a":"1"}',
    });
    strict.throws(() => shim.equal(1, 2, "own words"), { message: "own words" });
    strict.throws(() => shim.ok(0, boom), boom);
  });
});
