/** The clauses of `IndexCache`, for every table of packages. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { BackendError } from "../../src/contracts/errors.ts";
import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";
import type { MakeFixture, Skip } from "./cases.ts";
import {
  fullRecord,
  type IndexCacheFixture,
  recordOf,
  strangeRecords,
} from "./index_cache_fixture.ts";
import { findingCases } from "./index_cache_finding.ts";
import { idsOf, type IndexLayout } from "./index_cache_ids.ts";
import { modelCases } from "./index_cache_model.ts";
import { reloadCases } from "./index_cache_reloads.ts";
import { uploadCases } from "./index_cache_uploads.ts";
import { wheelReloadCases } from "./index_cache_wheel_reloads.ts";
import { registerTrials, type TrialCases } from "./trials.ts";

/** How the suite is run on a store. */
export interface IndexSuiteOptions {
  /** Whose tables the store has. */
  readonly layout: IndexLayout;
  /** The cases that do not apply. Default: none. */
  readonly skips?: readonly Skip[];
}

/** Registers the cases for the index that `make` makes. */
export function indexCacheSuite(
  name: string,
  make: MakeFixture<IndexCacheFixture>,
  { layout, skips = [] }: IndexSuiteOptions,
): void {
  registerTrials(`IndexCache: ${name}`, {
    ...cases,
    ...findingCases,
    ...modelCases,
    ...uploadCases,
    ...wheelReloadCases,
    ...reloadCases,
  }, { make, skips, ids: idsOf(layout) });
}

/** The name of the case that a store which cannot fail has to skip. */
export const indexFailureCase = "clause 5: failure is a BackendError, never an empty answer";

const cases: TrialCases<IndexCacheFixture> = {
  "an empty index answers emptily": async ({ index }) => {
    equal(await index.fetch("nothing-1.0.tar.gz"), undefined);
    deepEqual(await index.all("nothing"), { files: [], serial: 0, isClaimed: false });
    deepEqual(await index.project("nothing"), { serial: 0, isClaimed: false });
    deepEqual(await index.distinct(), []);
    equal(await index.serial(), 0);
    equal(await index.clear("nothing-1.0.tar.gz"), false);
    await index.clearAll();
    await index.saveMany([]);
    await index.claim("nothing", false);
    equal(await index.serial(), 0);
    deepEqual(await index.checkHealth(), { isHealthy: true, reason: "" });
  },

  "save stores one record": async ({ index }) => {
    await index.save(recordOf("demo"));
    deepEqual((await index.all("demo")).files, [recordOf("demo")]);
    deepEqual(await index.distinct(), ["demo"]);
  },

  "fetch answers the record, with every fact": async ({ index }) => {
    await index.save(fullRecord);
    deepEqual(await index.fetch(fullRecord.filename), fullRecord);
    deepEqual((await index.all("demo")).files, [fullRecord]);
  },

  "fetch of an unknown file is undefined": async ({ index }) => {
    await index.save(recordOf("demo"));
    equal(await index.fetch("demo"), undefined);
    equal(await index.fetch("demo-1.0-py3-none-any.wh"), undefined);
  },

  "clause 1: facts left out stay out": async ({ index }) => {
    await index.save(fullRecord);
    const bare = recordOf("demo", "2.0rc1");
    await index.save(bare);
    deepEqual(Object.keys((await index.fetch(bare.filename))!).sort(), Object.keys(bare).sort());
  },

  "clause 1: an empty summary is no summary": async ({ index }) => {
    deepEqual(await index.add(recordOf("demo", "1.0", { summary: "" })), recordOf("demo"));
    await index.save(recordOf("demo", "2.0", { summary: "" }));
    deepEqual(await index.fetch(recordOf("demo", "2.0").filename), recordOf("demo", "2.0"));
  },

  "clause 1: strange records come back as they were given": async ({ index, other }) => {
    for (const record of strangeRecords) await index.save(record);
    for (const record of strangeRecords) {
      deepEqual(await other.fetch(record.filename), record, record.filename);
    }
    const projects = [...new Set(strangeRecords.map((record) => record.project))].sort();
    deepEqual(await index.distinct(), projects);
    for (const project of projects) {
      const given = strangeRecords.filter((record) => record.project === project);
      deepEqual(sorted((await index.all(project)).files), sorted(given));
    }
    await index.clearAll();
    await index.saveMany(strangeRecords);
    for (const record of strangeRecords) {
      deepEqual(await other.fetch(record.filename), record, record.filename);
    }
  },

  "clause 1: a name that is not ASCII": async ({ index }) => {
    await index.save(strangeRecords[0]!);
    deepEqual((await index.all("naïve-日本")).files, [strangeRecords[0]]);
  },

  "clause 1: a record is what it was when it was given": async ({ index }) => {
    const given = { ...recordOf("demo") };
    await index.save(given);
    given.version = "changed";
    deepEqual(await index.fetch(given.filename), recordOf("demo"));
  },

  "clause 1: a file is its filename: another one replaces nothing": async ({ index }) => {
    const wheel = recordOf("demo");
    const source = recordOf("demo", "1.0", { filename: "demo-1.0.tar.gz" });
    await index.save(wheel);
    await index.save(source);
    deepEqual(sorted((await index.all("demo")).files), sorted([wheel, source]));
    deepEqual(await index.fetch(source.filename), source);
  },

  "clause 1: a file is its filename: the same one is replaced": async ({ index }) => {
    await index.save(recordOf("demo", "1.0", { sizeBytes: 1 }));
    await index.save(recordOf("demo", "1.0", { sizeBytes: 2 }));
    deepEqual((await index.all("demo")).files, [recordOf("demo", "1.0", { sizeBytes: 2 })]);
  },

  "all answers exactly that project's files": async ({ index }) => {
    const mine = ["1.0", "1.1", "2.0"].map((version) => recordOf("demo", version));
    const others = ["demo-2", "dem", "demo2"].map((project) => recordOf(project));
    await index.saveMany([...mine, ...others]);
    deepEqual(sorted((await index.all("demo")).files), sorted(mine));
  },

  "distinct answers each name once, sorted by code unit": async ({ index }) => {
    const names = ["a", "a-b", "a0", "b", "zz", "é", "\uff5a", "\u{1f600}"].sort();
    await index.saveMany(
      names.toReversed().flatMap((name) => [recordOf(name), recordOf(name, "2")]),
    );
    deepEqual(await index.distinct(), names);
  },

  "clear of a project's only file leaves nothing but its serial": async ({ index }) => {
    await index.save(recordOf("demo"));
    const before = (await index.project("demo")).serial;
    equal(await index.clear(recordOf("demo").filename), true);
    equal(await index.fetch(recordOf("demo").filename), undefined);
    deepEqual((await index.all("demo")).files, []);
    deepEqual(await index.distinct(), []);
    equal(await index.clear(recordOf("demo").filename), false);
    ok((await index.project("demo")).serial > before);
  },

  "clear keeps the name while another file exists": async ({ index }) => {
    await index.saveMany([recordOf("demo"), recordOf("demo", "2.0")]);
    await index.clear(recordOf("demo").filename);
    deepEqual(await index.distinct(), ["demo"]);
    deepEqual((await index.all("demo")).files, [recordOf("demo", "2.0")]);
  },

  "clearAll removes every record and keeps serials and claims": async ({ index }) => {
    await index.saveMany([recordOf("demo"), recordOf("other")]);
    await index.claim("demo", true);
    const before = [(await index.project("demo")).serial, (await index.project("other")).serial];
    await index.clearAll();
    deepEqual(await index.distinct(), ["demo"]);
    equal(await index.fetch(recordOf("other").filename), undefined);
    ok((await index.project("demo")).serial > before[0]!);
    ok((await index.project("other")).serial > before[1]!);
    equal((await index.all("demo")).isClaimed, true);
    const cleared = await index.serial();
    await index.clearAll();
    equal(await index.serial(), cleared);
  },

  "clause 2: another opening sees every change that has ended": async ({ index, other }) => {
    deepEqual(await other.distinct(), []);
    await index.add(recordOf("demo"));
    deepEqual(await other.fetch(recordOf("demo").filename), recordOf("demo"));
    await other.save(recordOf("demo", "1.0", { yanked: true }));
    equal((await index.fetch(recordOf("demo").filename))?.yanked, true);
    await index.claim("demo", true);
    deepEqual(await other.all("demo"), await index.all("demo"));
    equal(await other.serial(), await index.serial());
    await other.clear(recordOf("demo").filename);
    deepEqual(await index.all("demo"), { ...await other.project("demo"), files: [] });
  },

  "add stores a new record and answers it": async ({ index }) => {
    deepEqual(await index.add(fullRecord), fullRecord);
    deepEqual(await index.fetch(fullRecord.filename), fullRecord);
    equal((await index.project("demo")).serial > 0, true);
  },

  "add leaves the first record, answers it, and changes no serial": async ({ index, other }) => {
    await index.add(fullRecord);
    const before = [await index.serial(), await index.project("demo")];
    const late = { ...fullRecord, sha256: "a".repeat(64), project: "late" };
    deepEqual(await other.add(late), fullRecord);
    deepEqual(await index.fetch(fullRecord.filename), fullRecord);
    deepEqual([await index.serial(), await index.project("demo")], before);
    deepEqual(await index.project("late"), { serial: 0, isClaimed: false });
  },

  "add: of many writers at once one is first for all of them": async ({ index, other }) => {
    const answers = await Promise.all(Array.from({ length: 16 }, (_, size) => {
      return (size % 2 ? index : other).add(recordOf("race", "1.0", { sizeBytes: size }));
    }));
    for (const answer of answers) deepEqual(answer, answers[0]);
    deepEqual((await index.all("race")).files, [answers[0]]);
  },

  "saveMany takes 5,000 records, of many projects, at once": async ({ index }) => {
    const records = Array.from({ length: 5_000 }, (_, number) => {
      const project = `project-${number % 10}`;
      return recordOf(project, `1.${number}`, { ...bulkFacts, summary: `The ${number}th` });
    });
    await index.saveMany(records);
    equal((await index.distinct()).length, 10);
    const third = await index.all("project-3");
    deepEqual(
      sorted(third.files),
      sorted(records.filter(({ project }) => project === "project-3")),
    );
    await index.saveMany(records.map((record) => ({ ...record, yanked: true as const })));
    equal((await index.fetch(records[4_999]!.filename))?.yanked, true);
    equal((await index.all("project-3")).files.length, 500);
    ok((await index.project("project-3")).serial > third.serial);
  },

  "saveMany: of two records with one filename the later stays": async ({ index }) => {
    await index.saveMany([
      recordOf("demo", "1.0", { sizeBytes: 1 }),
      recordOf("else"),
      recordOf("demo", "1.0", { sizeBytes: 2 }),
    ]);
    deepEqual((await index.all("demo")).files, [recordOf("demo", "1.0", { sizeBytes: 2 })]);
  },

  "clause 3: changes at once each raise the serial, and none is lost": async ({ index, other }) => {
    await index.save(recordOf("demo", "0"));
    const before = (await index.project("demo")).serial;
    await Promise.all(Array.from({ length: 24 }, (_, number) => {
      const store = number % 2 ? index : other;
      const record = recordOf("demo", `1.${number}`);
      if (number % 3 === 0) return store.saveMany([record, recordOf("demo", `2.${number}`)]);
      return number % 3 === 1 ? store.save(record) : store.add(record);
    }));
    const { files, serial } = await other.all("demo");
    equal(files.length, 1 + 24 + 8);
    ok(serial - before >= 24, `${serial} after ${before}`);
    ok(await index.serial() >= 25);
  },

  "clause 3: a record that moves to another project changes both": async ({ index }) => {
    const record = recordOf("demo");
    await index.saveMany([record, recordOf("other")]);
    const before = (await index.project("demo")).serial;
    await index.save({ ...record, project: "other" });
    deepEqual((await index.all("demo")).files, []);
    equal((await index.all("other")).files.length, 2);
    ok((await index.project("demo")).serial > before);
    ok((await index.project("other")).serial > before);
    await index.saveMany([record]);
    equal((await index.all("other")).files.length, 1);
  },

  "clause 4: a claim outlives the last file, until it is given up": async ({ index, other }) => {
    await index.claim("demo", true);
    deepEqual(await other.project("demo"), { serial: 0, isClaimed: true });
    deepEqual(await index.distinct(), ["demo"]);
    await index.save(recordOf("demo"));
    await index.clear(recordOf("demo").filename);
    equal((await index.all("demo")).isClaimed, true);
    deepEqual(await index.distinct(), ["demo"]);
    await other.claim("demo", false);
    equal((await index.project("demo")).isClaimed, false);
    deepEqual(await index.distinct(), []);
  },

  "clause 4: a claim raises the serial of the index once, and that of no project": async ({
    index,
  }) => {
    await index.save(recordOf("demo"));
    const { serial } = await index.project("demo");
    const before = await index.serial();
    await index.claim("demo", true);
    const after = await index.serial();
    ok(after > before);
    await index.claim("demo", true);
    equal(await index.serial(), after);
    deepEqual(await index.project("demo"), { serial, isClaimed: true });
    await index.claim("demo", false);
    ok(await index.serial() > after);
  },

  [indexFailureCase]: async ({ index, breakStore }) => {
    await index.save(recordOf("demo"));
    if (!breakStore) throw new Error("Cannot check failure: the fixture cannot break");
    await breakStore();
    for (const [operation, run] of Object.entries(everyCall)) {
      await rejects(() => run(index), isFailureOf(index), operation);
    }
    const health = await index.checkHealth();
    equal(health.isHealthy, false);
    ok(health.reason.length > 0);
  },
};

const bulkFacts: Partial<PackageFile> = {
  metadataSha256: "c".repeat(64),
  requiresPython: ">=3.9",
  md5: "d".repeat(32),
  upstream: "main",
};

const everyCall: Record<string, (index: IndexCache) => Promise<unknown>> = {
  fetch: (index) => index.fetch(recordOf("demo").filename),
  all: (index) => index.all("demo"),
  fetchMany: (index) => index.fetchMany([recordOf("demo").filename]),
  project: (index) => index.project("demo"),
  summary: (index) => index.summary(),
  search: (index) => index.search({ names: ["demo"], operator: "or" }),
  list: (index) => index.list({ limit: 10 }),
  replace: (index) => index.replace(recordOf("demo"), undefined),
  cursor: (index) => index.cursor(),
  moveCursor: (index) => index.moveCursor(undefined, "a"),
  distinct: (index) => index.distinct(),
  serial: (index) => index.serial(),
  add: (index) => index.add(recordOf("demo", "2.0")),
  save: (index) => index.save(recordOf("demo", "2.0")),
  saveMany: (index) => index.saveMany([recordOf("demo", "2.0")]),
  clear: (index) => index.clear(recordOf("demo").filename),
  clearAll: (index) => index.clearAll(),
  claim: (index) => index.claim("demo", true),
};

function isFailureOf(index: IndexCache): (error: unknown) => boolean {
  return (error) =>
    error instanceof BackendError && error.cause !== undefined && error.backend === index.name &&
    error.operation.length > 0;
}

function sorted(files: readonly PackageFile[]): PackageFile[] {
  return files.toSorted((left, right) => left.filename < right.filename ? -1 : 1);
}
