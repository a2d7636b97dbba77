/**
 * For tests of code that uses cairn, and of stores written for it: time that is moved by hand, a
 * scheduler that steps promises, faults on demand, and the suites every store of cairn passes.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { makeRegion } from "@cairn/cache";
 * import { ManualClock } from "@cairn/cache/testing";
 *
 * const clock = new ManualClock();
 * const region = makeRegion({ clock, hardTtlMs: 60_000 });
 * await region.set("key", "value");
 * await clock.advance(60_000);
 * equal(await region.get("key"), undefined);
 * ```
 *
 * @module
 */

export { type AtomicsFixture, atomicsSuite } from "../conformance/atomics_suite.ts";
export { backendSuite } from "../conformance/backend_suite.ts";
export {
  byteSamples,
  entrySamples,
  type MakeFixture,
  type Samples,
  type Skip,
  type StoreFixture,
  type SuiteOptions,
  type SuiteTime,
} from "../conformance/cases.ts";
export {
  listingFailureCase,
  type ListingFixture,
  listingSuite,
} from "../conformance/listing_suite.ts";
export { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
export { type RegionStore, regionSuite } from "../conformance/region_suite.ts";
export { type Faults, faulty } from "./faulty_backend.ts";
export { ManualClock, settled } from "./manual_clock.ts";
export { type Call, type Fault, ScriptedBackend } from "./scripted_backend.ts";
export {
  type Choose,
  everyChoice,
  seededChoice,
  seededRandom,
  stepped,
  SteppedWorld,
} from "./stepped_world.ts";
