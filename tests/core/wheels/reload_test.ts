import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryIndex } from "../../../backends/index_memory.ts";
import { memoryFiles } from "../../../backends/memory_files.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import type { IndexCache } from "../../../src/contracts/index_cache.ts";
import { portableDigests } from "../../../src/wheels/digests.ts";
import {
  reloadIndex,
  type ReloadOptions,
  type ReloadParts,
  type ReloadProgress,
  type ReloadReport,
} from "../../../src/wheels/reload.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

/** A store and an index, and wheels that are put into the store by hand. */
class Shelf {
  readonly clock = new ManualClock();
  readonly files: FileStore = memoryFiles({ clock: this.clock });
  readonly index: IndexCache = memoryIndex();
  readonly warnings: string[] = [];

  reload(options: ReloadOptions = {}, parts: Partial<ReloadParts> = {}): Promise<ReloadReport> {
    const { clock, files, index } = this;
    const log: ReloadParts["log"] = (level, message) => {
      if (level === "warn") this.warnings.push(message);
    };
    return reloadIndex({ clock, files, index, digests: portableDigests, log, ...parts }, options);
  }

  async put(name: string, version: string, options: { tag?: string; seed?: number } = {}) {
    const { bytes, ...made } = makeWheel({ name, version, seed: options.seed ?? 0 });
    const filename = made.filename.replace("-any.whl", `-${options.tag ?? "any"}.whl`);
    const path = `${name}/${filename}`;
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    equal(await this.files.put(path, new Blob([bytes]).stream(), expected), "stored");
    return { path, filename, sha256: expected.sha256 };
  }

  /** The files that the index knows, and none of which it should not. */
  async known(): Promise<string[]> {
    const { files } = await this.index.list({ limit: 1_000 });
    return files.map(({ path }) => path).sort();
  }
}

function countsOf({ unchanged, taken, removed, skipped }: ReloadReport): number[] {
  return [unchanged, taken, removed, skipped];
}

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

  it("does not rest because the clock of the node before is ahead", async () => {
    const shelf = new Shelf();
    await shelf.clock.advance(60_000);
    equal((await shelf.reload()).state, "done");
    const clock = new ManualClock();
    equal((await shelf.reload({ restMs: 1_000 }, { clock })).state, "done");
    equal((await shelf.reload({ restMs: 1_000 }, { clock })).state, "recent");
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

/** Answers yes so many times less one, and then no. */
function times(count: number): () => boolean {
  let left = count;
  return () => --left > 0;
}

async function putText(files: FileStore, path: string): Promise<void> {
  const bytes = new TextEncoder().encode(path);
  const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
  await files.put(path, new Blob([bytes]).stream(), expected);
}

async function paths(files: FileStore): Promise<string[]> {
  const page = await files.list({ limit: 1_000 });
  return page.files.map(({ path }) => path).filter((path) => path.endsWith(".whl")).sort();
}

/** The store's methods, to be spread and partly replaced. */
function bound(files: FileStore): FileStore {
  return {
    name: files.name,
    head: (path) => files.head(path),
    read: (path, range) => files.read(path, range),
    put: (path, body, expected) => files.put(path, body, expected),
    stage: (body, maxBytes) => files.stage(body, maxBytes),
    delete: (path) => files.delete(path),
    list: (options) => files.list(options),
  };
}

/** A store that counts how many heads of files are being looked at and files read at once. */
class AtOnce {
  now = 0;
  most = 0;
  readonly files: FileStore;

  constructor(files: FileStore) {
    this.files = {
      ...bound(files),
      head: (path) => this.#during(() => files.head(path)),
      read: (path, range) => this.#during(() => files.read(path, range)),
    };
  }

  async #during<T>(call: () => Promise<T>): Promise<T> {
    this.most = Math.max(this.most, ++this.now);
    try {
      return await call();
    } finally {
      this.now--;
    }
  }
}

const crash: Error = new Error("crash");

/** The index until its n-th call, with which the process is gone. */
function crashing(index: IndexCache, crashAt: number): { index: IndexCache; count(): number } {
  let calls = 0;
  const guarded = new Proxy(index, {
    get(target, name: keyof IndexCache) {
      const method = target[name];
      if (typeof method !== "function") return method;
      return (...args: never[]) => {
        if (++calls >= crashAt) return Promise.reject(crash);
        return (method as (...args: never[]) => unknown).apply(target, args);
      };
    },
  });
  return { index: guarded, count: () => calls };
}
