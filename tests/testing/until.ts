/** Waiting for something real, as long as it takes on a slow machine, but not for ever. */

import { systemClock } from "../../src/contracts/clock.ts";

/** With the pauses between them, for three minutes and more. */
const looksLimit = 180_000;

/** Looks every millisecond whether it is so; an Error that says `what` was waited for if it never is. */
export async function until(
  what: string,
  isSo: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let looks = 0; !await isSo(); looks++) {
    if (looks === looksLimit) throw new Error(`Waited in vain: ${what}`);
    await systemClock.sleep(1);
  }
}
