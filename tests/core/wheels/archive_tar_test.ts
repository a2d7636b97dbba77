import { equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { inspectArchive, type InspectOptions } from "../../../src/wheels/packages/archive.ts";
import { paxRecord, tarGzOf, tarOf, type TarSpec } from "../../testing/tar_builder.ts";
import { compressed, PartsSource } from "../../testing/zip_builder.ts";

const INFO_TEXT = "Metadata-Version: 2.1\nName: foo-bar\nVersion: 1.0\n\nstory\n";
const FILENAME = "foo_bar-1.0.tar.gz";

const TOP: TarSpec = { path: "foo_bar-1.0/", type: "5" };
const INFO: TarSpec = { path: "foo_bar-1.0/PKG-INFO", content: INFO_TEXT };
const CODE: TarSpec = { path: "foo_bar-1.0/setup.py", content: "import this\n".repeat(99) };
const NESTED: TarSpec = { path: "foo_bar-1.0/foo.egg-info/PKG-INFO", content: "other" };
const SOUND = [TOP, NESTED, CODE, INFO];

const LONG_PATH = `foo_bar-1.0/${"very/".repeat(40)}long.txt`;

async function inspect(specs: readonly TarSpec[], options?: InspectOptions) {
  return await inspectArchive(FILENAME, new PartsSource([await tarGzOf(specs)]), options);
}

async function refused(
  specs: readonly TarSpec[],
  pattern: RegExp,
  end?: Uint8Array,
): Promise<void> {
  await refusedBytes(await tarGzOf(specs, end), pattern);
}

async function refusedBytes(bytes: Uint8Array, pattern: RegExp): Promise<void> {
  await rejects(inspectArchive(FILENAME, new PartsSource([bytes])), (error: Error) => {
    equal(error.name, "InvalidDistributionError", String(error));
    ok(error.message.startsWith("Invalid distribution file: "), error.message);
    ok(pattern.test(error.message), `${error.message} is not ${pattern}`);
    return true;
  });
}

/** Bytes that do not compress. */
function noise(length: number): Uint8Array {
  let state = 1;
  return Uint8Array.from({ length }, () => (state = (state * 48271) % 2147483647) & 0xff);
}

describe("source distributions in tar archives", () => {
  it("I-085: PKG-INFO is read as it is", async () => {
    for (const entries of ["all", "metadata"] as const) {
      const facts = await inspect(SOUND, { entries });
      equal(new TextDecoder().decode(facts.metadataBytes), INFO_TEXT);
      equal(facts.metadata.name, "foo-bar");
    }
  });

  it("I-085: what comes after PKG-INFO is not read; all is read in windows that grow", async () => {
    const rest = { path: "foo_bar-1.0/data.bin", content: noise(8 * 1024 * 1024) };
    const bytes = await tarGzOf([TOP, INFO, rest]);
    const source = new PartsSource([bytes]);
    await inspectArchive(FILENAME, source, { entries: "metadata" });
    const before = source.reads;
    ok(before <= 4, String(before));
    await inspectArchive(FILENAME, source);
    // 256 KiB, twice that, 1 MiB, 2 MiB, 4 MiB and the rest, after a look at the first bytes.
    equal(source.reads - before, 7);
  });

  it("I-085: long paths in both dialects, prefixes, and a leading ./", async () => {
    const pax = { path: "x", type: "x", content: paxRecord("path", LONG_PATH) };
    const gnu = { path: "././@LongLink", type: "L", content: `${LONG_PATH}\0` };
    const comment = { path: "pax_global_header", type: "g", content: paxRecord("comment", "abc") };
    const prefixed = { path: "inner.txt", patch: { at: 345, text: "foo_bar-1.0/deep" } };
    const dotted = { path: "./foo_bar-1.0/more.txt" };
    const infoByPax = { path: "x", type: "x", content: paxRecord("path", "foo_bar-1.0/PKG-INFO") };
    for (
      const specs of [
        [comment, ...SOUND],
        [TOP, pax, { path: "short", content: "abc" }, gnu, { path: "short" }, INFO],
        [prefixed, dotted, INFO],
        [{ path: "./", type: "5" }, INFO],
        [infoByPax, { ...INFO, path: "short" }],
        [{ path: "x", type: "x", content: paxRecord("size", String(INFO_TEXT.length)) }, {
          ...INFO,
          sizeBytes: 0,
        }],
        [{ ...INFO, type: "\0" }, { ...CODE, type: "7" }],
      ]
    ) {
      equal(new TextDecoder().decode((await inspect(specs)).metadataBytes), INFO_TEXT);
    }
  });

  it("I-095: the metadata's project tells where an old name splits", async () => {
    const text = "Metadata-Version: 1.0\nName: foo\nVersion: 2.post1\n";
    const bytes = await tarGzOf([{ path: "foo-2-1/PKG-INFO", content: text }]);
    const facts = await inspectArchive("foo-2-1.tar.gz", new PartsSource([bytes]));
    equal(facts.metadata.name, "foo");
    await rejects(inspectArchive("foo-2-2.tar.gz", new PartsSource([bytes])), {
      name: "InvalidFilenameError",
    });
  });

  it("I-121: without PKG-INFO, with two top folders, with sparse members: refused", async () => {
    await refused([TOP, CODE, NESTED], /PKG-INFO not found at "foo_bar-1.0\/PKG-INFO"/);
    await refused([], /PKG-INFO not found/);
    await refused([INFO, { path: "other/x" }], /more than one folder/);
    await refused([{ path: "x" }, INFO], /more than one folder/);
    await refused([INFO, { path: "foo_bar-1.0/x", type: "S" }], /sparse/);
    const sparse = { path: "x", type: "x", content: paxRecord("GNU.sparse.major", "1") };
    await refused([INFO, sparse, CODE], /sparse/);
  });

  it("refuses what could be read in two ways", async () => {
    await refused([INFO, INFO], /PKG-INFO twice/);
    await refused([{ path: "foo_bar-1.0/PKG-INFO", type: "2", target: "setup.py" }], /not a file/);
    await refused([INFO], /data after its end/, new Uint8Array(2048).fill(1, 1500));
    const global = { path: "x", type: "g", content: paxRecord("path", "y") };
    await refused([global, INFO], /global record/);
    for (const type of ["3", "4", "6", "D", "M", "V"]) {
      await refused([INFO, { path: "foo_bar-1.0/x", type }], /of type/);
    }
  });

  it("refuses unsafe paths and links, and takes safe ones", async () => {
    for (const path of ["/etc/passwd", "foo_bar-1.0/../../x", "foo_bar-1.0/a\\b", "C:/x", "a\nb"]) {
      await refused([INFO, { path }], /unsafe path/);
    }
    const link = (type: string, target: string) => ({ path: "foo_bar-1.0/a/link", type, target });
    for (
      const [type, target] of [["2", "/etc"], ["2", "../../x"], ["2", "../../foo_bar-1.0/../x"], [
        "1",
        "other/x",
      ], ["1", "foo_bar-1.0/../x"]]
    ) {
      await refused([INFO, link(type!, target!)], /leaves its folder/);
    }
    for (
      const [type, target] of [["2", "../PKG-INFO"], ["2", "b/./c"], ["1", "foo_bar-1.0/PKG-INFO"]]
    ) {
      equal((await inspect([INFO, link(type!, target!)])).metadata.version, "1.0");
    }
  });

  it("refuses a path of a million slashes in time that grows with its length", async () => {
    const record = paxRecord("path", `${"/".repeat(1_000_000)}x`);
    await refused([INFO, { path: "x", type: "x", content: record }, CODE], /unsafe path/);
    equal((await inspect([{ path: "foo_bar-1.0///", type: "5" }, INFO])).metadata.version, "1.0");
  });

  it("refuses what is no sound archive", async () => {
    await refusedBytes(new Uint8Array(0), /not a gzip file/);
    await refusedBytes(new TextEncoder().encode("plain text"), /not a gzip file/);
    await refusedBytes(tarOf(SOUND), /not a gzip file/);
    await refusedBytes(await compressed(noise(2000), "gzip"), /./);
    await refused([{ ...INFO, sumError: 1 }], /check sum/);
    await refused([{ ...INFO, patch: { at: 124, text: "zzz" } }], /malformed number/);
    await refused([{ ...INFO, sizeBytes: 100_000 }], /truncated/);
    await refused([{ path: "x", type: "x", content: "99999 path=x\n" }, INFO], /pax record/);
    await refused([{ path: "x", type: "x", content: "nonsense" }, INFO], /malformed/);
    await refused([{ path: "x", type: "L", content: "x".repeat(2_000_000) }, INFO], /too long/);
    for (const filename of ["foo_bar-1.0.tar.bz2", "foo_bar-1.0.tar"]) {
      await rejects(inspectArchive(filename, new PartsSource([await tarGzOf(SOUND)])), {
        message: "Invalid distribution file: it is neither a .tar.gz nor a .zip",
      });
    }
  });

  it("refuses an archive cut off anywhere", async () => {
    const whole = await tarGzOf(SOUND);
    for (let length = 0; length < whole.length; length++) {
      await rejects(inspectArchive(FILENAME, new PartsSource([whole.slice(0, length)])), {
        name: "InvalidDistributionError",
      }, `cut to ${length} of ${whole.length}`);
    }
  });

  it("refuses a PKG-INFO without bound and an archive that grows without bound", async () => {
    const huge = { path: "foo_bar-1.0/PKG-INFO", content: new Uint8Array(4 * 1024 * 1024 + 1) };
    await refused([huge], /too large/);
    const zeros = { path: "foo_bar-1.0/zeros", content: new Uint8Array(65 * 1024 * 1024) };
    await refused([INFO, zeros], /grows more than 50-fold/);
  });

  it("passes errors of the source on", async () => {
    const whole = await tarGzOf(SOUND);
    let reads = 0;
    const source = {
      sizeBytes: whole.length,
      read: ({ offset, length }: { offset: number; length: number }) =>
        reads++ === 0
          ? Promise.resolve(whole.slice(offset, offset + length))
          : Promise.reject(new Error("disk on fire")),
    };
    await rejects(inspectArchive(FILENAME, source), { message: "disk on fire" });
  });
});
