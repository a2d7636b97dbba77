import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryFiles } from "../../../backends/memory_files.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { makeSdist } from "../../testing/make_sdist.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, House } from "./house.ts";
import { TwistedUpstream } from "./upstreams.ts";

/** Puts a file into the store past the wheel cache, as a person with a folder would. */
async function drop(house: House, path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
  equal(await house.files.put(path, new Blob([bytes]).stream(), expected), "stored");
}

function wheel(name: string, version: string, seed = 0): MadeWheel {
  return makeWheel({ name, version, seed, metadata: ["Requires-Python: >=3.9"] });
}

/** A store that counts how often file contents are read. */
class CountedReads {
  count = 0;
  readonly store: FileStore;

  constructor(real: FileStore) {
    this.store = {
      name: real.name,
      head: (path) => real.head(path),
      read: (path, range) => {
        this.count++;
        return real.read(path, range);
      },
      put: (path, body, expected) => real.put(path, body, expected),
      stage: (body, maxBytes) => real.stage(body, maxBytes),
      delete: (path) => real.delete(path),
      list: (options) => real.list(options),
    };
  }
}

describe("a scan", () => {
  it("I-202: takes in what was put there by hand, and lets go what was removed", async () => {
    const house = new House();
    const [one, two] = [wheel("demo", "1.0"), wheel("demo", "2.0")];
    await drop(house, one.filename, one.bytes);
    await drop(house, `deep/down/${two.filename}`, two.bytes);
    deepEqual(await house.wheelhouse.scan(), { unchanged: 0, taken: 2, removed: 0, skipped: 0 });
    const page = await house.page("demo");
    deepEqual(page.versions, ["1.0", "2.0"]);
    equal(page.files[0]?.["requires-python"], ">=3.9");
    for (const [at, made] of [one, two].entries()) {
      const { pathname } = new URL(page.files[at]!.url, "https://cairn.test/simple/demo/");
      deepEqual(await bytesOf(await house.fetch(pathname)), made.bytes);
      equal(await (await house.fetch(`${pathname}.metadata`)).text(), made.metadata);
    }
    await house.files.delete(one.filename);
    deepEqual(await house.wheelhouse.scan(), { unchanged: 1, taken: 0, removed: 1, skipped: 0 });
    deepEqual((await house.page("demo")).versions, ["2.0"]);
    ok((await house.index.project("demo")).isClaimed);
  });

  it("I-096 I-212: what is no package is skipped with one line each, and never fatal", async () => {
    const house = new House();
    const good = wheel("demo", "1.0");
    const text = new TextEncoder().encode("hello");
    const others = [
      "README.md",
      "notes/todo.txt",
      "demo-1.0-py3.11.egg",
      "demo-1.0.exe",
      "demo-1.0.rpm",
      "demo-1.0.tar.gz.asc",
    ];
    for (const path of others) await drop(house, path, text);
    await drop(house, "broken-1.0-py3-none-any.whl", text);
    await drop(house, "broken-1.0.tar.gz", text);
    await drop(house, good.filename, good.bytes);
    deepEqual(await house.wheelhouse.scan(), { unchanged: 0, taken: 1, removed: 0, skipped: 8 });
    const lines = house.logged.filter(({ level }) => level === "warn");
    equal(lines.length, 8);
    for (const { message } of lines) match(message, /^Skipped ".+": /);
    deepEqual(await house.index.distinct(), ["demo"]);
  });

  it("I-097: files of legacy versions are listed, below all others", async () => {
    const house = new House();
    const wheels = ["2013b", "2011h", "1.0", "2004d"].map((version) => wheel("pytz", version));
    for (const { filename, bytes } of wheels) await drop(house, filename, bytes);
    const { filename, bytes } = await makeSdist({ name: "pytz", version: "2004d" });
    await drop(house, filename, bytes);
    equal((await house.wheelhouse.scan()).taken, 5);
    const { versions, files } = await house.page("pytz");
    // That of 2013 is no legacy version, but a beta.
    deepEqual(versions, ["2004d", "2011h", "1.0", "2013b0"]);
    equal(files.length, 5);
    equal((await house.index.summary())[0]?.version, "2013b");
  });

  it("I-093: names with dots and capitals are found and uploaded, as one project", async () => {
    const house = new House();
    const named = (name: string, version: string): MadeWheel => {
      const made = wheel("Foo.Bar", version);
      return { ...made, filename: made.filename.replace("foo_bar", name) };
    };
    for (const [at, name] of ["Foo.Bar", "FOO_BAR", "foo.bar"].entries()) {
      const found = named(name, `1.${at}`);
      await drop(house, found.filename, found.bytes);
      const uploaded = named(name, `2.${at}`);
      equal((await house.upload(uploaded, { name: "foo-BAR" })).status, 200);
    }
    equal((await house.wheelhouse.scan()).taken, 3);
    equal((await house.page("foo-bar")).files.length, 6);
    deepEqual(await house.index.distinct(), ["foo-bar"]);
    const other = named("Foo.Baz", "1.0");
    equal((await house.upload(other)).status, 400);
  });

  it("reads nothing of files whose records agree, uploaded or found", async () => {
    const reads: CountedReads[] = [];
    const house = new House({
      files: (clock) => {
        reads.push(new CountedReads(memoryFiles({ clock })));
        return reads[0]!.store;
      },
    });
    await house.publish({ name: "uploaded", version: "1.0" });
    await house.clock.advance(5_000);
    const found = wheel("found", "1.0");
    await drop(house, found.filename, found.bytes);
    await house.wheelhouse.scan();
    const before = [reads[0]!.count, await house.index.serial()];
    await house.clock.advance(60_000);
    deepEqual(await house.wheelhouse.scan(), { unchanged: 2, taken: 0, removed: 0, skipped: 0 });
    deepEqual([reads[0]!.count, await house.index.serial()], before);
  });

  it("takes in a file again that was replaced by hand", async () => {
    const house = new House();
    const [old, next] = [wheel("demo", "1.0"), wheel("demo", "1.0", 1)];
    await drop(house, old.filename, old.bytes);
    await house.wheelhouse.scan();
    await house.files.delete(old.filename);
    await house.clock.advance(1_000);
    await drop(house, old.filename, next.bytes);
    equal((await house.wheelhouse.scan()).taken, 1);
    equal((await house.page("demo")).files[0]?.hashes.sha256, await sha256Of(next.bytes));
  });

  it("keeps what only the record knew of a file that was merely touched", async () => {
    const house = new House();
    const made = wheel("demo", "1.0");
    await drop(house, made.filename, made.bytes);
    await house.wheelhouse.scan();
    const record = await house.index.fetch(made.filename);
    await house.index.save({ ...record!, yanked: "broken", uploader: "ann" });
    await house.files.delete(made.filename);
    await house.clock.advance(1_000);
    await drop(house, made.filename, made.bytes);
    equal((await house.wheelhouse.scan()).taken, 1);
    const after = await house.index.fetch(made.filename);
    deepEqual([after?.yanked, after?.uploader], ["broken", "ann"]);
  });

  it("of two files of one name takes the first", async () => {
    const house = new House();
    const [one, other] = [wheel("demo", "1.0"), wheel("demo", "1.0", 1)];
    await drop(house, `a/${one.filename}`, one.bytes);
    await drop(house, `b/${one.filename}`, other.bytes);
    for (let round = 0; round < 2; round++) {
      equal((await house.wheelhouse.scan()).skipped, 1);
      equal((await house.index.fetch(one.filename))?.path, `a/${one.filename}`);
    }
  });

  it("leaves alone what was uploaded while it ran", async () => {
    const house = new House();
    const made = wheel("demo", "1.0");
    await drop(house, made.filename, made.bytes);
    const real = house.files.list.bind(house.files);
    let isFirst = true;
    house.files.list = async (options) => {
      const page = await real(options);
      if (isFirst) await house.publish({ name: "late", version: "1.0" });
      isFirst = false;
      return page;
    };
    deepEqual(await house.wheelhouse.scan(), { unchanged: 0, taken: 1, removed: 0, skipped: 0 });
    equal((await house.page("late")).files.length, 1);
  });

  it("a lost index is rebuilt: files read through stay the upstream's, ours stay ours", async () => {
    const upstream = new TwistedUpstream();
    const theirs = await upstream.house.publish({ name: "public", version: "1.0" });
    const house = new House({ upstream: { fetch: upstream.fetch } });
    await house.publish({ name: "private", version: "1.0" });
    await bytesOf(await house.fetch(theirs.path));
    await Promise.allSettled(house.background);
    const rebuilt = new House({
      files: () => house.files,
      upstream: { fetch: upstream.fetch },
    });
    equal((await rebuilt.wheelhouse.scan()).taken, 2);
    equal((await rebuilt.index.project("private")).isClaimed, true);
    equal((await rebuilt.index.project("public")).isClaimed, false);
    await upstream.house.publish({ name: "public", version: "2.0" });
    deepEqual((await rebuilt.page("public")).versions, ["1.0", "2.0"]);
  });
});
