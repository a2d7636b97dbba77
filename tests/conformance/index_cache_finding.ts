/** Cases of the index cache suite on summaries, searches, listings, and changes that expect a state. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import type { IndexCache, PackageFile, SearchQuery } from "../../src/contracts/index_cache.ts";
import {
  fullRecord,
  type IndexCacheFixture,
  recordOf,
  strangeRecords,
} from "./index_cache_fixture.ts";
import type { TrialCases } from "./trials.ts";

/** The cases. */
export const findingCases: TrialCases<IndexCacheFixture> = {
  "fetchMany answers in the order asked for": async ({ index }) => {
    deepEqual(await index.fetchMany([]), []);
    await index.saveMany([fullRecord, ...strangeRecords]);
    const records = [strangeRecords[3], undefined, fullRecord, strangeRecords[0], fullRecord];
    const names = records.map((record) => record?.filename ?? "nowhere-1.0.whl");
    deepEqual(await index.fetchMany(names), records);
    const all = [...strangeRecords].reverse();
    deepEqual(await index.fetchMany(all.map((record) => record.filename)), all);
  },

  "summary tells of the highest version, whatever was saved last": async ({ index, other }) => {
    const texts: [string, string, number][] = [
      ["1.1", "the first", 3_000],
      ["1.1.1a2", "the highest", 1_000],
      ["1.0.9", "the last saved", 2_000],
    ];
    for (const [version, summary, uploadedAt] of texts) {
      await index.save(recordOf("demo", version, { summary, uploadedAt }));
    }
    await other.save(recordOf("plain", "2004d", { uploadedAt: 5 }));
    await index.claim("claimed", true);
    deepEqual(await index.summary(), [
      { project: "demo", version: "1.1.1a2", summary: "the highest", uploadedAt: 3_000 },
      { project: "plain", version: "2004d", uploadedAt: 5 },
    ]);
  },

  "summary and search agree on versions that are spelt otherwise, and on files of one version":
    async (
      { index, other },
    ) => {
      const said = (version: string, tag: string): PackageFile =>
        recordOf("demo", version, {
          filename: `demo-${version}-py3-none-${tag}.whl`,
          summary: `demo ${version} ${tag}`,
        });
      const rising = [
        said("2004d", "any"),
        said("1.0.dev1", "any"),
        said("v1.0RC1", "any"),
        said("1.0", "any"),
        said("1.0.0", "any"),
        said("1.0.0", "win32"),
        said("1.0.post1", "any"),
        said("1.10", "any"),
        said("1!0.1", "any"),
      ];
      const later = [...rising].reverse();
      for (const record of later) await index.add(record);
      for (const record of later) {
        const { version, summary } = record;
        const wanted = [{ project: "demo", version, summary, uploadedAt: record.uploadedAt }];
        deepEqual(await other.summary(), wanted);
        deepEqual(await other.search({ names: ["demo"], operator: "and" }), wanted);
        await index.clear(record.filename);
      }
      deepEqual(await other.summary(), []);
    },

  "summary follows when the highest version goes": async ({ index }) => {
    const [low, high] = [
      recordOf("demo", "9.0", { summary: "low", uploadedAt: 1_000 }),
      recordOf("demo", "10.0", { summary: "high", uploadedAt: 2_000 }),
    ];
    await index.saveMany([high, low]);
    equal((await index.summary())[0]?.summary, "high");
    await index.clear(high.filename);
    const lower = { project: "demo", version: "9.0", summary: "low", uploadedAt: 1_000 };
    deepEqual(await index.summary(), [lower]);
    await index.replace(low, { ...low, summary: "new" });
    deepEqual(await index.summary(), [{ ...lower, summary: "new" }]);
    await index.clear(low.filename);
    deepEqual(await index.summary(), []);
  },

  "summary after four uploads of two names has two entries": async ({ index }) => {
    for (const [name, version, uploadedAt] of fourUploads) {
      await index.add(recordOf(name, version, { uploadedAt, summary: `${name} ${version}` }));
    }
    deepEqual(await index.summary(), [
      { project: "mypkg", version: "1.3", summary: "mypkg 1.3", uploadedAt: 4_000 },
      { project: "mypkg2", version: "1.3.4", summary: "mypkg2 1.3.4", uploadedAt: 3_000 },
    ]);
  },

  "search or: any term in the name, or any in the summary": async ({ index }) => {
    await index.saveMany(searched);
    const query = { names: ["mypkg"], summaries: ["mypkg"], operator: "or" } as const;
    deepEqual(await found(index, query), ["mypkg 1.1", "mypkg2 1.3.4", "somepackage 1.3.3"]);
    deepEqual(await found(index, { names: ["zzz", "HER"], operator: "or" }), ["otherpkg 0.1"]);
  },

  "search and: all terms in the name, or all in the summary": async ({ index }) => {
    await index.saveMany(searched);
    const query = { names: ["my", "pkg"], summaries: ["this", "mypkg"], operator: "and" } as const;
    deepEqual(await found(index, query), ["mypkg 1.1", "mypkg2 1.3.4", "somepackage 1.3.3"]);
    deepEqual(await found(index, { names: ["my", "zzz"], operator: "and" }), []);
  },

  "search without terms finds nothing; another operator is refused": async ({ index }) => {
    await index.saveMany(searched);
    for (const operator of ["and", "or"] as const) {
      deepEqual(await index.search({ operator }), []);
      deepEqual(await found(index, { names: ["otherpkg"], operator }), ["otherpkg 0.1"]);
    }
    const other = { names: ["mypkg"], operator: "xor" } as unknown as SearchQuery;
    await rejects(() => index.search(other), RangeError);
  },

  "search takes wildcards for what they are, and case for nothing": async ({ index }) => {
    const summaries = ["100% sure", "a_b", "back\\slash", "it's “GROß” and ÉTÉ", "[abc]*?"];
    await index.saveMany(summaries.map((summary, at) => recordOf(`p${at}`, "1", { summary })));
    const terms: [string, string[]][] = [
      ["%", ["p0 1"]],
      ["_", ["p1 1"]],
      ["\\", ["p2 1"]],
      ["'", ["p3 1"]],
      ["*", ["p4 1"]],
      ["[a", ["p4 1"]],
      ["été", ["p3 1"]],
      ["SURE", ["p0 1"]],
      ["a%e", []],
      ["s_r", []],
      ["", ["p0 1", "p1 1", "p2 1", "p3 1", "p4 1"]],
    ];
    for (const [term, projects] of terms) {
      deepEqual(await found(index, { summaries: [term], operator: "or" }), projects, term);
    }
  },

  "search and: no terms for one of both fields are no match there": async ({ index }) => {
    await index.saveMany(searched);
    deepEqual(await found(index, { names: ["other"], summaries: [], operator: "and" }), [
      "otherpkg 0.1",
    ]);
    const summaries = ["a", "day"];
    deepEqual(await found(index, { names: [], summaries, operator: "and" }), ["mypkg 1.1"]);
    deepEqual(await found(index, { names: [], summaries: [], operator: "and" }), []);
  },

  "search judges each file by itself": async ({ index }) => {
    await index.saveMany([
      recordOf("demo", "1.0", { summary: "makes tea", uploadedAt: 1_000 }),
      recordOf("demo", "2.0", { summary: "makes coffee", uploadedAt: 2_000 }),
    ]);
    deepEqual(await index.search({ summaries: ["TEA"], operator: "or" }), [
      { project: "demo", version: "1.0", summary: "makes tea", uploadedAt: 1_000 },
    ]);
  },

  "list pages through every record once": async ({ index }) => {
    const records = Array.from({ length: 25 }, (_, at) => recordOf(`p${at % 4}`, `1.${at}`));
    await index.saveMany([...records, ...strangeRecords]);
    deepEqual(await listed(index, 7), namesOf([...records, ...strangeRecords]));
    deepEqual(await listed(index, 1_000), namesOf([...records, ...strangeRecords]));
    await index.clearAll();
    deepEqual(await listed(index, 7), []);
  },

  "list names what stays while other records come and go": async ({ index, other }) => {
    const staying = Array.from({ length: 20 }, (_, at) => recordOf("staying", `1.${at}`));
    const going = Array.from({ length: 20 }, (_, at) => recordOf("going", `1.${at}`));
    await index.saveMany([...staying, ...going]);
    let step = 0;
    const seen = await listed(index, 5, async () => {
      await other.clear(going[step]!.filename);
      await other.save(recordOf("coming", `1.${step++}`));
    });
    equal(new Set(seen).size, seen.length);
    deepEqual(seen.filter((name) => name.startsWith("staying")), namesOf(staying));
  },

  "replace changes a record that is as expected, and no other": async ({ index, other }) => {
    const [first, second] = [recordOf("demo"), recordOf("demo", "1.0", { sizeBytes: 2 })];
    equal(await index.replace(first, second), false);
    equal(await index.replace(first, undefined), false);
    equal(await index.serial(), 0);
    await index.save(first);
    const before = (await index.project("demo")).serial;
    equal(await other.replace(first, second), true);
    const after = (await index.project("demo")).serial;
    ok(after > before);
    equal(await index.replace(first, undefined), false);
    equal(await index.replace({ ...second, uploadedAt: 1 }, undefined), false);
    equal(await index.replace({ ...second, yanked: true }, undefined), false);
    equal(await index.replace({ ...second, summary: "other" }, undefined), false);
    deepEqual(await index.all("demo"), { files: [second], serial: after, isClaimed: false });
    equal(await index.replace({ ...second, summary: "" }, undefined), true);
    deepEqual((await index.all("demo")).files, []);
    deepEqual(await index.distinct(), []);
    ok((await index.project("demo")).serial > after);
  },

  "replace moves a record between projects, with both serials": async ({ index }) => {
    await index.save(fullRecord);
    const before = (await index.project("demo")).serial;
    equal(await index.replace(fullRecord, { ...fullRecord, project: "other" }), true);
    ok((await index.project("demo")).serial > before);
    ok((await index.project("other")).serial > 0);
    deepEqual(await index.distinct(), ["other"]);
  },

  "replace: of many that expect the same one succeeds": async ({ index, other }) => {
    await index.save(recordOf("race"));
    const wins = await Promise.all(Array.from({ length: 8 }, (_, at) => {
      const next = recordOf("race", "1.0", { sizeBytes: at });
      return (at % 2 ? index : other).replace(recordOf("race"), next);
    }));
    equal(wins.filter(Boolean).length, 1);
    equal((await index.fetch(recordOf("race").filename))?.sizeBytes, wins.indexOf(true));
  },

  "the cursor moves from what it is, and of many moves at once one": async ({ index, other }) => {
    equal(await index.cursor(), undefined);
    equal(await index.moveCursor("nowhere", "a"), false);
    equal(await index.moveCursor(undefined, "a"), true);
    equal(await other.cursor(), "a");
    equal(await other.moveCursor(undefined, "b"), false);
    const moves = await Promise.all(Array.from({ length: 8 }, (_, at) => {
      return (at % 2 ? index : other).moveCursor("a", `${at} “ż”`);
    }));
    equal(moves.filter(Boolean).length, 1);
    equal(await index.cursor(), `${moves.indexOf(true)} “ż”`);
    equal(await other.moveCursor(await index.cursor(), undefined), true);
    equal(await index.cursor(), undefined);
    equal(await index.serial(), 0);
  },
};

const fourUploads: readonly (readonly [string, string, number])[] = [
  ["mypkg", "1.1", 1_000],
  ["mypkg", "1.2", 2_000],
  ["mypkg2", "1.3.4", 3_000],
  ["mypkg", "1.3", 4_000],
];

const searched: readonly PackageFile[] = [
  recordOf("mypkg", "1.1", { summary: "what a day" }),
  recordOf("mypkg2", "1.3.4", { summary: "nothing said" }),
  recordOf("somepackage", "1.3.3", { summary: "this is MyPkg too" }),
  recordOf("otherpkg", "0.1", { summary: "somebody else's" }),
];

async function found(index: IndexCache, query: SearchQuery): Promise<string[]> {
  return (await index.search(query)).map(({ project, version }) => `${project} ${version}`);
}

async function listed(
  index: IndexCache,
  limit: number,
  between: () => Promise<void> = async () => {},
): Promise<string[]> {
  const names: string[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < 1_000; pages++) {
    const page = await index.list({ limit, ...cursor === undefined ? {} : { cursor } });
    names.push(...page.files.map((file) => file.filename));
    cursor = page.cursor;
    if (cursor === undefined) return names.sort();
    if (pages < 5) await between();
  }
  throw new Error("The listing does not end");
}

function namesOf(files: readonly PackageFile[]): string[] {
  return files.map((file) => file.filename).sort();
}
