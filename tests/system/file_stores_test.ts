// runs on: deno, node22, node24
/** The file stores that need a machine: folders. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { folder } from "../../backends/folder.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { FilePage, FileStore } from "../../src/contracts/file_store.ts";
import {
  bodyOf,
  bytesOf,
  bytesRead,
  expectedOf,
  streamOf,
  textBytes,
} from "../conformance/file_bodies.ts";
import { fileStoreSuite } from "../conformance/file_store_suite.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { until } from "../testing/until.ts";
import { runChild } from "./children/run_child.ts";

const base = await mkdtemp(join(await realpath(tmpdir()), "cairn-files-"));
let roots = 0;

async function freshRoot(): Promise<string> {
  const root = join(base, `root-${++roots}`);
  await mkdir(root);
  return root;
}

async function contentsOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

after(() => rm(base, { recursive: true, force: true }));

fileStoreSuite("folder", async (clock) => {
  const root = await freshRoot();
  return {
    store: folder(root, { clock }),
    other: folder(root, { clock }),
    contents: () => contentsOf(root),
    // A file in the folder's place fails every operation, also for a root user.
    async breakStore() {
      await rm(root, { recursive: true });
      await writeFile(root, "no folder");
    },
  };
});

describe("folder", () => {
  let root = "";
  before(async () => void (root = await freshRoot()));

  it("refuses an empty root, and makes one that is not there at first use", async () => {
    throws(() => folder(""), RangeError);
    const nested = join(root, "not", "yet");
    const files = folder(nested);
    await rejects(() => stat(nested));
    equal(await files.head("x"), undefined);
    ok((await stat(nested)).isDirectory());
  });

  it("lists and reads what others put there, but neither dot files nor what is no file", async () => {
    const root = await freshRoot();
    await mkdir(join(root, "sub/.git"), { recursive: true });
    for (
      const path of ["demo-1.0.tar.gz", "sub/x.whl", ".hidden", "sub/.git/config", "a:b", "a\nb"]
    ) {
      await writeFile(join(root, path), path);
    }
    const files = folder(root);
    const { files: listed } = await files.list({ limit: 10 });
    deepEqual(listed.map((file) => file.path), ["demo-1.0.tar.gz", "sub/x.whl"]);
    deepEqual(await bytesRead(await files.read("sub/x.whl")), textBytes("sub/x.whl"));
    await files.stage(streamOf(textBytes("aside")), 10);
    equal((await files.list({ limit: 10 })).files.length, 2);
  });

  it("follows no symbolic link, neither to read nor to list, write or delete", async () => {
    const root = await freshRoot();
    const outside = await freshRoot();
    await writeFile(join(outside, "secret"), "secret");
    await mkdir(join(root, "real"));
    await writeFile(join(root, "real/file"), "inside");
    await symlink(join(outside, "secret"), join(root, "link"));
    await symlink(outside, join(root, "folder"));
    await symlink(join(root, "real"), join(root, "inner"));
    await symlink("loop", join(root, "loop"));
    const files = folder(root);
    for (const path of ["link", "folder/secret", "inner/file", "loop", "loop/x"]) {
      equal(await files.head(path), undefined, path);
      equal(await files.read(path), undefined, path);
      equal(await files.delete(path), false, path);
    }
    deepEqual((await files.list({ limit: 10 })).files.map(({ path }) => path), ["real/file"]);
    const bytes = textBytes("written");
    for (const path of ["link", "folder/new", "folder/deep/new", "inner/new", "loop"]) {
      const put = async (): Promise<unknown> =>
        files.put(path, streamOf(bytes), await expectedOf(bytes));
      await rejects(put, BackendError, path);
    }
    deepEqual(await contentsOf(outside), ["secret"]);
    equal(await readFile(join(outside, "secret"), "utf8"), "secret");
    deepEqual((await contentsOf(root)).sort(), ["folder", "inner", "link", "loop", "real/file"]);
  });

  it("works on a root that is itself a link", async () => {
    const root = await freshRoot();
    await symlink(root, `${root}-link`);
    const files = folder(`${root}-link`);
    const bytes = textBytes("through");
    equal(await files.put("a/b", streamOf(bytes), await expectedOf(bytes)), "stored");
    deepEqual(await contentsOf(root), ["a/b"]);
    deepEqual(await bytesRead(await files.read("a/b")), bytes);
  });

  it("refuses a file where a folder is, and a folder where a file is", async () => {
    const root = await freshRoot();
    const files = folder(root);
    const bytes = textBytes("x");
    const expected = await expectedOf(bytes);
    await files.put("a/b", streamOf(bytes), expected);
    await rejects(() => files.put("a", streamOf(bytes), expected), BackendError);
    await rejects(() => files.put("a/b/c", streamOf(bytes), expected), BackendError);
    await rejects(() => files.put("a/b/c/d", streamOf(bytes), expected), BackendError);
    deepEqual(await contentsOf(root), ["a/b"]);
  });

  it("sweeps leftovers of more than a day when it is opened, and nothing else", async () => {
    const root = await freshRoot();
    const now = 1_700_000_000_000;
    const staging = join(root, ".cairn/staging");
    await mkdir(staging, { recursive: true });
    const dayMs = 86_400_000;
    const leftovers = { a: dayMs + 2_000, b: dayMs - 2_000, c: 0 };
    for (const [name, ageMs] of Object.entries(leftovers)) {
      await writeFile(join(staging, name.repeat(32)), name);
      await utimes(join(staging, name.repeat(32)), (now - ageMs) / 1_000, (now - ageMs) / 1_000);
    }
    await writeFile(join(staging, "note.txt"), "not ours");
    await utimes(join(staging, "note.txt"), 1, 1);
    const files = folder(root, { clock: new ManualClock(now) });
    equal((await readdir(staging)).length, 4);
    await files.list({ limit: 1 });
    deepEqual((await readdir(staging)).sort(), ["b".repeat(32), "c".repeat(32), "note.txt"]);
  });

  it("refuses a staging folder that is a link, or lies in one", async () => {
    for (const link of [".cairn", ".cairn/staging"]) {
      const root = await freshRoot();
      const outside = await freshRoot();
      if (link !== ".cairn") await mkdir(join(root, ".cairn"));
      await symlink(outside, join(root, link));
      const bytes = textBytes("x");
      await rejects(() => folder(root).stage(streamOf(bytes), 10), BackendError);
      deepEqual(await readdir(outside), []);
    }
  });

  it("adds one folder of its own to what it serves, and leaves what else lies in it", async () => {
    const root = await freshRoot();
    await mkdir(join(root, ".cairn"));
    await writeFile(join(root, ".cairn/index.sqlite"), "a table");
    const bytes = textBytes("x");
    await folder(root).put("a/b", streamOf(bytes), await expectedOf(bytes));
    deepEqual((await readdir(root)).sort(), [".cairn", "a"]);
    deepEqual((await readdir(join(root, ".cairn"))).sort(), ["index.sqlite", "staging"]);
    deepEqual(await contentsOf(join(root, ".cairn")), ["index.sqlite"]);
  });

  it("dates a file at its publication, not at its arrival, to the millisecond", async () => {
    const clock = new ManualClock(1_700_000_000_123);
    const files = folder(await freshRoot(), { clock });
    for (let number = 0; number < 40; number++) {
      const staged = await files.stage(streamOf(textBytes("x")), 10);
      await clock.advance(987_651 + number);
      await staged.publish(`file-${number}`);
      equal((await files.head(`file-${number}`))?.modifiedAt, clock.now());
    }
    equal((await files.list({ limit: 40 })).files.at(-1)?.path, "file-9");
  });

  it("publishes also while other processes take its folders away", async () => {
    const root = await freshRoot();
    await Promise.all([1, 2, 3].map(() => runChild("folder_writer.ts", [root, "150"])));
    deepEqual(await contentsOf(root), []);
  });

  it("lists a change made right after a listing", async () => {
    const root = await freshRoot();
    const [files, writer] = [folder(root), folder(root)];
    for (let number = 10; number < 60; number++) {
      await changeFiles(writer, number);
      for (const limit of [7, 1_000]) {
        deepEqual(await listedBy(files, limit), (await contentsOf(root)).sort(), `${number}`);
      }
    }
  });

  it("lists a change in a folder whose names it has kept", async () => {
    const root = await freshRoot();
    const writer = folder(root);
    // To a clock that is an hour ahead every folder is at rest.
    const keeping = folder(root, { clock: new ManualClock(Date.now() + 3_600_000) });
    for (let number = 10; number < 40; number++) {
      await changeFiles(writer, number);
      for (const limit of [7, 1_000]) {
        deepEqual(await listedBy(keeping, limit), (await contentsOf(root)).sort(), `${number}`);
      }
      await tick(root);
    }
  });

  it("removes the folders that a deletion empties, up to the first that is not", async () => {
    const root = await freshRoot();
    const files = folder(root);
    const bytes = textBytes("x");
    for (const path of ["a/b/c/d", "a/e"]) {
      await files.put(path, streamOf(bytes), await expectedOf(bytes));
    }
    await files.delete("a/b/c/d");
    deepEqual(await readdir(join(root, "a")), ["e"]);
    await files.delete("a/e");
    deepEqual(await readdir(root), [".cairn"]);
  });

  it("does not take a folder that has vanished for an empty one, and recovers", async () => {
    const root = await freshRoot();
    const files = folder(root);
    await files.list({ limit: 1 });
    await rm(root, { recursive: true });
    await mkdir(root);
    await rejects(() => files.head("x"), BackendError);
    await rejects(() => files.list({ limit: 1 }), BackendError);
    await rejects(() => files.delete("x"), BackendError);
    equal(await folder(root).head("x"), undefined);
    equal(await files.head("x"), undefined);
  });

  it("opens again after an opening that failed", async () => {
    const root = join(base, "late");
    await writeFile(root, "in the way");
    const files = folder(root);
    await rejects(() => files.head("x"), BackendError);
    await rm(root);
    equal(await files.head("x"), undefined);
  });

  it("fails a read whose file is cut short under it", async () => {
    const root = await freshRoot();
    const files = folder(root);
    const bytes = bytesOf(1, 2_000_000);
    await files.put("file", streamOf(bytes), await expectedOf(bytes));
    const opened = await files.read("file");
    await writeFile(join(root, "file"), "short");
    await rejects(() => bytesRead(opened), BackendError);
  });

  it("keeps no file open after reads, cancellations and failures", async () => {
    const root = await freshRoot();
    const files = folder(root);
    const bytes = bytesOf(1, 1_000);
    await files.put("file", streamOf(bytes), await expectedOf(bytes));
    const before = await openFiles();
    for (let count = 0; count < 200; count++) {
      await bytesRead(await files.read("file"));
      await (await files.read("file"))!.body.cancel();
      await rejects(() => files.read("file", { offset: 2_000, length: 1 }), RangeError);
      const broken = bodyOf([bytes], { error: new Error("broken") });
      await rejects(() => files.stage(broken.stream, 10_000), /broken/);
    }
    ok(await openFiles() <= before + 2, `${await openFiles()} after ${before}`);
  });
});

/** Adds a file and now and then removes one. */
async function changeFiles(files: FileStore, number: number): Promise<void> {
  const bytes = textBytes("x");
  await files.put(`a/${number}`, streamOf(bytes), await expectedOf(bytes));
  if (number % 3 === 0) await files.delete(`a/${number - 1}`);
}

/** Returns when the file system's clock has moved on since the folder was last changed. */
async function tick(root: string): Promise<void> {
  const { mtimeMs } = await stat(join(root, "a"));
  const probe = join(root, ".tick");
  await until("the clock of the file system moves on", async () => {
    await writeFile(probe, "");
    return (await stat(probe)).mtimeMs > mtimeMs;
  });
  await rm(probe);
}

async function listedBy(files: FileStore, limit: number): Promise<string[]> {
  const paths: string[] = [];
  let cursor: string | undefined = "";
  while (cursor !== undefined) {
    const page: FilePage = await files.list({ limit, cursor });
    paths.push(...page.files.map((file) => file.path));
    cursor = page.cursor;
  }
  return paths;
}

// Linux lists a process's open files; elsewhere there is nothing to compare.
async function openFiles(): Promise<number> {
  try {
    return (await readdir("/proc/self/fd")).length;
  } catch {
    return 0;
  }
}
