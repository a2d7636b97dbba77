/** As much of Vitest as suites need that are made for it: cases of `node:test` with an `expect`. */

import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { afterEach, beforeEach, it } from "node:test";
import type { Skip } from "../conformance/cases.ts";

/** What may be said of a value. */
export interface Expectation {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toBeTruthy(): void;
  toBeFalsy(): void;
  toBeNull(): void;
  toBeUndefined(): void;
  toBeDefined(): void;
}

/** What a case is given. */
export interface CaseContext {
  readonly expect: ((value: unknown) => Expectation) & { assertions(count: number): void };
}

/** The part of the module `vitest` that such suites take. */
export interface VitestLike {
  it(name: string, run: (context: CaseContext) => void | Promise<void>): void;
  beforeEach(run: () => void | Promise<void>): void;
  afterEach(run: () => void | Promise<void>): void;
}

/** Registers what a suite defines; cases that do not apply are printed and left out. */
export function vitestLike(title: string, skips: readonly Skip[] = []): VitestLike {
  const reasons = new Map(skips.map((skip) => [skip.case, skip.reason]));
  return {
    beforeEach: (run) => beforeEach(run),
    afterEach: (run) => afterEach(run),
    it(name, run): void {
      const reason = reasons.get(name);
      if (reason) console.log(`does not apply: ${title}: ${name}: ${reason}`);
      else it(name, () => runCase(run));
    },
  };
}

/** Runs a case, and sees that it said as much as it promised. */
async function runCase(run: (context: CaseContext) => void | Promise<void>): Promise<void> {
  let said = 0;
  let promised: number | undefined;
  const expect = (value: unknown): Expectation => (said++, expectationOf(value));
  const assertions = (count: number): void => void (promised = count);
  await run({ expect: Object.assign(expect, { assertions }) });
  equal(said, promised ?? said);
}

function expectationOf(value: unknown): Expectation {
  return {
    toBe: (expected) => equal(value, expected),
    toEqual: (expected) => deepEqual(value, expected),
    toBeTruthy: () => ok(value),
    toBeFalsy: () => ok(!value),
    toBeNull: () => equal(value, null),
    toBeUndefined: () => equal(value, undefined),
    toBeDefined: () => notEqual(value, undefined),
  };
}
