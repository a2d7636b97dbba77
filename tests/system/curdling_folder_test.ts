/** curdling's index was a folder: what is made of one here. */

import { deepEqual, equal } from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { folder } from "../../backends/folder.ts";
import { memoryIndex } from "../../backends/index_memory.ts";
import { makeRegion } from "../../src/region/region.ts";
import { findPackage } from "../../src/wheels/find_package.ts";
import { Wheelhouse } from "../../src/wheels/wheelhouse.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";

const WHEEL = makeWheel({ name: "gherkin", version: "0.1.0" });

describe("curdling's folder", () => {
  let base = "";
  before(async () => {
    base = await mkdtemp(join(tmpdir(), "cairn-curdling-"));
  });
  after(() => rm(base, { recursive: true }));

  function houseIn(root: string) {
    const index = memoryIndex();
    const wheelhouse = new Wheelhouse({ index, files: folder(root), pages: makeRegion() });
    return { index, wheelhouse };
  }

  async function put(root: string, path: string): Promise<void> {
    const { bytes } = WHEEL;
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    equal(await folder(root).put(path, new Blob([bytes]).stream(), expected), "stored");
  }

  it("C-001: is made, with all above it, when the first file comes", async () => {
    await put(join(base, "not", "there"), `gherkin/${WHEEL.filename}`);
    deepEqual(await readdir(join(base, "not", "there", "gherkin")), [WHEEL.filename]);
  });

  it("C-002: is not made again where it is", async () => {
    const root = join(base, "there");
    await mkdir(join(root, "gherkin"), { recursive: true });
    await writeFile(join(root, "gherkin", "gherkin-0.0.1.tar.gz"), "");
    const inodes = async () =>
      await Promise.all([root, join(root, "gherkin")].map(async (path) => (await stat(path)).ino));
    const before = await inodes();
    await put(root, `gherkin/${WHEEL.filename}`);
    deepEqual(await inodes(), before);
    deepEqual((await readdir(join(root, "gherkin"))).sort(), [
      "gherkin-0.0.1.tar.gz",
      WHEEL.filename,
    ]);
  });

  it("C-020: is scanned, so that its files are found; one that is not there has none", async () => {
    const root = join(base, "scanned");
    await mkdir(join(root, "deep", "down"), { recursive: true });
    const source = await makeSdist({ name: "gherkin", version: "0.2.0" });
    await writeFile(join(root, WHEEL.filename), WHEEL.bytes);
    await writeFile(join(root, "deep", "down", source.filename), source.bytes);
    for (const name of ["README", ".DS_Store", "gherkin.egg"]) {
      await writeFile(join(root, name), "nothing of interest");
    }
    const { index, wheelhouse } = houseIn(root);
    equal((await wheelhouse.scan()).taken, 2);
    equal((await findPackage(index, "gherkin")).filename, source.filename);
    equal((await findPackage(index, "gherkin;whl")).filename, WHEEL.filename);
    const missing = houseIn(join(base, "missing"));
    deepEqual(await missing.wheelhouse.scan(), { unchanged: 0, taken: 0, removed: 0, skipped: 0 });
  });
});
