import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { inspectArchive, type InspectOptions } from "../../../src/wheels/packages/archive.ts";
import {
  PartsSource,
  uints,
  type ZipEnd,
  zipOf,
  zipParts,
  type ZipSpec,
} from "../../testing/zip_builder.ts";

const METADATA =
  "Metadata-Version: 2.1\nName: Foo.Bar\nVersion: 1.0\nRequires-Python: >=3.8\n\nwords\n";
const FILENAME = "foo_bar-1.0-py3-none-any.whl";
const FOLDER = "foo_bar-1.0.dist-info";

const CODE: ZipSpec = {
  path: "foo_bar/__init__.py",
  content: "x = 1\n".repeat(100),
  isDeflated: true,
};
const META: ZipSpec = { path: `${FOLDER}/METADATA`, content: METADATA, isDeflated: true };
const WHEEL: ZipSpec = { path: `${FOLDER}/WHEEL`, content: "Wheel-Version: 1.0\n" };
const RECORD: ZipSpec = { path: `${FOLDER}/RECORD`, content: "" };
const SOUND: readonly ZipSpec[] = [CODE, META, WHEEL, RECORD];

function sourceOf(bytes: Uint8Array): PartsSource {
  return new PartsSource([bytes]);
}

async function inspect(specs: readonly ZipSpec[], end?: ZipEnd, options?: InspectOptions) {
  return await inspectArchive(FILENAME, sourceOf(await zipOf(specs, end)), options);
}

/** A sound wheel but for its first entry. */
function withFirst(change: Partial<ZipSpec>): ZipSpec[] {
  return [{ ...CODE, ...change }, META, WHEEL, RECORD];
}

/** A sound wheel but for its metadata. */
function withMeta(change: Partial<ZipSpec>): ZipSpec[] {
  return [CODE, { ...META, ...change }, WHEEL, RECORD];
}

async function refused(specs: readonly ZipSpec[], pattern: RegExp, end?: ZipEnd): Promise<void> {
  const bytes = await zipOf(specs, end);
  await rejects(inspectArchive(FILENAME, sourceOf(bytes)), (error: Error) => {
    equal(error.name, "InvalidDistributionError", String(error));
    ok(error.message.startsWith("Invalid distribution file: "), error.message);
    ok(pattern.test(error.message), `${error.message} is not ${pattern}`);
    return true;
  });
}

describe("wheels", () => {
  it("the metadata's bytes are those in the wheel", async () => {
    for (const entries of ["all", "metadata"] as const) {
      const facts = await inspect(SOUND, {}, { entries });
      equal(new TextDecoder().decode(facts.metadataBytes), METADATA);
      equal(facts.metadata.name, "Foo.Bar");
      equal(facts.metadata.requiresPython, ">=3.8");
    }
  });

  it("I-081: two reads find the metadata of a wheel of 100 MB", async () => {
    const library = { path: "foo_bar/lib.so", content: 100 * 1024 * 1024 };
    const tail = { path: "foo_bar/data.bin", content: 1024 * 1024 };
    for (const specs of [[library, META, WHEEL, RECORD, tail], [META, WHEEL, RECORD, library]]) {
      const source = new PartsSource(await zipParts(specs));
      const facts = await inspectArchive(FILENAME, source, { entries: "metadata" });
      equal(facts.metadata.version, "1.0");
      equal(source.reads, 2);
    }
  });

  it("judges every header of a large wheel without reading what lies between", async () => {
    const library = { path: "foo_bar/lib.so", content: 100 * 1024 * 1024 };
    const source = new PartsSource(await zipParts([library, CODE, META, WHEEL, RECORD]));
    await inspectArchive(FILENAME, source);
    ok(source.reads <= 4, String(source.reads));
  });

  it("I-082: 64-bit records, stored entries, descriptors, and a comment of 64 KiB", async () => {
    const comment = new Uint8Array(0xffff).fill(0x63);
    const variants: [ZipSpec[], ZipEnd][] = [
      [[...SOUND], { isLong: true }],
      [SOUND.map((spec) => ({ ...spec, isLong: true })), { isLong: true }],
      [SOUND.map((spec) => ({ ...spec, isDeflated: false })), {}],
      [SOUND.map((spec) => ({ ...spec, isDeflated: true })), {}],
      [SOUND.map((spec) => ({ ...spec, descriptor: "plain" })), {}],
      [SOUND.map((spec) => ({ ...spec, descriptor: "signed" })), {}],
      [SOUND.map((spec) => ({ ...spec, descriptor: "long", isLong: true })), { isLong: true }],
      [[...SOUND], { comment }],
      [[...SOUND], { comment, isLong: true }],
      [[{ path: "foo_bar/" }, ...SOUND], {}],
    ];
    for (const [specs, end] of variants) {
      equal(new TextDecoder().decode((await inspect(specs, end)).metadataBytes), METADATA);
    }
  });

  it("two dist-info folders, a wrong one, encryption and lying sizes are refused", async () => {
    await refused([...SOUND, { path: "foo_bar-2.0.dist-info/METADATA" }], /2 \.dist-info folders/);
    for (const folder of ["foo_baz-1.0.dist-info", "foo_bar-1.1.dist-info", "foo_bar.dist-info"]) {
      const moved = SOUND.map((spec) => ({ ...spec, path: spec.path.replace(FOLDER, folder) }));
      await refused(moved, /does not agree with the name/);
    }
    for (const flag of [0x0001, 0x0040, 0x2000]) {
      await refused(withFirst({ flags: flag }), /encrypted/);
    }
    for (const contentBytes of [METADATA.length - 1, METADATA.length + 1]) {
      const stated = { contentBytes };
      await refused(withMeta({ directory: stated, local: stated }), /size|corrupt|inflated/);
    }
    await refused(withMeta({ directory: { crc32: 1 }, local: { crc32: 1 } }), /corrupt/);
    await refused(withMeta({ isDeflated: false, directory: { contentBytes: 1 } }), /two sizes/);
  });

  it("I-119: what is no zip archive, is truncated, or lacks a file is refused with its text", async () => {
    for (
      const bytes of [
        new Uint8Array(0),
        new Uint8Array(10),
        new TextEncoder().encode("x".repeat(100)),
      ]
    ) {
      await rejects(inspectArchive(FILENAME, sourceOf(bytes)), {
        message: "Invalid distribution file: it is not a zip archive",
      });
    }
    for (const missing of ["METADATA", "WHEEL", "RECORD"]) {
      const specs = SOUND.filter(({ path }) => path !== `${FOLDER}/${missing}`);
      await rejects(inspect(specs), {
        message: `Invalid distribution file: ${missing} not found at "${FOLDER}/${missing}"`,
      });
    }
    await refused([CODE], /METADATA not found/);
    const whole = await zipOf(SOUND);
    for (let length = 0; length < whole.length; length++) {
      await rejects(inspectArchive(FILENAME, sourceOf(whole.slice(0, length))), {
        name: "InvalidDistributionError",
      });
    }
  });

  it("I-120: duplicate entries and headers that differ from the directory are refused", async () => {
    await refused([...SOUND, CODE], /twice/);
    await refused(
      withFirst({ local: { path: "foo_bar/__evil__.py" } }),
      /differs from the directory/,
    );
    await refused(withFirst({ local: { method: 0 } }), /differs from the directory/);
    await refused(withFirst({ local: { contentBytes: 5 } }), /two sizes/);
    await refused(withFirst({ local: { compressedBytes: 5 } }), /two sizes/);
    await refused(withFirst({ local: { crc32: 5 } }), /two sizes/);
    await refused(withFirst({ directory: { path: "foo_bar/__init__2.py" } }), /differs|overlaps/);
    await refused(withFirst({ extra: uints([2, 0x7075], [2, 0]) }), /two paths/);
    await refused(withFirst({ extra: uints([2, 0x9999], [2, 7]) }), /extra field/);
  });

  it("I-120: prepended, inserted and trailing data are refused", async () => {
    const whole = await zipOf(SOUND);
    const prefix = new TextEncoder().encode("#!/bin/sh\n");
    const prepended = new PartsSource([prefix, whole]);
    await rejects(inspectArchive(FILENAME, prepended), { name: "InvalidDistributionError" });
    const trailed = new PartsSource([whole, prefix]);
    await rejects(inspectArchive(FILENAME, trailed), { name: "InvalidDistributionError" });
    await refused(SOUND, /followed by data/, { gap: prefix });
    await refused(SOUND, /has not as many entries/, { count: 3 });
    const fakeEnd = uints([4, 0x06054b50], [4, 0], [4, 0], [4, 0], [4, 0], [2, 0]);
    await refused(SOUND, /./, { comment: fakeEnd });
  });

  it("I-120: entries out of place are refused", async () => {
    await refused(withFirst({ directory: { offset: 4 } }), /before its first entry/);
    await refused(withMeta({ directory: { offset: 1 } }), /local header|overlaps/);
    await refused(
      withMeta({ directory: { offset: 0xfffffff } }),
      /truncated|overlaps|local header/,
    );
    const isFirst = { contentBytes: 10_000, compressedBytes: 10_000 };
    await refused(withFirst({ isDeflated: false, directory: isFirst, local: isFirst }), /overlaps/);
  });

  it("I-120: archives that grow out of bounds are refused before they are unpacked", async () => {
    const stated = { contentBytes: 70 * 1024 * 1024 };
    await refused(withFirst({ directory: stated, local: stated }), /grows more than 50-fold/);
    await refused(withMeta({ content: " ".repeat(200_000) }), /too large/);
    await refused(withMeta({ content: 5 * 1024 * 1024, isDeflated: false }), /too large/);
  });

  it("refuses unsafe paths and unknown compression", async () => {
    for (
      const path of [
        ...[
          "../x",
          "a/../../x",
          "/etc/passwd",
          "a\\b",
          "C:/x",
          "a//b",
          "./a",
          "a/.",
          "",
          "a\0b",
          "a\nb",
        ],
      ]
    ) {
      await refused(withFirst({ path }), /unsafe path/);
    }
    for (const method of [1, 12, 14, 93]) {
      await refused(withFirst({ directory: { method }, local: { method } }), /do not know/);
    }
  });

  it("the name and the metadata's project and version must agree", async () => {
    for (const text of [METADATA.replace("Foo.Bar", "other"), METADATA.replace(": 1.0", ": 1.1")]) {
      const [name, version] = [/Name: (.*)/.exec(text)![1]!, /\nVersion: (.*)/.exec(text)![1]!];
      await rejects(inspect(withMeta({ content: text })), (error: Error) => {
        equal(error.name, "InvalidFilenameError");
        ok(error.message.startsWith(`Invalid filename: "${FILENAME}" `), error.message);
        ok(
          error.message.includes(`"${name.toLowerCase().replace(".", "-")}" version "${version}"`),
        );
        return true;
      });
    }
    for (const filename of ["foo_bar.txt", "README", "foo_bar-1.0.egg"]) {
      await rejects(inspectArchive(filename, sourceOf(await zipOf(SOUND))), {
        name: "InvalidFilenameError",
        message: `Invalid filename: "${filename}" is no name of a wheel or source distribution`,
      });
    }
  });

  it("passes errors of the source on", async () => {
    const source = { sizeBytes: 100, read: () => Promise.reject(new Error("disk on fire")) };
    await rejects(inspectArchive(FILENAME, source), { message: "disk on fire" });
  });

  it("never fails otherwise, whichever byte is wrong", async () => {
    const whole = await zipOf(SOUND);
    const names = new Set<string>();
    for (let at = 0; at < whole.length; at++) {
      const broken = whole.slice();
      broken[at]! ^= 0xff;
      const outcome = await inspectArchive(FILENAME, sourceOf(broken)).then(
        (facts) => new TextDecoder().decode(facts.metadataBytes) === METADATA ? "same" : "other",
        (error: Error) => error.name,
      );
      names.add(outcome);
    }
    deepEqual([...names].sort(), ["InvalidDistributionError", "same"]);
  });
});

describe("source distributions in zip archives", () => {
  const INFO = "Metadata-Version: 2.1\nName: foo\nVersion: 1.0\n";

  it("I-085: PKG-INFO is read from a .zip", async () => {
    const bytes = await zipOf([
      { path: "foo-1.0/" },
      { path: "foo-1.0/PKG-INFO", content: INFO, isDeflated: true },
      { path: "foo-1.0/foo.egg-info/PKG-INFO", content: "other" },
    ]);
    const facts = await inspectArchive("foo-1.0.zip", sourceOf(bytes));
    equal(new TextDecoder().decode(facts.metadataBytes), INFO);
  });

  it("I-121: two folders at the top, or no PKG-INFO, are refused", async () => {
    const info = { path: "foo-1.0/PKG-INFO", content: INFO };
    for (
      const [specs, pattern] of [
        [[info, { path: "bar-1.0/x" }], /more than one folder/],
        [[{ path: "foo-1.0/setup.py" }], /PKG-INFO not found at "foo-1.0\/PKG-INFO"/],
        [[], /PKG-INFO not found/],
      ] as [ZipSpec[], RegExp][]
    ) {
      const bytes = await zipOf(specs);
      await rejects(inspectArchive("foo-1.0.zip", sourceOf(bytes)), (error: Error) => {
        equal(error.name, "InvalidDistributionError");
        return pattern.test(error.message);
      });
    }
  });
});
