// runs on: deno
/** Reloads on the Worker in its own runtime: in slices within its limits, and by one at a time. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { it } from "node:test";
import { memoryIndex } from "../../backends/index_memory.ts";
import { memoryFiles } from "../../backends/memory_files.ts";
import { nodeDigests } from "../../src/apps/node_digests.ts";
import { systemClock } from "../../src/contracts/clock.ts";
import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";
import { reloadIndex } from "../../src/wheels/reload.ts";
import {
  type Dropped,
  type ScheduledWorker,
  startScheduledWorker,
} from "../clients/scheduled_worker.ts";
import { postOf, uploadForm } from "../core/wheels_http/house.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../testing/make_wheel.ts";

const MOST = 500;
const MOST_FREE = 50;

/** What a slice takes that finds nothing due: a look at the schema, and at the mark. */
const IDLE = 4;

it("I-200: slices on a Worker end in the index that a reload on Deno makes, uploads and all", async () => {
  const kept = Array.from({ length: 2_000 }, (_, at) => wheel(`kept${at % 100}`, `1.${at}`));
  const found = [
    ...Array.from({ length: 200 }, (_, at) => wheel("found", `1.${at}`)),
    ...await Promise.all(Array.from({ length: 20 }, (_, at) => sdist("packed", `1.${at}`))),
  ];
  const changed = Array.from({ length: 10 }, (_, at) => wheel("changed", `1.${at}`));
  const gone = Array.from({ length: 30 }, (_, at) => wheel("gone", `1.${at}`));
  const doomed = [kept.pop()!, found.pop()!];
  const bad = [text("README.md"), text("broken/broken-1.0-py3-none-any.whl")];
  const late = makeWheel({ name: "late", version: "1.0" });
  await using worker = await startScheduledWorker({
    OPEN: "list,download,update",
    RELOAD_OPERATIONS: String(MOST),
  });
  const times = await worker.drop([...kept, ...found, ...changed, ...doomed, ...bad]);
  const before = await reloaded([...kept, ...changed, ...gone]);
  await worker.index.saveMany(before.map((record) => ({
    ...record,
    uploadedAt: times.get(record.path) ?? record.uploadedAt,
    ...record.project === "changed" && { sizeBytes: 1, sha256: "0".repeat(64) },
  })));

  const slices: number[] = [];
  for (; (await markOf(worker.index)).phase !== "done"; ok(slices.length < 60, "it has no end")) {
    slices.push(...await worker.fire());
    if (slices.length === 2) await upload(worker, late);
    if (slices.length === 3) {
      for (const { path } of doomed) {
        await worker.remove(path);
        await worker.index.clear(nameOf(path));
      }
    }
    const held = await worker.index.fetchMany(kept.map(({ path }) => nameOf(path)));
    ok(!held.includes(undefined), "A file that was there all the time cannot be seen");
  }
  ok(slices.length >= 5 && slices.every((count) => count <= MOST), String(slices));
  const uploaded = await worker.index.fetch(late.filename);
  equal(uploaded?.sha256, await sha256Of(late.bytes));
  const after = [...await reloaded([...kept, ...found, ...changed]), uploaded!];
  deepEqual(facts(await recordsIn(worker.index)), facts(after));
  const { report } = await markOf(worker.index);
  deepEqual([report.removed, report.skipped], [30, 2]);

  deepEqual(await worker.fire(), [IDLE]);
  const log = await worker.log();
  match(log, /"message":"Reloaded a part of the index",.*"files":\d+,"operations":4\d\d}/);
  match(log, /"message":"Reloaded the index",.*"removed":30,"skipped":2,.*"remaining":0/);
  match(log, /"message":"Skipped \\"README.md\\": it is no wheel/);
});

it("I-203: of two triggers that fire at once one does the work, and the other leaves it to it", async () => {
  await using worker = await startScheduledWorker({ RELOAD_OPERATIONS: "100", AT_ONCE: "2" });
  const files = Array.from({ length: 20 }, (_, at) => wheel("demo", `1.${at}`));
  await worker.drop(files);
  for (let rounds = 0; (await markOf(worker.index)).phase !== "done"; rounds++) {
    ok(rounds < 20, "it has no end");
    const [idle = 0, busy = 0] = await worker.fire();
    ok(idle <= IDLE + 2 && busy > IDLE + 2 && busy <= 100, `${idle}, ${busy}`);
  }
  const log = await worker.log();
  equal(log.match(/"Took in /g)?.length, files.length);
  match(log, /"message":"Left the reload to another Worker"/);
  deepEqual(facts(await recordsIn(worker.index)), facts(await reloaded(files)));
});

it("on the free plan no slice asks for more than 50 operations, and each does something", async () => {
  const variables = { RELOAD_OPERATIONS: String(MOST_FREE), RELOAD_HOURS: "0" };
  await using worker = await startScheduledWorker(variables);
  const files = [
    wheel("demo", "1.0"),
    wheel("demo", "1.1"),
    await sdist("demo", "1.2"),
    text("a.md"),
  ];
  await worker.drop(files);
  const slices = await worker.fire();
  while ((await markOf(worker.index)).phase !== "done") {
    slices.push(...await worker.fire());
    ok(slices.length < 10, "it has no end");
  }
  ok(slices.every((count) => count <= MOST_FREE), String(slices));
  await worker.remove(files[0]!.path);
  const { serial } = await worker.index.project("demo");
  do slices.push(...await worker.fire()); while (
    (await markOf(worker.index)).phase !== "done" && slices.length < 20
  );
  ok(slices.every((count) => count <= MOST_FREE), String(slices));
  ok((await worker.index.project("demo")).serial > serial);
  deepEqual(facts(await recordsIn(worker.index)), facts(await reloaded(files.slice(1))));
});

function wheel(name: string, version: string): Dropped {
  const { filename, bytes } = makeWheel({ name, version });
  return { path: `${name}/${filename}`, bytes };
}

async function sdist(name: string, version: string): Promise<Dropped> {
  const { filename, bytes } = await makeSdist({ name, version });
  return { path: `${name}/${filename}`, bytes };
}

function text(path: string): Dropped {
  return { path, bytes: new TextEncoder().encode(path) };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

async function upload(worker: ScheduledWorker, made: MadeWheel): Promise<void> {
  const response = await worker.fetch("/legacy/", await postOf(await uploadForm(made)));
  equal(response.status, 200, await response.text());
}

/** The records that a reload makes of these files where everything is in memory. */
async function reloaded(dropped: readonly Dropped[]): Promise<PackageFile[]> {
  const [files, index] = [memoryFiles(), memoryIndex()];
  for (const { path, bytes } of dropped) {
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    await files.put(path, new Blob([bytes]).stream(), expected);
  }
  await reloadIndex({ files, index, digests: nodeDigests, clock: systemClock, log: () => {} });
  return await recordsIn(index);
}

async function recordsIn(index: IndexCache): Promise<PackageFile[]> {
  const records: PackageFile[] = [];
  let cursor: string | undefined = "";
  while (cursor !== undefined) {
    const page: Awaited<ReturnType<IndexCache["list"]>> = await index.list({
      limit: 1_000,
      cursor,
    });
    records.push(...page.files);
    cursor = page.cursor;
  }
  return records;
}

/** All of records but their times, which are the stores'. */
function facts(records: readonly PackageFile[]): string[] {
  return records.map(({ uploadedAt: _, ...record }) => {
    return JSON.stringify(Object.entries(record).sort());
  }).sort();
}

/** How far the index says that the reload is. */
async function markOf(index: IndexCache): Promise<Mark> {
  const text = await index.cursor();
  return text === undefined ? { phase: "files", report: {} } : JSON.parse(text);
}

interface Mark {
  readonly phase: "files" | "records" | "done";
  readonly report: Readonly<Record<string, number>>;
}
