import { deepEqual, equal, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import type { ReloadOptions, ReloadProgress } from "../../../src/wheels/reload.ts";
import { sha256Of } from "../../testing/make_wheel.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { bound } from "../wheels_http/upstreams.ts";
import { AtOnce, countsOf, crash, paths, Shelf } from "./reload_shelf.ts";

describe("a reload", () => {
  it("P-067 P-071 P-072: adds what is missing; the summary has the newest time", async () => {
    const shelf = new Shelf();
    await shelf.put("demo", "1.0");
    await shelf.reload();
    const before = (await shelf.index.summary())[0]!;
    await shelf.clock.advance(5_000);
    const tags = ["win32", "macosx_11_0_arm64", "linux_x86_64"];
    for (const tag of tags) await shelf.put("demo", "1.1", { tag });
    deepEqual(countsOf(await shelf.reload()), [1, 3, 0, 0]);
    equal((await shelf.index.all("demo")).files.length, 4);
    const [after, ...others] = await shelf.index.summary();
    deepEqual(others, []);
    equal(after!.uploadedAt, before.uploadedAt + 5_000);
    equal(after!.version, "1.1");
  });

  it("P-068: removes what is gone, together with its summary", async () => {
    const shelf = new Shelf();
    const { path } = await shelf.put("demo", "1.0");
    await shelf.put("other", "1.0");
    await shelf.reload();
    await shelf.files.delete(path);
    deepEqual(countsOf(await shelf.reload()), [1, 0, 1, 0]);
    deepEqual((await shelf.index.summary()).map(({ project }) => project), ["other"]);
  });

  it("does not rest because the clock of the node before is ahead", async () => {
    const shelf = new Shelf();
    await shelf.clock.advance(60_000);
    equal((await shelf.reload()).state, "done");
    const clock = new ManualClock();
    equal((await shelf.reload({ restMs: 1_000 }, { clock })).state, "done");
    equal((await shelf.reload({ restMs: 1_000 }, { clock })).state, "recent");
  });

  it("compares size, time and hash: files that keep their name are taken in again", async () => {
    const shelf = new Shelf();
    const old = await shelf.put("demo", "1.0");
    await shelf.reload();
    const record = await shelf.index.fetch(old.filename);
    await shelf.index.save({ ...record!, uploader: "ann", sha256: "0".repeat(64) });
    deepEqual(countsOf(await shelf.reload()), [1, 0, 0, 0]);
    deepEqual(countsOf(await shelf.reload({ isThorough: true })), [0, 1, 0, 0]);
    deepEqual(await shelf.index.fetch(old.filename), record);
    await shelf.files.delete(old.path);
    await shelf.clock.advance(1);
    const next = await shelf.put("demo", "1.0", { seed: 7 });
    deepEqual(countsOf(await shelf.reload()), [0, 1, 0, 0]);
    equal((await shelf.index.fetch(old.filename))?.sha256, next.sha256);
  });

  it("reads so many files at once as it is told, and of one name the first", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 9; at++) await shelf.put("demo", `1.${at}`);
    const [first = ""] = await paths(shelf.files);
    const { body } = (await shelf.files.read(first))!;
    const bytes = new Uint8Array(await new Response(body).arrayBuffer());
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    await shelf.files.put(first.replace("/", "/demo-1.00/"), new Blob([bytes]).stream(), expected);
    const counted = new AtOnce(shelf.files);
    deepEqual(countsOf(await shelf.reload({ atOnce: 4 }, { files: counted.files })), [0, 9, 0, 1]);
    equal(counted.most, 4);
    equal((await shelf.index.fetch(first.slice(first.indexOf("/") + 1)))?.path, first);
  });

  it("when one file cannot be read, those read with it end first", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 4; at++) await shelf.put("demo", `1.${at}`);
    const counted = new AtOnce(shelf.files);
    const files: FileStore = {
      ...counted.files,
      read: (path, range) =>
        path.includes("-1.0-") ? Promise.reject(crash) : counted.files.read(path, range),
    };
    await rejects(() => shelf.reload({}, { files }), (error) => error === crash);
    equal(counted.now, 0);
    equal((await shelf.known()).length, 3);
  });

  it("tells its speed, and how much is left once it knows how much there was", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 4; at++) await shelf.put("demo", `1.${at}`);
    const told: ReloadProgress[] = [];
    const onProgress = (progress: ReloadProgress): void => {
      told.push(progress);
    };
    await shelf.reload({ atOnce: 1, onProgress });
    deepEqual(told.slice(0, 4).map(({ taken, remaining }) => [taken, remaining]), [
      ...[1, 2, 3, 4].map((taken) => [taken, undefined]),
    ]);
    equal(told.at(-1)!.remaining, 0);
    told.length = 0;
    const slow: FileStore = {
      ...bound(shelf.files),
      list: async (options) => {
        await shelf.clock.advance(500);
        return await shelf.files.list(options);
      },
    };
    await shelf.reload({ onProgress, batch: 2 }, { files: slow });
    const [first, second] = told as [ReloadProgress, ReloadProgress];
    deepEqual([first.files, first.remaining, first.filesPerSecond], [1, 3, 2]);
    deepEqual([second.files, second.remaining, second.filesPerSecond], [2, 2, 2]);
    equal(told.at(-1)!.files, 4);
  });

  it("refuses options that make no sense", async () => {
    const refused: ReloadOptions[] = [
      ...[{ batch: 0 }, { batch: 1_001 }, { batch: 1.5 }, { atOnce: 0 }],
      ...[{ leaseMs: 0 }, { leaseMs: Infinity }, { restMs: -1 }, { restMs: NaN }],
    ];
    for (const options of refused) await rejects(() => new Shelf().reload(options), RangeError);
  });
});
