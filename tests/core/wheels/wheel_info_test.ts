/** What the name of a wheel says, and what the WHEEL file in it says. */

import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { InvalidDistributionError } from "../../../src/contracts/errors.ts";
import {
  parseWheelInfo,
  readWheelInfo,
  wheelInfoText,
} from "../../../src/wheels/packages/wheel_info.ts";
import { parseWheelName, wheelNameText } from "../../../src/wheels/packages/wheel_name.ts";
import { makeWheel, makeZip } from "../../testing/make_wheel.ts";

const encoded = (text: string): Uint8Array => new TextEncoder().encode(text);

function sourceOf(bytes: Uint8Array) {
  return {
    sizeBytes: bytes.length,
    read: ({ offset, length }: { offset: number; length: number }) =>
      Promise.resolve(bytes.slice(offset, offset + length)),
  };
}

describe("the name of a wheel", () => {
  it("C-059: has its parts, and no ABI and platform where it needs none", () => {
    deepEqual(parseWheelName("curdzz-0.1.2-1x-py27-none-any"), {
      distribution: "curdzz",
      version: "0.1.2",
      build: "1x",
      python: "py27",
      abi: undefined,
      platform: undefined,
    });
    const { abi, platform } = parseWheelName("a-1-cp312-abi3-win_amd64.whl")!;
    deepEqual([abi, platform], ["abi3", "win_amd64"]);
  });

  it("C-060: may end in .whl, and keeps its sets together", () => {
    const name = "curdzz-0.1.2-py27.py33-none-any";
    deepEqual(parseWheelName(`${name}.whl`), parseWheelName(name));
    equal(parseWheelName(`${name}.whl`)?.python, "py27.py33");
    equal(parseWheelName(name)?.build, undefined);
  });

  it("C-061: is made of its parts again, with a build tag and without", () => {
    for (
      const name of [
        "curdzz-0.1.2-1-py27-none-any",
        "curdzz-0.1.2-py27.py33-none-any",
        "a_b-1.0+local.1-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64",
      ]
    ) equal(wheelNameText(parseWheelName(name)!), name);
  });

  it("is none without its parts", () => {
    for (const name of ["", "a", "a-1", "a-1-py3-none", "a-1-x-py3-none-any", "a-1.tar.gz"]) {
      equal(parseWheelName(name), undefined, name);
    }
  });
});

describe("the WHEEL file", () => {
  it("C-062: of a name states version, generator, root, build and every tag", () => {
    const text = wheelInfoText(parseWheelName("curdzz-0.1.2-1-py27.py33-none-any")!, {
      generator: "curdling 0.4.0",
    });
    equal(
      text,
      "Wheel-Version: 1.0\nGenerator: curdling 0.4.0\nRoot-Is-Purelib: true\n" +
        "Tag: py27-none-any\nTag: py33-none-any\nBuild: 1\n",
    );
    deepEqual(parseWheelInfo(encoded(text)), {
      wheelVersion: "1.0",
      generator: "curdling 0.4.0",
      isRootPurelib: true,
      build: "1",
      tags: ["py27-none-any", "py33-none-any"],
    });
    const built = wheelInfoText(parseWheelName("a-1-cp312-cp312-win_amd64")!, { generator: "x" });
    match(built, /^Root-Is-Purelib: false$/m);
  });

  it("C-063: has a list of the tags that it repeats", () => {
    const info = parseWheelInfo(encoded(
      "Wheel-Version: 1.0\r\nGenerator: bdist_wheel (0.21.0)\r\nRoot-Is-Purelib: False\r\n" +
        "Tag: py27-none-any\r\nTag: py33-none-any\r\nTag: py27-none-any\r\n",
    ));
    deepEqual(info.tags, ["py27-none-any", "py33-none-any", "py27-none-any"]);
    equal(info.isRootPurelib, false);
    equal(info.build, undefined);
  });

  it("C-064: of an archive is read through its directory", async () => {
    const { bytes } = makeWheel({ name: "demo", version: "1.0", paddingBytes: 600_000 });
    const read: number[] = [];
    const source = sourceOf(bytes);
    const info = await readWheelInfo("demo-1.0-py3-none-any.whl", {
      ...source,
      read: (range) => {
        read.push(range.length);
        return source.read(range);
      },
    });
    deepEqual(info.tags, ["py3-none-any"]);
    equal(info.generator, "test");
    equal(read.reduce((sum, length) => sum + length) < bytes.length, true);
  });

  it("that is none, or is not there, is an invalid distribution", async () => {
    for (
      const text of [
        "Tag: py3-none-any\n",
        "Wheel-Version: 1.0\nWheel-Version: 1.1\nTag: py3-none-any\n",
        "Wheel-Version: one\nTag: py3-none-any\n",
        "Wheel-Version: 1.0\n",
        "Wheel-Version: 1.0\nTag: py3\n",
        "no field\n",
      ]
    ) throws(() => parseWheelInfo(encoded(text)), InvalidDistributionError, text);
    const empty = makeZip([["demo-1.0.dist-info/METADATA", encoded("")]]);
    for (const bytes of [empty, encoded("no archive")]) {
      const reading = readWheelInfo("demo-1.0-py3-none-any.whl", sourceOf(bytes));
      await rejects(reading, InvalidDistributionError);
    }
    await rejects(readWheelInfo("demo-1.0.tar.gz", sourceOf(empty)), InvalidDistributionError);
  });
});
