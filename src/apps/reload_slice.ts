/**
 * A reload on a Worker, in slices.
 *
 * A Worker may do only so much at a time. So a cron trigger has it do a slice every minute: as much of
 * a reload as the limits allow, from where the slice before stopped. How far the reload is lies in the
 * index, where the lease is, too; so of two slices at once one works. Most minutes nothing is due, and
 * a slice is one look at the index.
 */

import type { R2Bucket } from "../../backends/files/r2_bucket.ts";
import { d1Index } from "../../backends/index_sql.ts";
import { r2 } from "../../backends/r2.ts";
import type { D1Database } from "../../backends/sql/d1_runner.ts";
import { systemClock } from "../contracts/clock.ts";
import type { Log } from "../wheels/log.ts";
import { reloadIndex, type ReloadProgress } from "../wheels/reload.ts";
import { MeteredBindings } from "./metered.ts";
import { workersDigests } from "./workers_platform.ts";

/** The bindings and variables that concern reloads. */
export interface ReloadEnv {
  /** The bytes of the files. */
  readonly FILES: R2Bucket;
  /** The index tables. */
  readonly INDEX: D1Database;
  /** How many hours after the end of a reload the next one begins. Default 24. */
  readonly RELOAD_HOURS?: string;
  /** How many calls and statements a slice may take: 50 on the free plan. Default 1,000. */
  readonly RELOAD_OPERATIONS?: string;
}

/** What the dearest of usual files takes, with the move of the mark that follows. */
const FILE_OPERATIONS = 30;
const FEWEST_OPERATIONS = 50;

/** After so many bytes were read a slice ends, long before the CPU time that digesting takes does. */
const MOST_READ_BYTES = 1_073_741_824;

const HOUR_MS = 3_600_000;

/** Does the next slice of a reload, if one is due, and logs how far it is. */
export async function reloadSlice(env: ReloadEnv, log: Log): Promise<void> {
  const restMs = variable(env, "RELOAD_HOURS", { usual: 24, least: 0 }) * HOUR_MS;
  const most = variable(env, "RELOAD_OPERATIONS", { usual: 1_000, least: FEWEST_OPERATIONS });
  // A source distribution whose metadata comes late takes more calls than other files.
  const reserve = Math.max(FILE_OPERATIONS, most / 10);
  const meter = new MeteredBindings(env.FILES, env.INDEX);
  const parts = { files: r2(meter.files), index: d1Index(meter.index), digests: workersDigests };
  let progress: ReloadProgress | undefined;
  const { state, ...counts } = await reloadIndex({ ...parts, clock: systemClock, log }, {
    restMs,
    atOnce: 1,
    mayGoOn: () => meter.operations + reserve <= most && meter.readBytes < MOST_READ_BYTES,
    onProgress: (latest) => progress = latest,
  });
  if (state === "recent") return;
  const { files, remaining } = progress ?? {};
  log("info", messages[state], { ...counts, files, remaining, operations: meter.operations });
}

const messages = Object.freeze({
  done: "Reloaded the index",
  stopped: "Reloaded a part of the index",
  busy: "Left the reload to another Worker",
});

function variable(
  env: ReloadEnv,
  name: "RELOAD_HOURS" | "RELOAD_OPERATIONS",
  { usual, least }: { usual: number; least: number },
): number {
  const text = env[name]?.trim();
  const value = text ? Number(text) : usual;
  if (value >= least && value < Infinity) return value;
  throw new RangeError(`Cannot reload: ${name} is "${text}", not a number from ${least}`);
}
