/** A region on a manual clock, over the shapes that every region test should hold for. */

import type { Entry } from "../../src/contracts/entry.ts";
import { makeRegion, type Region, type RegionOptions } from "../../src/region/region.ts";
import { ManualClock } from "./manual_clock.ts";
import { ModelStore } from "./model_store.ts";

/** What a region can consist of. */
export const SHAPES = ["near", "backend", "near and backend"] as const;

/** One of {@linkcode SHAPES}. */
export type Shape = typeof SHAPES[number];

/** A region with what it stands on. */
export interface RegionBench {
  readonly clock: ManualClock;
  readonly store: ModelStore<Entry>;
  readonly region: Region;
}

/** Makes a region of a shape; the store is there also where the region does not use it. */
export function regionBench(shape: Shape, options: RegionOptions = {}): RegionBench {
  const clock = new ManualClock();
  const store = new ModelStore<Entry>(clock);
  const backend = shape === "near" ? {} : { backend: store };
  const near = shape === "backend" ? {} : { near: {} };
  return { clock, store, region: makeRegion({ clock, ...backend, ...near, ...options }) };
}

/** A creator whose n-th call answers n. */
export function counter(): () => number {
  let calls = 0;
  return function count() {
    return ++calls;
  };
}
