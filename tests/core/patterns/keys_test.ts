import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { sha1HexOf } from "../../../src/hash/sha1.ts";
import { keyBuilder, keyFormat, keyFormatter } from "../../../src/patterns/key_builder.ts";
import { base64Encode, encodeKeys, hashEncode } from "../../../src/patterns/key_encoding.ts";
import { pythonRepr } from "../../../src/patterns/python_repr.ts";

function sha1(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(sha1HexOf(bytes).match(/../g)!, (pair) => parseInt(pair, 16));
}

describe("keyBuilder", () => {
  const build = keyBuilder("prefix");

  it("W-112: a function without parameters", () => {
    equal(build(function items() {})(), "prefix-items");
  });

  it("W-113: a text and nothing at all are told apart", () => {
    function items(_a: unknown, _b: unknown) {}
    equal(build(items)("None", null), "prefix-items:'None':None");
    equal(build(items)(1, "1"), "prefix-items:1:'1'");
  });

  it("a default fills what is left out, and an argument overrides it with its own type", () => {
    function items(_locale: unknown = "") {}
    const keyOf = build(items, [""]);
    equal(keyOf(), "prefix-items:''");
    equal(keyOf(undefined), "prefix-items:''");
    equal(keyOf("en"), "prefix-items:'en'");
    equal(keyOf(1), "prefix-items:1");
    equal(keyOf(null), "prefix-items:None");
  });

  it("W-116: an object contributes its own way of being written", () => {
    function items(_a: unknown) {}
    equal(build(items)(new URL("http://host/")), "prefix-items:http://host/");
    equal(build(items)({ a: [1, null] }), "prefix-items:{'a': [1, None]}");
    throws(() => build(items)(new (class Anonymous {})()), {
      name: "TypeError",
      message: /Anonymous/,
    });
  });

  it("W-117: the format of a key, and the formatter with its prefix given first", () => {
    function items(_a: unknown, _b: unknown) {}
    equal(keyFormat(items, "repo"), "repo-items:%r:%r");
    equal(keyFormatter("repo")(items), "repo-items:%r:%r");
  });

  it("any number of arguments counts", () => {
    function items(..._rest: unknown[]) {}
    equal(build(items)(1, 2, 3), "prefix-items:1:2:3");
    equal(keyBuilder()(items)(), "-items");
  });

  it("refuses functions without a name: they would share their keys", () => {
    throws(() => build((() => () => {})()), TypeError);
  });
});

describe("pythonRepr", () => {
  // What CPython 3.11 prints.
  const vectors: [unknown, string][] = [
    [true, "True"],
    [false, "False"],
    [0, "0"],
    [-7, "-7"],
    [1.5, "1.5"],
    [0.1, "0.1"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [1.5e-7, "1.5e-07"],
    [123456.789, "123456.789"],
    [1e16, "1e+16"],
    [1.25e300, "1.25e+300"],
    [-0, "-0.0"],
    [NaN, "nan"],
    [Infinity, "inf"],
    [-Infinity, "-inf"],
    ["it's", `"it's"`],
    [`"it's"`, `'"it\\'s"'`],
    ["a\\b\n\t\r", "'a\\\\b\\n\\t\\r'"],
    ["\u0000\u007f\u00a0\u00ad", "'\\x00\\x7f\\xa0\\xad'"],
    ["żółw 🔑\u2028", "'żółw 🔑\\u2028'"],
    ["\ud800", "'\\ud800'"],
    [[], "[]"],
    [["a", [1]], "['a', [1]]"],
    [new Map<unknown, unknown>([[1, "a"]]), "{1: 'a'}"],
    [Object.create(null), "{}"],
    [10n ** 20n, "100000000000000000000"],
  ];

  it("writes values as Python does", () => {
    for (const [value, written] of vectors) equal(pythonRepr(value), written);
  });
});

describe("key encoders", () => {
  it("W-046: encodeKeys answers the callers' keys and the values under encoded keys", () => {
    const { keys, values } = encodeKeys([["my key", 1], ["other", 2]], base64Encode);
    deepEqual(keys, new Map([["bXkga2V5", "my key"], ["b3RoZXI=", "other"]]));
    deepEqual(values, new Map([["bXkga2V5", 1], ["b3RoZXI=", 2]]));
  });

  it("W-047: base64Encode", () => {
    equal(base64Encode("my key"), "bXkga2V5");
    equal(base64Encode("\u00ff\u00fe?>"), "w7_Dvj8-");
  });

  it("W-048: hashEncode with SHA-1", () => {
    equal(hashEncode(sha1)("my key"), "RigVwkWdSuGyFu7au08PzUMloU8=");
  });

  it("WX-20: refuses two keys with one encoding", () => {
    throws(() => encodeKeys([["a", 1], ["b", 2]], () => "same"), RangeError);
    equal(encodeKeys([["a", 1], ["a", 2]], () => "same").values.get("same"), 2);
  });
});
