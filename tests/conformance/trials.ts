/**
 * Registration of cases for the stores that are no backend: each case gets a fresh fixture, and a
 * case that does not apply is printed with its reason, as `cases.ts` does for backends.
 */

import { describe, it } from "node:test";
import { ManualClock } from "../testing/manual_clock.ts";
import type { MakeFixture, Skip } from "./cases.ts";

/** A fixture that can be given back. */
export interface Closable {
  /** Gives everything back. */
  close?(): void | Promise<void>;
}

/** Cases by name, in the order in which they run. */
export type TrialCases<F> = Readonly<Record<string, (fixture: F) => void | Promise<void>>>;

/** How the cases are run. */
export interface TrialOptions<F> {
  /** Makes a fresh fixture whose time is the clock it is given. */
  readonly make: MakeFixture<F>;
  /** The cases that do not apply. Default: none. */
  readonly skips?: readonly Skip[];
  /** What a case's name begins with: the ids of the acceptance items that it proves here. */
  readonly ids?: Readonly<Record<string, string>>;
}

/** Registers every case that applies under `title`. */
export function registerTrials<F extends Closable>(
  title: string,
  cases: TrialCases<F>,
  options: TrialOptions<F>,
): void {
  const { make, skips = [], ids = {} } = options;
  const reasons = new Map(skips.map((skip) => [skip.case, skip.reason]));
  for (const name of [...reasons.keys(), ...Object.keys(ids)]) {
    if (!Object.hasOwn(cases, name)) throw new RangeError(`Cannot name "${name}": no such case`);
  }
  describe(title, () => {
    for (const [name, run] of Object.entries(cases)) {
      const reason = reasons.get(name);
      if (reason) console.log(`does not apply: ${title}: ${name}: ${reason}`);
      else it(ids[name] ? `${ids[name]}: ${name}` : name, () => tryOut(make, run));
    }
  });
}

async function tryOut<F extends Closable>(
  make: MakeFixture<F>,
  run: (fixture: F) => void | Promise<void>,
): Promise<void> {
  const fixture = await make(new ManualClock());
  try {
    await run(fixture);
  } finally {
    await fixture.close?.();
  }
}
