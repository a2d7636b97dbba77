import { deepEqual, equal, notDeepEqual, ok, rejects, throws } from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { compressed } from "../../../src/compose/compressed.ts";
import { encrypted } from "../../../src/compose/encrypted.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { text } from "../../../src/compose/text_codec.ts";
import type { Codec } from "../../../src/contracts/codec.ts";

describe("encrypted", () => {
  let first: CryptoKey;
  let second: CryptoKey;
  let codec: Codec<unknown>;

  before(async () => {
    [first, second] = await Promise.all([aesKey(), aesKey()]);
    codec = encrypted(json, { keys: { first }, currentKeyId: "first" });
  });

  it("brings back every value under its key", async () => {
    await fc.assert(fc.asyncProperty(fc.jsonValue(), fc.string(), async (value, key) => {
      const copy = await codec.decode(await codec.encode(value, key), key);
      equal(JSON.stringify(copy), JSON.stringify(value));
    }));
  });

  it("hides the payload, and writes each record differently", async () => {
    const one = await codec.encode("a secret of some length", "key");
    const other = await codec.encode("a secret of some length", "key");
    notDeepEqual(one, other);
    ok(!new TextDecoder().decode(one).includes("secret"));
  });

  it("refuses a record under another cache key", async () => {
    const record = await codec.encode("mine", "user:1");
    await rejects(async () => await codec.decode(record, "user:2"), TypeError);
    await rejects(async () => await codec.decode(record, ""), TypeError);
  });

  it("refuses a record with any bit changed, and one cut short at any byte", async () => {
    const record = await codec.encode("mine", "key");
    for (let index = 0; index < record.length; index++) {
      const changed = record.slice();
      changed[index]! ^= 1 << (index % 8);
      await rejects(async () => await codec.decode(changed, "key"), `changed at ${index}`);
      await rejects(async () => await codec.decode(record.subarray(0, index), "key"));
    }
    await rejects(async () => await codec.decode(Uint8Array.of(...record, 0), "key"), TypeError);
  });

  it("reads records of every key it is given, and writes with the current one", async () => {
    const old = await codec.encode("old", "key");
    const rotated = encrypted(json, { keys: { first, second }, currentKeyId: "second" });
    equal(await rotated.decode(old, "key"), "old");
    const renewed = await rotated.encode("new", "key");
    equal(await rotated.decode(renewed, "key"), "new");
    await rejects(async () => await codec.decode(renewed, "key"), /no key has the id "second"/);
  });

  it("refuses a record that claims another encryption key", async () => {
    const both = encrypted(json, { keys: { first, "other": second }, currentKeyId: "first" });
    const record = await both.encode("mine", "key");
    record.set(new TextEncoder().encode("other"), 2);
    await rejects(async () => await both.decode(record, "key"), TypeError);
  });

  it("compresses inside", async () => {
    const inside = encrypted(compressed(text), { keys: { first }, currentKeyId: "first" });
    const value = "again ".repeat(1_000);
    const record = await inside.encode(value, "key");
    ok(record.length < 200);
    deepEqual([await inside.decode(record, "key"), inside.name], [value, "e-z-text"]);
  });

  it("checks its keys when it is made", async () => {
    throws(() => encrypted(json, { keys: { first }, currentKeyId: "third" }), /"third"/);
    const algorithm = { name: "AES-CBC", length: 256 };
    const wrong = await crypto.subtle.generateKey(algorithm, false, ["encrypt", "decrypt"]);
    throws(() => encrypted(json, { keys: { wrong }, currentKeyId: "wrong" }), /AES-CBC/);
  });
});

async function aesKey(): Promise<CryptoKey> {
  const algorithm = { name: "AES-GCM", length: 256 };
  return await crypto.subtle.generateKey(algorithm, false, ["encrypt", "decrypt"]);
}
