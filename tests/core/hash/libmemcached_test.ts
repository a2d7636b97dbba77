/** Both kernels against what libmemcached itself answered; see `tests/vectors/README.md`. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ByteHasher, KEY_HASHES } from "../../../src/hash/byte_hasher.ts";
import { type KetamaOptions, ketamaOver, type KetamaRing } from "../../../src/hash/ketama.ts";
import type { KetamaMode } from "../../../src/hash/modes.ts";
import vectors from "../../vectors/ketama_libmemcached.json" with { type: "json" };
import { kernels } from "./kernels.ts";

type Case = (typeof vectors.cases)[number];

const MODES: Readonly<Record<string, KetamaMode>> = {
  weighted: "libmemcached-weighted",
  ketama: "libmemcached",
  spy: "libmemcached-spy",
  modula: "modula",
};

function optionsOf(vector: Case): KetamaOptions {
  const mode = MODES[vector.distribution]!;
  const isStated = mode.startsWith("libmemcached") &&
    ("behaviors_set_after_servers" in vector || mode !== "libmemcached");
  return {
    mode,
    hash: vector.key_hash as KetamaOptions["hash"] & string,
    shards: vector.servers.map(([host, port, weight]) => ({
      host: host as string,
      port: port as number,
      weight: weight as number,
    })),
    ...(isStated ? { weighted: vector.weighted_flag } : {}),
  };
}

async function ringDigest(ring: KetamaRing): Promise<string> {
  const { values, owners } = ring.points();
  const view = new DataView(new ArrayBuffer(8 * values.length));
  values.forEach((value, i) => view.setUint32(8 * i, value, true));
  owners.forEach((owner, i) => view.setUint32(8 * i + 4, owner, true));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", view));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(keys: readonly string[]): { bytes: Uint8Array; ends: Uint32Array } {
  const encoder = new TextEncoder();
  const ends = new Uint32Array(keys.length);
  let end = 0;
  keys.forEach((key, i) => ends[i] = end += encoder.encode(key).length);
  return { bytes: encoder.encode(keys.join("")), ends };
}

for (const kernel of kernels) {
  describe(`libmemcached's answers from the ${kernel.kind} kernel`, () => {
    for (const vector of vectors.cases) {
      it(`gives the ring and the map of ${vector.name}`, async () => {
        const ring = ketamaOver(kernel, optionsOf(vector));
        for (const index of ("ejected" in vector && vector.ejected) || []) ring.eject(index);
        if ("continuum_sha256" in vector) {
          assert.equal(await ringDigest(ring), vector.continuum_sha256);
          assert.equal(ring.points().values.length, vector.points);
        }
        const map = vector.map.split(" ").map(Number);
        assert.deepEqual(vectors.keys.map((key) => ring.indexOf(key)), map);
        assert.deepEqual(Array.from(ring.indexOfMany(vectors.keys)), map);
        assert.deepEqual(Array.from(ring.indexOfManyBytes(bytesOf(vectors.keys))), map);
        const counts = new Map<number, number>();
        for (const owner of ring.points().owners) counts.set(owner, (counts.get(owner) ?? 0) + 1);
        vector.servers.forEach(([, , , points], i) => assert.equal(counts.get(i) ?? 0, points));
      });
    }

    it("gives all ten key hashes", () => {
      assert.deepEqual([...KEY_HASHES].sort(), Object.keys(vectors.key_hashes).sort());
      for (const name of KEY_HASHES) {
        const hasher = name === "md5" ? kernel : new ByteHasher(name, "signed");
        const expected = vectors.key_hashes[name];
        assert.deepEqual(vectors.keys.map((key) => hasher.hash("", key)), expected, name);
        for (let from = 0; from < expected.length;) {
          const count = hasher.hashMany(vectors.keys, from, "");
          const hashes = Array.from(hasher.hashes.subarray(0, count));
          assert.deepEqual(hashes, expected.slice(from, from + count), name);
          from += count;
        }
      }
    });
  });
}
