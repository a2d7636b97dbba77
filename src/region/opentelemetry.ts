/**
 * A bridge from a region's events to OpenTelemetry. The few methods it needs are declared here, so
 * nothing is imported: give it what the application's own `@opentelemetry/api` answers.
 */

import type { Region } from "./region.ts";
import { REGION_EVENT_TYPES, type RegionEvent } from "./observer.ts";

/** What is needed of an OpenTelemetry `Meter`. */
export interface MeterLike {
  /** Makes a counter. */
  createCounter(name: string, options: InstrumentOptions): CounterLike;
  /** Makes a histogram. */
  createHistogram(name: string, options: InstrumentOptions): HistogramLike;
}

/** What is needed of an instrument's options. */
export interface InstrumentOptions {
  /** What is measured. */
  readonly description: string;
  /** The unit, in UCUM. */
  readonly unit: string;
}

/** What is needed of a counter. */
export interface CounterLike {
  /** Counts. */
  add(value: number, attributes: Readonly<Record<string, string>>): void;
}

/** What is needed of a histogram. */
export interface HistogramLike {
  /** Measures. */
  record(value: number, attributes: Readonly<Record<string, string>>): void;
}

/**
 * Measures a region: the counter `cairn.region.events` by `event` and `region`, and the histogram
 * `cairn.region.creation.duration` in seconds by `outcome` and `region`. Answers what ends it.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { makeRegion } from "@cairn/cache";
 * import { measured } from "@cairn/cache/opentelemetry";
 *
 * const seen: string[] = [];
 * const add = (_: number, { event }: Readonly<Record<string, string>>) => void seen.push(event!);
 * const meter = { createCounter: () => ({ add }), createHistogram: () => ({ record() {} }) };
 * const region = makeRegion();
 * const stop = measured(region, meter);
 * await region.getOrCreate("key", () => 1);
 * stop();
 * deepEqual(seen, ["miss", "create"]);
 * ```
 */
export function measured(region: Region, meter: MeterLike): () => void {
  const events = meter.createCounter("cairn.region.events", {
    description: "What happened in a cache region",
    unit: "{event}",
  });
  const durations = meter.createHistogram("cairn.region.creation.duration", {
    description: "How long creators took",
    unit: "s",
  });
  const measure = ({ type, region: name, durationMs }: RegionEvent): void => {
    events.add(1, { event: type, region: name });
    if (durationMs === undefined) return;
    const outcome = type === "createError" ? "error" : "value";
    durations.record(durationMs / 1_000, { outcome, region: name });
  };
  const stops = REGION_EVENT_TYPES.map((type) => region.on(type, measure));
  return () => stops.forEach((stop) => stop());
}
