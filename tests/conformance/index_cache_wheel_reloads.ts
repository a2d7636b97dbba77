/** Cases of the index suite on a whole wheel cache: reloads of real archives. */

import { deepEqual, equal, ok } from "node:assert/strict";
import type { IndexCache, PackageFile } from "../../src/contracts/index_cache.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import type { IndexCacheFixture } from "./index_cache_fixture.ts";
import { countsOf, failingAt, following, House, summaryOf, wheel } from "./index_cache_house.ts";
import type { TrialCases } from "./trials.ts";

/** The cases. */
export const wheelReloadCases: TrialCases<IndexCacheFixture> = {
  "a reload of an empty index takes every file in, with its digest": async (fixture) => {
    const house = new House(fixture);
    const put = [
      await house.put(wheel("demo", "1.0", { summary: "A demonstration" })),
      await house.put(wheel("demo", "2.0")),
      await house.put(await makeSdist({ name: "other", version: "1.0" })),
    ];
    deepEqual(countsOf(await house.reload()), { unchanged: 0, taken: 3, removed: 0 });
    const records = await fixture.other.fetchMany(put.map(({ filename }) => filename));
    deepEqual(records.map((record) => record?.sha256), put.map(({ sha256 }) => sha256));
    deepEqual(records.map((record) => record?.summary), ["A demonstration", undefined, undefined]);
    deepEqual(await fixture.other.distinct(), ["demo", "other"]);
  },

  "a reload of a full index reads no file and changes no record": async (fixture) => {
    const house = new House(fixture);
    await house.upload(wheel("demo", "1.0"));
    await house.put(wheel("other", "1.0"));
    await house.reload();
    const serial = await fixture.index.serial();
    const unread = failingAt(house.files, "read");
    const reload = await new House(fixture, { files: unread }).reload();
    deepEqual(countsOf(reload), { unchanged: 2, taken: 0, removed: 0 });
    equal(await fixture.index.serial(), serial);
  },

  "a reload adds what is missing, under one summary": async (fixture) => {
    const house = new House(fixture);
    await house.put(wheel("demo", "1.0", { summary: "A demonstration" }));
    await house.reload();
    const [record] = (await fixture.other.all("demo")).files;
    deepEqual(await fixture.other.summary(), [summaryOf(record!)]);
    equal((await fixture.other.summary())[0]!.summary, "A demonstration");
  },

  "a reload removes what is gone, and its summary": async (fixture) => {
    const house = new House(fixture);
    const [stays, goes] = [
      await house.put(wheel("stays", "1.0")),
      await house.put(wheel("x", "1")),
    ];
    await house.reload();
    await house.files.delete(goes.path);
    deepEqual(countsOf(await house.reload()), { unchanged: 1, taken: 0, removed: 1 });
    deepEqual(await summarised(fixture.other), ["stays"]);
    equal(await fixture.other.fetch(goes.filename), undefined);
    ok(await fixture.other.fetch(stays.filename));
  },

  "a reload removes what is gone and leaves what is uploaded while it lists": async (fixture) => {
    const house = new House(fixture);
    await house.put(wheel("stays", "1.0"));
    const goes = await house.put(wheel("goes", "1.0"));
    await house.reload();
    await house.files.delete(goes.path);
    const elsewhere = new House(fixture, { index: fixture.other, files: house.files });
    const publish = await elsewhere.stage(wheel("comes", "1.0"));
    await house.clock.advance(5_000);
    let comes: PackageFile | undefined;
    const files = following(house.files, "list", async () => void (comes = await publish()));
    const reload = await new House(fixture, { files }).reload();
    deepEqual(countsOf(reload), { unchanged: 1, taken: 0, removed: 1 });
    deepEqual(await summarised(fixture.other), ["comes", "stays"]);
    deepEqual(await fixture.other.fetch(comes!.filename), comes);
  },

  "an upload after the records were read stays": async (fixture) => {
    const house = new House(fixture);
    await house.put(wheel("stays", "1.0"));
    await house.reload();
    let comes: PackageFile | undefined;
    const index = following(fixture.index, "list", async () => {
      comes = await house.upload(wheel("comes", "1.0"));
    });
    await new House(fixture, { index, files: house.files }).reload();
    deepEqual(await fixture.other.fetch(comes!.filename), comes);
    deepEqual(await summarised(fixture.other), ["comes", "stays"]);
    deepEqual(countsOf(await house.reload()), { unchanged: 2, taken: 0, removed: 0 });
  },

  "a reload removes what goes between its listings": async (fixture) => {
    const house = new House(fixture);
    const known = await house.put(wheel("known", "1.0"));
    await house.reload();
    const unknown = await house.put(wheel("unknown", "1.0"));
    await house.put(wheel("zest", "1.0"));
    const files = following(house.files, "list", async () => {
      await house.files.delete(known.path);
      await house.files.delete(unknown.path);
    });
    const reload = await new House(fixture, { files }).reload();
    deepEqual(countsOf(reload), { unchanged: 1, taken: 1, removed: 1 });
    deepEqual(await summarised(fixture.other), ["zest"]);
    deepEqual(await fixture.other.fetchMany([known.filename, unknown.filename]), [
      undefined,
      undefined,
    ]);
  },

  "a reload follows what another region has written, whatever the names": async (fixture) => {
    const house = new House(fixture);
    const made = wheel("demo", "1.0+local.1");
    const folder = "mirrored from far away/a+b %2B";
    const old = await house.put(made, folder);
    await house.put(wheel("stays", "1.0"));
    const noise = "notes of the dummy.txt";
    const text = new TextEncoder().encode("no package");
    await house.put({ filename: noise, bytes: text }, folder);
    equal((await house.reload()).taken, 2);
    deepEqual((await fixture.other.fetch(made.filename))?.path, `${folder}/${made.filename}`);
    await house.clock.advance(1);
    for (const path of [old.path, `${folder}/${noise}`]) await house.files.delete(path);
    const next = await house.put(wheel("demo", "1.0+local.1", { seed: 1 }), folder);
    deepEqual(countsOf(await house.reload()), { unchanged: 1, taken: 1, removed: 0 });
    equal((await fixture.other.fetch(made.filename))?.sha256, next.sha256);
    deepEqual(await summarised(fixture.other), ["demo", "stays"]);
  },

  "a reload makes a newer file the summary's time": async (fixture) => {
    const house = new House(fixture);
    await house.put(wheel("demo", "2.0"));
    await house.reload();
    const [old] = await fixture.other.summary();
    await house.clock.advance(60_000);
    await house.put(wheel("demo", "1.0"));
    await house.reload();
    const newer = { ...old!, uploadedAt: old!.uploadedAt + 60_000 };
    deepEqual(await fixture.other.summary(), [newer]);
  },

  "a reload takes in three files of one version, under one summary": async (fixture) => {
    const house = new House(fixture);
    for (const tag of ["win32", "macosx_11_0_arm64", "linux_x86_64"]) {
      const made = wheel("demo", "1.0");
      await house.put({ ...made, filename: made.filename.replace("any.whl", `${tag}.whl`) });
    }
    deepEqual(countsOf(await house.reload()), { unchanged: 0, taken: 3, removed: 0 });
    equal((await fixture.other.all("demo")).files.length, 3);
    deepEqual(await summarised(fixture.other), ["demo"]);
  },
};

async function summarised(index: IndexCache): Promise<string[]> {
  return (await index.summary()).map(({ project }) => project);
}
