/** The Worker with a cron trigger that fires when a test says so. */

import { build } from "esbuild";
import { Miniflare } from "miniflare";
import type { R2Bucket } from "../../backends/files/r2_bucket.ts";
import { d1Index } from "../../backends/index_sql.ts";
import type { D1Database } from "../../backends/sql/d1_runner.ts";
import type { IndexCache } from "../../src/contracts/index_cache.ts";
import { postOf } from "../core/wheels_http/house.ts";

/** A file as a person puts it into a bucket. */
export interface Dropped {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** The Worker and its stores. */
export interface ScheduledWorker extends AsyncDisposable {
  readonly index: IndexCache;
  /** Puts files into the bucket; answers when the bucket got each, by its path. */
  drop(files: readonly Dropped[]): Promise<ReadonlyMap<string, number>>;
  /** Removes a file from the bucket. */
  remove(path: string): Promise<void>;
  /** What the Worker has logged. */
  log(): Promise<string>;
  /** Sends the Worker a request. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Fires the trigger, and answers how many operations that took; sorted, where it fired often. */
  fire(): Promise<number[]>;
}

/** A Worker as it is reached from outside. */
interface Worker {
  fetch(url: string, init?: RequestInit): Promise<Response>;
  scheduled(event: { cron: string }): Promise<{ outcome: string }>;
}

const DROPPED_AT_ONCE = 250;

const ORIGIN = "http://cairn.test";

/** Starts the Worker with empty stores; `AT_ONCE` is how often its trigger fires at once. */
export async function startScheduledWorker(
  variables: Readonly<Record<string, string>>,
): Promise<ScheduledWorker> {
  const script = await bundled("tests/system/workerd/counted_worker.ts");
  const miniflare = new Miniflare({
    modules: [{ type: "ESModule", path: "worker.mjs", contents: script }],
    compatibilityDate: "2026-07-01",
    compatibilityFlags: ["nodejs_als"],
    r2Buckets: ["FILES"],
    d1Databases: ["INDEX"],
    kvNamespaces: ["PAGES"],
    bindings: { ...variables },
  });
  const worker = await miniflare.getWorker() as unknown as Worker;
  const bucket = await miniflare.getR2Bucket("FILES") as unknown as R2Bucket;
  const database = await miniflare.getD1Database("INDEX") as unknown as D1Database;
  return {
    index: d1Index(database),
    drop: async (files) => new Map(await dropped(worker, files)),
    remove: (path) => bucket.delete(path),
    log: async () => await (await worker.fetch(`${ORIGIN}/log`)).text(),
    fetch: (path, init) => worker.fetch(`${ORIGIN}${path}`, init),
    async fire() {
      const { outcome } = await worker.scheduled({ cron: "* * * * *" });
      if (outcome !== "ok") throw new Error(`The trigger has ended so: ${outcome}`);
      const counts: number[] = await (await worker.fetch(`${ORIGIN}/counts`)).json();
      return counts.sort((left, right) => left - right);
    },
    [Symbol.asyncDispose]: () => miniflare.dispose(),
  };
}

async function dropped(worker: Worker, files: readonly Dropped[]): Promise<[string, number][]> {
  const times: [string, number][] = [];
  for (let start = 0; start < files.length; start += DROPPED_AT_ONCE) {
    const form = new FormData();
    for (const { path, bytes } of files.slice(start, start + DROPPED_AT_ONCE)) {
      form.append(path, new Blob([bytes]), "file");
    }
    const response = await worker.fetch(`${ORIGIN}/drop`, await postOf(form));
    times.push(...await response.json());
  }
  return times;
}

async function bundled(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    platform: "browser",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*"],
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}
