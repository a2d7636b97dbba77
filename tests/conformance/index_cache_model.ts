/**
 * An index against the simplest model of one: after any changes, made through either opening, it
 * answers what the model answers, and exactly the serials that had to grow have grown.
 */

import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "fast-check";
import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";
import { summariesOf } from "../../src/contracts/project_summaries.ts";
import { type IndexCacheFixture, recordOf } from "./index_cache_fixture.ts";
import type { TrialCases } from "./trials.ts";

/** Clauses 1 to 4 together. */
export const modelCases: TrialCases<IndexCacheFixture> = {
  "clauses 1 to 4: after any changes it is what the model is": async ({ index, other }) => {
    const property = fc.asyncProperty(fc.array(change, { maxLength: 30 }), async (changes) => {
      await index.clearAll();
      for (const name of projects) await index.claim(name, false);
      const model: Model = { files: new Map(), claims: new Set() };
      for (const [number, made] of changes.entries()) {
        await checkedChange(number % 3 ? index : other, made, model);
      }
    });
    await fc.assert(property, { numRuns: 20 });
  },
};

interface Model {
  readonly files: Map<string, PackageFile>;
  readonly claims: Set<string>;
}

type Change =
  | { readonly kind: "add" | "save"; readonly file: PackageFile }
  | { readonly kind: "saveMany"; readonly files: readonly PackageFile[] }
  | { readonly kind: "clear"; readonly filename: string }
  | { readonly kind: "clearAll" }
  | { readonly kind: "claim"; readonly project: string; readonly isClaimed: boolean };

const projects = ["a", "b-c", "d"];
const filenames = ["one.whl", "two.whl", "three.tar.gz"];

const file = fc.record({
  filename: fc.constantFrom(...filenames),
  project: fc.constantFrom(...projects),
  sizeBytes: fc.nat(5),
  summary: fc.constantFrom("", "text"),
}).map(({ filename, project, sizeBytes, summary }) =>
  recordOf(project, "1.0", { filename, sizeBytes, summary })
);

const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constantFrom("add" as const, "save" as const), file }),
  fc.record({ kind: fc.constant("saveMany" as const), files: fc.array(file, { maxLength: 4 }) }),
  fc.record({ kind: fc.constant("clear" as const), filename: fc.constantFrom(...filenames) }),
  fc.record({ kind: fc.constant("clearAll" as const) }),
  fc.record({
    kind: fc.constant("claim" as const),
    project: fc.constantFrom(...projects),
    isClaimed: fc.boolean(),
  }),
);

async function checkedChange(index: IndexCache, made: Change, model: Model): Promise<void> {
  const serialBefore = await index.serial();
  const before = new Map<string, number>();
  for (const name of projects) before.set(name, (await index.project(name)).serial);
  const touched = apply(made, model);
  await perform(index, made, model);
  for (const name of projects) {
    const { serial, isClaimed, files } = await index.all(name);
    const same = serial === before.get(name);
    ok(touched.projects.has(name) ? serial > before.get(name)! : same, `serial of ${name}`);
    equal(isClaimed, model.claims.has(name));
    deepEqual(byName(files), byName([...model.files.values()].filter((f) => f.project === name)));
  }
  const serialAfter = await index.serial();
  ok(touched.index ? serialAfter > serialBefore : serialAfter === serialBefore, "serial of all");
  deepEqual(await index.summary(), summariesOf(model.files.values()));
  const named = [...model.files.values()].map((record) => record.project);
  deepEqual(await index.distinct(), [...new Set([...named, ...model.claims])].sort());
}

async function perform(index: IndexCache, made: Change, model: Model): Promise<void> {
  switch (made.kind) {
    case "add":
      return deepEqual(await index.add(made.file), model.files.get(made.file.filename));
    case "save":
      return index.save(made.file);
    case "saveMany":
      return index.saveMany(made.files);
    case "clear":
      return void await index.clear(made.filename);
    case "clearAll":
      return index.clearAll();
    case "claim":
      return index.claim(made.project, made.isClaimed);
  }
}

/** Changes the model and answers which serials have to grow. */
function apply(made: Change, model: Model): { projects: Set<string>; index: boolean } {
  const touched = new Set<string>();
  const remove = (filename: string): void => {
    const old = model.files.get(filename);
    if (old) touched.add(old.project);
    model.files.delete(filename);
  };
  const store = (record: PackageFile): void => {
    remove(record.filename);
    const { summary, ...facts } = record;
    model.files.set(record.filename, summary ? { ...facts, summary } : facts);
    touched.add(record.project);
  };
  switch (made.kind) {
    case "add":
      if (!model.files.has(made.file.filename)) store(made.file);
      break;
    case "save":
      store(made.file);
      break;
    case "saveMany":
      new Map(made.files.map((record) => [record.filename, record])).forEach(store);
      break;
    case "clear":
      remove(made.filename);
      break;
    case "clearAll":
      [...model.files.keys()].forEach(remove);
      break;
    case "claim":
      return { projects: touched, index: changeClaim(made, model) };
  }
  return { projects: touched, index: touched.size > 0 };
}

function changeClaim(
  { project, isClaimed }: { readonly project: string; readonly isClaimed: boolean },
  { claims }: Model,
): boolean {
  if (claims.has(project) === isClaimed) return false;
  if (isClaimed) claims.add(project);
  else claims.delete(project);
  return true;
}

function byName(files: readonly PackageFile[]): PackageFile[] {
  return files.toSorted((left, right) => left.filename < right.filename ? -1 : 1);
}
