import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { isWhole, parseOptions } from "./options.ts";

describe("parseOptions", () => {
  it("runs everything by default", () => {
    const options = parseOptions([], {});
    deepEqual([options.only, options.runtimes, options.install], [[], [], true]);
    equal(isWhole(options), true);
  });

  it("takes several names, apart or with commas", () => {
    const options = parseOptions(
      ["--only", "hash", "--only", "memory", "--runtime", "deno,bun"],
      {},
    );
    deepEqual(options.only, ["hash", "memory"]);
    deepEqual(options.runtimes, ["deno", "bun"]);
    equal(isWhole(options), false);
  });

  it("is strict when CI is true, and only then", () => {
    deepEqual(["true", "1", "", undefined].map((CI) => parseOptions([], { CI }).strict), [
      true,
      false,
      false,
      false,
    ]);
  });

  it("refuses what it does not know", () => {
    throws(() => parseOptions(["--runtime", "rhino"], {}), RangeError);
    throws(() => parseOptions(["--lanes", "0"], {}), RangeError);
    throws(() => parseOptions(["--fast"], {}), TypeError);
    throws(() => parseOptions(["hash"], {}), TypeError);
  });
});
