import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import type { ReloadProgress, ReloadReport } from "../../../src/wheels/reload.ts";
import { countsOf, crash, crashing, dying, paths, putText, Shelf, times } from "./reload_shelf.ts";
import { bound } from "../wheels_http/upstreams.ts";

describe("a reload in slices", () => {
  it("I-201: stopped after any batch and resumed it ends in the same state", async () => {
    for (let most = 1; most <= 14; most++) {
      const shelf = new Shelf();
      for (let at = 0; at < 6; at++) await shelf.put("demo", `1.${at}`);
      await shelf.reload();
      await shelf.files.delete((await shelf.known())[2]!);
      await shelf.put("new", "1.0");
      let slices = 1;
      let report = await shelf.reload({ batch: 1, mayGoOn: times(most) });
      for (; report.state === "stopped"; slices++) {
        ok(slices < 50, "the reload does not end");
        report = await shelf.reload({ batch: 1, mayGoOn: times(most) });
      }
      deepEqual([report.state, ...countsOf(report)], ["done", 5, 1, 1, 0], `most ${most}`);
      ok(slices >= 13 / (most + 1), `most ${most}: ${slices} slices`);
      deepEqual(await shelf.known(), await paths(shelf.files));
    }
  });

  it("I-201: stopped within a batch it goes on after the last file or record, counting each once", async () => {
    for (let most = 1; most <= 12; most++) {
      const shelf = new Shelf();
      for (let at = 0; at < 6; at++) await shelf.put("demo", `1.${at}`);
      await shelf.reload();
      for (const at of [1, 4]) await shelf.files.delete((await shelf.known())[at]!);
      for (let at = 0; at < 3; at++) await shelf.put("new", `1.${at}`);
      await putText(shelf.files, "notes.txt");
      const told: ReloadProgress[] = [];
      const slice = () =>
        shelf.reload({
          atOnce: 1,
          mayGoOn: times(most),
          onProgress: (progress) => void told.push(progress),
        });
      let report = await slice();
      for (let slices = 1; report.state === "stopped"; slices++) {
        ok(slices < 20, "the reload does not end");
        report = await slice();
      }
      deepEqual([report.state, ...countsOf(report)], ["done", 4, 3, 2, 1], `most ${most}`);
      deepEqual(await shelf.known(), await paths(shelf.files));
      equal(told.at(-1)!.files, 8);
      const counts = told.map(({ files }) => files);
      deepEqual(counts, counts.toSorted((left, right) => left - right));
    }
  });

  it("goes on where it was stopped, also when so much came that it is in another batch", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 9; at++) await shelf.put("demo", `1.${at}`);
    const batch = { atOnce: 1, batch: 4 };
    equal((await shelf.reload({ ...batch, mayGoOn: times(3) })).state, "stopped");
    for (let at = 0; at < 9; at++) await shelf.put("added", `1.${at}`);
    const told: ReloadProgress[] = [];
    const onProgress = (progress: ReloadProgress): void => void told.push(progress);
    deepEqual(countsOf(await shelf.reload({ ...batch, onProgress })), [0, 9, 0, 0]);
    equal(told.at(-1)!.files, 9);
    deepEqual(countsOf(await shelf.reload()), [9, 9, 0, 0]);
  });

  it("goes on where it was stopped, also when the last file has gone meanwhile", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 4; at++) await shelf.put("demo", `1.${at}`);
    equal((await shelf.reload({ atOnce: 1, mayGoOn: times(1) })).state, "stopped");
    const [first] = await shelf.known();
    await shelf.files.delete(first!);
    await shelf.put("added", "1.0");
    deepEqual(countsOf(await shelf.reload()), [0, 4, 1, 0]);
    equal((await shelf.reload()).taken, 1);
    deepEqual(await shelf.known(), await paths(shelf.files));
  });

  it("rests after its end for as long as it is told", async () => {
    const shelf = new Shelf();
    await shelf.put("demo", "1.0");
    const restMs = 1_000;
    equal((await shelf.reload({ restMs })).state, "done");
    await shelf.put("demo", "1.1");
    await shelf.clock.advance(999);
    deepEqual(await shelf.reload({ restMs }), {
      ...{ unchanged: 0, taken: 0, removed: 0, skipped: 0 },
      state: "recent",
    });
    await shelf.clock.advance(1);
    equal((await shelf.reload({ restMs, mayGoOn: () => false })).state, "stopped");
    const { state, taken } = await shelf.reload({ restMs });
    deepEqual([state, taken], ["done", 1]);
    equal((await shelf.reload()).state, "done");
  });

  it("I-201: a crash at any step loses nothing of what was done", async () => {
    let steps = Infinity;
    for (let crashAt = 1; crashAt <= steps; crashAt++) {
      const shelf = new Shelf();
      for (let at = 0; at < 3; at++) await shelf.put("demo", `1.${at}`);
      await shelf.reload();
      await shelf.files.delete((await shelf.known())[1]!);
      await shelf.put("new", "1.0");
      const fault = crashing(shelf.index, crashAt);
      const isDone = await shelf.reload({ batch: 2 }, { index: fault.index }).then(
        () => true,
        (error) => error === crash ? false : Promise.reject(error),
      );
      if (isDone) steps = fault.count();
      await shelf.clock.advance(60_000);
      equal((await shelf.reload({ batch: 2 })).state, "done");
      deepEqual(await shelf.known(), await paths(shelf.files), `crash at ${crashAt}`);
      ok(crashAt < 100, "no run without a crash");
    }
  });

  it("I-203 PX-09: of two at once one works, and the other leaves it to it", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 5; at++) await shelf.put("demo", `1.${at}`);
    let reads = 0;
    const counted = (files: FileStore): FileStore => ({
      ...bound(files),
      read: (path, range) => {
        reads++;
        return files.read(path, range);
      },
    });
    const reports = await Promise.all(
      Array.from({ length: 3 }, () => shelf.reload({}, { files: counted(shelf.files) })),
    );
    deepEqual(reports.map(({ state }) => state).sort(), ["busy", "busy", "done"]);
    const alone = new Shelf();
    for (let at = 0; at < 5; at++) await alone.put("demo", `1.${at}`);
    const before = reads;
    reads = 0;
    await alone.reload({}, { files: counted(alone.files) });
    equal(before, reads);
  });

  it("takes over from a node that is silent for as long as its lease", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 4; at++) await shelf.put("demo", `1.${at}`);
    const fault = crashing(shelf.index, 6);
    await rejects(() => shelf.reload({ batch: 1 }, { index: fault.index }), (e) => e === crash);
    equal((await shelf.reload({ leaseMs: 1 })).state, "busy");
    await shelf.clock.advance(59_999);
    equal((await shelf.reload()).state, "busy");
    await shelf.clock.advance(1);
    equal((await shelf.reload()).state, "done");
    equal((await shelf.known()).length, 4);
  });

  it("skips a file of which runs die, and takes in all others, each once", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 9; at++) await shelf.put("demo", `1.${at}`);
    const deadly = ["demo-1.3-", "demo-1.4-", "demo-1.8-"];
    let runs = 0;
    let report: ReloadReport | undefined;
    for (; report?.state !== "done"; runs++) {
      ok(runs < 20, "it has no end");
      const mortal = dying(shelf, (path) => deadly.some((name) => path.includes(name)));
      report = await Promise.race([shelf.reload({}, mortal.parts), mortal.death]);
      await shelf.clock.advance(60_000);
    }
    deepEqual(countsOf(report), [0, 6, 0, 3]);
    // The first run dies of several files at once; then each is found, died of, and skipped.
    equal(runs, 1 + 2 + 2 + 2 + 1);
    deepEqual(shelf.warnings.map((line) => /demo-1\.\d-/.exec(line)?.[0]), deadly);
    equal((await shelf.known()).length, 6);
    deepEqual(countsOf(await shelf.reload()), [6, 3, 0, 0]);
  });

  it("gives back its lease when a store fails, and skips nothing for it", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 3; at++) await shelf.put("demo", `1.${at}`);
    const failing: FileStore = { ...bound(shelf.files), read: () => Promise.reject(crash) };
    for (let round = 0; round < 5; round++) {
      await rejects(() => shelf.reload({}, { files: failing }), (error) => error === crash);
    }
    deepEqual(countsOf(await shelf.reload()), [0, 3, 0, 0]);
  });

  it("looks for the files of records in the listing, also where it goes on after a stop", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 9; at++) await shelf.put("demo", `1.${at}`);
    await shelf.reload();
    await shelf.files.delete((await shelf.known())[3]!);
    const calls = { head: 0, list: 0 };
    const files: FileStore = {
      ...bound(shelf.files),
      head: (path) => (calls.head++, shelf.files.head(path)),
      list: (options) => (calls.list++, shelf.files.list(options)),
    };
    const slice = (most: number) => shelf.reload({ batch: 4, mayGoOn: times(most) }, { files });
    equal((await slice(3)).state, "stopped");
    deepEqual(calls, { head: 0, list: 3 });
    // Of the record that is let go the file is looked for before and after.
    deepEqual(countsOf(await slice(99)), [8, 0, 1, 0]);
    deepEqual(calls, { head: 2, list: 6 });
  });

  it("looks for files one by one where they are too many for one listing", async () => {
    const shelf = new Shelf();
    for (let at = 0; at < 5; at++) await shelf.put("demo", `1.${at}`);
    await shelf.reload();
    await shelf.files.delete((await shelf.known())[3]!);
    let heads = 0;
    const files: FileStore = {
      ...bound(shelf.files),
      head: (path) => (heads++, shelf.files.head(path)),
      list: ({ cursor }) => shelf.files.list({ limit: 3, ...cursor !== undefined && { cursor } }),
    };
    const states: string[] = [];
    for (; states.at(-1) !== "done"; ok(states.length < 20, "it has no end")) {
      states.push((await shelf.reload({ mayGoOn: times(2) }, { files })).state);
    }
    equal((await shelf.known()).length, 4);
    // The one that is gone was looked for twice.
    ok(heads > 2, String(heads));
  });
});
