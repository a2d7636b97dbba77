/** Cases of the index suite on a whole wheel cache: uploads and removals. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import {
  InvalidDistributionError,
  InvalidFilenameError,
  UploadRefusedError,
} from "../../src/contracts/errors.ts";
import { removalPath } from "../../src/wheels/paths.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { sha256Of } from "../testing/make_wheel.ts";
import type { IndexCacheFixture } from "./index_cache_fixture.ts";
import {
  before,
  byName,
  bytesAt,
  countsOf,
  failingAt,
  House,
  summaryOf,
  wheel,
} from "./index_cache_house.ts";
import type { TrialCases } from "./trials.ts";

/** The cases. */
export const uploadCases: TrialCases<IndexCacheFixture> = {
  "an upload is one record and one file, with its digests": async (fixture) => {
    const house = new House(fixture);
    const made = wheel("demo", "1.0", { summary: "A demonstration" });
    const record = await house.upload(made);
    equal(record.sha256, await sha256Of(made.bytes));
    deepEqual([record.md5?.length, record.blake2b?.length, record.uploader], [32, 64, "zoë"]);
    deepEqual((await fixture.other.all("demo")).files, [record]);
    deepEqual(await bytesAt(house.files, record.path), made.bytes);
    deepEqual(await house.paths(), [record.path, `${record.path}.metadata`]);
    deepEqual(await fixture.other.summary(), [summaryOf(record)]);
  },

  "an upload without a summary": async (fixture) => {
    const house = new House(fixture);
    for (const [version, summary] of [["1.0", ""], ["2.0", undefined]] as const) {
      const record = await house.upload(wheel("demo", version, { summary }));
      equal(Object.hasOwn(record, "summary"), false);
      deepEqual(await fixture.other.fetch(record.filename), record);
      deepEqual(await fixture.other.summary(), [summaryOf(record)]);
    }
  },

  "other bytes under a name that is taken are refused": async (fixture) => {
    const house = new House(fixture);
    const record = await house.upload(wheel("demo", "1.0"));
    const serial = await fixture.index.serial();
    await rejects(() => house.upload(wheel("demo", "1.0", { seed: 1 })), isTaken);
    deepEqual(await house.upload(wheel("demo", "1.0")), record);
    deepEqual((await fixture.other.all("demo")).files, [record]);
    equal(await sha256Of(await bytesAt(house.files, record.path)), record.sha256);
    equal(await fixture.index.serial(), serial);
  },

  "two uploads of one name at once: the first wins, for the file and the record": async (
    fixture,
  ) => {
    const house = new House(fixture);
    const elsewhere = new House(fixture, { index: fixture.other, files: house.files });
    const uploads = await Promise.allSettled(Array.from({ length: 6 }, (_, seed) => {
      return (seed % 2 ? house : elsewhere).upload(wheel("demo", "1.0", { seed }));
    }));
    const winners = uploads.filter((upload) => upload.status === "fulfilled");
    const losers = uploads.filter((upload) => upload.status === "rejected");
    equal(winners.length, 1);
    for (const { reason } of losers) ok(isTaken(reason), String(reason));
    const { files } = await fixture.other.all("demo");
    deepEqual(files, [winners[0]!.value]);
    equal(await sha256Of(await bytesAt(house.files, files[0]!.path)), files[0]!.sha256);
  },

  "two files of one version are beside each other": async (fixture) => {
    const house = new House(fixture);
    const records = [
      await house.upload(wheel("demo", "1.0")),
      await house.upload(await makeSdist({ name: "demo", version: "1.0" })),
    ];
    deepEqual(byName((await fixture.other.all("demo")).files), byName(records));
    for (const { path, sizeBytes } of records) {
      equal((await house.files.head(path))?.sizeBytes, sizeBytes);
    }
  },

  "an upload that broke off after its file is completed by itself, or by a reload": async (
    fixture,
  ) => {
    const house = new House(fixture);
    const index = failingAt(fixture.index, "add");
    const broken = new House(fixture, { index, files: house.files });
    const [again, found] = [wheel("again", "1.0"), wheel("found", "1.0")];
    for (const made of [again, found]) await rejects(() => broken.upload(made), /no add/);
    const filenames = [again.filename, found.filename];
    deepEqual(await fixture.index.fetchMany(filenames), [undefined, undefined]);
    const record = await house.upload(again);
    deepEqual(countsOf(await house.reload()), { unchanged: 1, taken: 1, removed: 0 });
    const [held, taken] = await fixture.other.fetchMany(filenames);
    deepEqual(held, record);
    equal(taken?.sha256, await sha256Of(found.bytes));
    equal((await house.upload(found)).uploader, "zoë");
  },

  "an upload that a reload overtakes keeps what only the upload knew": async (fixture) => {
    const house = new House(fixture);
    const index = before(fixture.index, "add", async () => {
      deepEqual(countsOf(await house.reload()), { unchanged: 0, taken: 1, removed: 0 });
    });
    const slow = new House(fixture, { index, files: house.files });
    const record = await slow.upload(wheel("demo", "1.0"));
    deepEqual([record.md5?.length, record.blake2b?.length, record.uploader], [32, 64, "zoë"]);
    deepEqual((await fixture.other.all("demo")).files, [record]);
    deepEqual(countsOf(await house.reload()), { unchanged: 1, taken: 0, removed: 0 });
    deepEqual((await fixture.other.all("demo")).files, [record]);
  },

  "an upload that is not what it says, or too large, or not kept, leaves nothing": async (
    fixture,
  ) => {
    const house = new House(fixture);
    const made = wheel("demo", "1.0");
    const { bytes } = made;
    const renamed = ["other-1.0-py3-none-any.whl", "demo-2.0-py3-none-any.whl", "demo.whl"];
    for (const filename of renamed) {
      await rejects(() => house.upload({ filename, bytes }), isRefused, filename);
    }
    for (const claim of [{ name: "other" }, { version: "2.0" }]) {
      await rejects(() => house.upload(made, claim), isRefused);
    }
    const body = new Blob([bytes]).stream();
    await rejects(() => house.wheelhouse.stage(body, bytes.length - 1), isTooLarge);
    const files = failingAt(house.files, "stage");
    await rejects(() => new House(fixture, { files }).upload(made), /no stage/);
    deepEqual(await house.paths(), []);
    deepEqual([await fixture.other.summary(), await fixture.other.serial()], [[], 0]);
  },

  "a removal takes the file, its record and its summary": async (fixture) => {
    const house = new House(fixture);
    const gone = await house.upload(wheel("demo", "1.0"));
    const [low, high] = [
      await house.upload(wheel("other", "1.0", { summary: "low" })),
      await house.upload(wheel("other", "2.0", { summary: "high" })),
    ];
    equal(await house.wheelhouse.remove(gone.filename), true);
    equal(await house.wheelhouse.remove(gone.filename), false);
    equal(await fixture.other.fetch(gone.filename), undefined);
    deepEqual((await fixture.other.all("demo")).files, []);
    deepEqual(await fixture.other.summary(), [summaryOf(high)]);
    equal(await house.wheelhouse.remove(high.filename), true);
    deepEqual(await fixture.other.summary(), [summaryOf(low)]);
    const marks = [gone, high].map(({ project, filename }) => removalPath(project, filename));
    deepEqual(await house.paths(), [low.path, `${low.path}.metadata`, ...marks].sort());
    ok((await fixture.other.project("demo")).isClaimed);
  },
};

function isRefused(error: unknown): boolean {
  return error instanceof InvalidFilenameError || error instanceof InvalidDistributionError;
}

function isTooLarge(error: unknown): boolean {
  return error instanceof UploadRefusedError && error.code === "too-large";
}

function isTaken(error: unknown): boolean {
  return error instanceof UploadRefusedError && error.code === "exists";
}
