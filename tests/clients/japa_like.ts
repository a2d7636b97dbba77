/** As much of Japa as bentocache's suite for drivers needs: cases of `node:test` with an `assert`. */

import { deepEqual, equal, notEqual } from "node:assert/strict";
import { after, afterEach, before, it } from "node:test";

/** What a case is given. */
export interface JapaContext {
  readonly assert: {
    deepEqual(actual: unknown, expected: unknown): void;
    notEqual(actual: unknown, expected: unknown): void;
    isTrue(actual: unknown): void;
    isFalse(actual: unknown): void;
    isUndefined(actual: unknown): void;
  };
  cleanup(run: () => Promise<void>): void;
}

/** The group of a suite: what runs before and after its cases. */
export interface JapaGroup {
  setup(run: () => Promise<() => unknown>): void;
  tap(change: (test: { disableTimeout(): void }) => void): void;
  readonly each: { teardown(run: () => Promise<void>): void };
}

const assert: JapaContext["assert"] = {
  deepEqual,
  notEqual,
  isTrue: (actual) => equal(actual, true),
  isFalse: (actual) => equal(actual, false),
  isUndefined: (actual) => equal(actual, undefined),
};

/** Registers a case. */
export function japaTest(name: string, run: (context: JapaContext) => Promise<void>): void {
  it(name, async () => {
    const cleanups: (() => Promise<void>)[] = [];
    try {
      await run({ assert, cleanup: (clean) => void cleanups.push(clean) });
    } finally {
      for (const clean of cleanups) await clean();
    }
  });
}

/** The group that `describe` around it makes. */
export const japaGroup: JapaGroup = {
  setup(run): void {
    let teardown: () => unknown;
    before(async () => void (teardown = await run()));
    after(async () => void await teardown());
  },
  tap: (change) => change({ disableTimeout: () => {} }),
  each: { teardown: (run) => afterEach(run) },
};
