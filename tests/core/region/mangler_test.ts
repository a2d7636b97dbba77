import { equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  lengthConditionalMangler,
  prefixMangler,
  sha1MangleKey,
  sha256MangleKey,
} from "../../../src/region/mangler.ts";

describe("key manglers", () => {
  it("D-150: SHA-1 of the default key of tests.cache.test_decorator:one with 1 2", () => {
    const key = "tests.cache.test_decorator:one|1 2";
    equal(sha1MangleKey(key), "aead490a8ace2d69a00160f1fd8fd8a16552c24f");
  });

  it("D-151: SHA-1 of some_key, for text and for bytes alike", () => {
    const expected = "53def077a4264bd3183d4eb21b1f56f883e1b572";
    equal(sha1MangleKey("some_key"), expected);
    equal(sha1MangleKey(new TextEncoder().encode("some_key")), expected);
  });

  it("digests by SHA-256 too", () => {
    const expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    equal(sha256MangleKey("abc"), expected);
    equal(sha256MangleKey(new TextEncoder().encode("abc")), expected);
  });

  it("mangles keys from a length on, in code points as dogpile.cache does, or in bytes", () => {
    const mangle = lengthConditionalMangler(4, (key) => `<${key}>`);
    equal(mangle("abc"), "abc");
    equal(mangle("abcd"), "<abcd>");
    equal(mangle("😀😀😀"), "😀😀😀");
    equal(mangle("éééé"), "<éééé>");
    const bytes = lengthConditionalMangler(4, (key) => `<${key}>`, { unit: "bytes" });
    equal(bytes("abc"), "abc");
    equal(bytes("éé"), "<éé>");
    equal(lengthConditionalMangler(0, sha1MangleKey)(""), sha1MangleKey(""));
    throws(() => lengthConditionalMangler(-1, sha1MangleKey), RangeError);
    throws(() => lengthConditionalMangler(NaN, sha1MangleKey), RangeError);
  });

  it("puts a prefix before, and before another mangler", () => {
    equal(prefixMangler("app:")("k"), "app:k");
    equal(prefixMangler("app:", sha1MangleKey)("k"), sha1MangleKey("app:k"));
  });
});
