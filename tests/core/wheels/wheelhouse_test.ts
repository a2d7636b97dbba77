import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryIndex } from "../../../backends/index_memory.ts";
import { InvalidDistributionError, UploadRefusedError } from "../../../src/contracts/errors.ts";
import type { IndexCache, PackageFile } from "../../../src/contracts/index_cache.ts";
import { before, House } from "../../conformance/index_cache_house.ts";
import { makeSdist } from "../../testing/make_sdist.ts";
import { makeWheel } from "../../testing/make_wheel.ts";

function house(): { house: House; index: IndexCache } {
  const index = memoryIndex();
  return { house: new House({ index, other: index }), index };
}

const made = makeWheel({ name: "demo", version: "1.0" });

describe("an upload", () => {
  it("P-003: is digested as PyPICloud digests it", async () => {
    const { house: { wheelhouse } } = house();
    const body = new Blob(["test1234"]).stream();
    const upload = await wheelhouse.stage(body, 100);
    const { sha256, md5 } = upload.digests.hex;
    equal(sha256, "937e8d5fbb48bd4949536cd65b8d35c426b80d2f830c5c308e2cdec422ae2244");
    equal(md5, "16d7a4fca7442dda3ad93c9a726597e4");
    // What is recorded are the digests of the bytes that were taken aside; these are no archive.
    const { filename } = made;
    await rejects(() => wheelhouse.publish(upload, { filename }), InvalidDistributionError);
    const sound = await wheelhouse.stage(new Blob([made.bytes]).stream(), made.bytes.length);
    const { record } = await wheelhouse.publish(sound, { filename });
    deepEqual([record.sha256, record.md5], [sound.digests.hex.sha256, sound.digests.hex.md5]);
  });

  it("P-200 P-202: has the type that its name says", async () => {
    const { house: shelf } = house();
    const sdist = await makeSdist({ name: "demo", version: "1.0" });
    for (
      const [file, type, wrong] of [[sdist, "sdist", "bdist_wheel"], [
        made,
        "bdist_wheel",
        "sdist",
      ]] as const
    ) {
      await rejects(() => shelf.upload(file, { filetype: wrong }), (error) => {
        ok(error instanceof UploadRefusedError);
        match(error.message, new RegExp(`"${wrong}" is not "${type}"`));
        return true;
      });
      equal((await shelf.upload(file, { filetype: type })).filename, file.filename);
    }
  });
});

describe("a removal", () => {
  it("of a file that nobody knows is none", async () => {
    const { house: { wheelhouse }, index } = house();
    equal(await wheelhouse.remove("nothing-1.0.tar.gz"), false);
    equal(await index.serial(), 0);
  });

  it("takes the file in that comes between its record's removal and its end", async () => {
    const { house: shelf, index } = house();
    await shelf.upload(made);
    const next = makeWheel({ name: "demo", version: "1.0", seed: 1 });
    let published: { path: string; sha256: string } | undefined;
    const altered = before(index, "replace", async () => {
      published = await shelf.put(next);
    });
    const remover = new House({ index: altered, other: index }, { files: shelf.files });
    equal(await remover.wheelhouse.remove(made.filename), true);
    equal((await index.fetch(made.filename))?.sha256, published!.sha256);
    ok(await shelf.files.head(`${published!.path}.metadata`));
  });

  it("follows a record that others change meanwhile", async () => {
    const { house: shelf, index } = house();
    const record = await shelf.upload(made);
    let changed: PackageFile | undefined;
    const altered = before(index, "replace", async () => {
      changed = { ...record, yanked: "broken" };
      await index.save(changed);
    });
    const remover = new House({ index: altered, other: index }, { files: shelf.files });
    equal(await remover.wheelhouse.remove(made.filename), true);
    ok(changed);
    equal(await index.fetch(made.filename), undefined);
    deepEqual(await shelf.paths(), [`demo/${made.filename}.removed`]);
  });

  it("that died after the file is finished by the next scan", async () => {
    const { house: shelf, index } = house();
    await shelf.upload(made);
    const dying = before(index, "replace", () => Promise.reject(new Error("gone")));
    const remover = new House({ index: dying, other: index }, { files: shelf.files });
    await rejects(() => remover.wheelhouse.remove(made.filename), /gone/);
    equal((await shelf.reload()).removed, 1);
    equal(await index.fetch(made.filename), undefined);
    equal(await shelf.wheelhouse.remove(made.filename), false);
  });
});
