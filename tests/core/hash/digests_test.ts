import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256HexOf } from "../../../src/hash/sha256.ts";
import { kernels } from "./kernels.ts";
import { md5Words } from "./oracle.ts";

const encoder = new TextEncoder();
const text = Array.from({ length: 9_000 }, (_, i) => String.fromCharCode(33 + i * 7 % 90)).join("");

/** Every length around the ends of blocks and of the staging area. */
const lengths = [...Array(200).keys(), 4_031, 4_032, 4_033, 4_095, 4_096, 4_097, 9_000];

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function subtle(algorithm: "SHA-1" | "SHA-256", message: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest(algorithm, encoder.encode(message))));
}

for (const kernel of kernels) {
  describe(`digests of the ${kernel.kind} kernel`, () => {
    it("are RFC 1321's and RFC 3174's own examples", () => {
      const md5 = (message: string): string => hex(kernel.md5(encoder.encode(message)));
      equal(md5(""), "d41d8cd98f00b204e9800998ecf8427e");
      equal(md5("message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
      equal(md5("1234567890".repeat(8)), "57edf4a22be3c955ac49da2e2107b67a");
      equal(kernel.sha1Hex("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
      equal(kernel.sha1Hex("01234567".repeat(80)), "dea356a2cddd90c7a7ecedc5ebb563934f460452");
    });

    it("are right at every length, for text and for bytes", async () => {
      for (const length of lengths) {
        const message = text.slice(0, length);
        const expected = await subtle("SHA-1", message);
        equal(kernel.sha1Hex(message), expected, `${length}`);
        equal(kernel.sha1Hex(encoder.encode(message)), expected, `${length}`);
        const words = new DataView(kernel.md5(encoder.encode(message)).buffer);
        deepEqual([0, 4, 8, 12].map((at) => words.getUint32(at, true)), md5Words(message));
      }
    });

    it("take text beyond ASCII as UTF-8", async () => {
      for (const message of ["é", "ключ:42", "👩‍👩‍👧".repeat(30), "\u0000", "\ud800"]) {
        equal(kernel.sha1Hex(message), await subtle("SHA-1", message));
      }
    });

    it("leave no trace of one message in the next", () => {
      for (const length of [55, 0, 54, 3, 200, 7, 56, 1]) {
        const message = "x".repeat(length);
        equal(kernel.hash("", message), md5Words(message)[0]);
        equal(kernel.hash("xx", message), md5Words(`xx${message}`)[0]);
        kernel.sha1Hex("z".repeat(55));
      }
    });
  });
}

describe("SHA-256", () => {
  it("is right at every length", async () => {
    for (const length of lengths) {
      const message = text.slice(0, length);
      equal(sha256HexOf(encoder.encode(message)), await subtle("SHA-256", message), `${length}`);
    }
  });
});
