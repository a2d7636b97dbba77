import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { type DigestFactory, DigestTap, portableDigests } from "../../../src/wheels/digests.ts";

/** Made with `printf abc | sha256sum`, `md5sum` and `b2sum -l 256`. */
const ABC = {
  sha256: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  md5: "900150983cd24fb0d6963f7d28e17f72",
  blake2b: "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319",
};

/** A stream of chunks. */
function streamOf(chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = [...chunks];
  return new ReadableStream({
    pull(controller) {
      const chunk = left.shift();
      if (chunk === undefined) controller.close();
      else controller.enqueue(chunk);
    },
  });
}

async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const bytes: number[] = [];
  const reader = stream.getReader();
  while (true) {
    const { done, value } = await reader.read();
    if (done) return Uint8Array.from(bytes);
    bytes.push(...value);
  }
}

function abc(): Uint8Array[] {
  return [new Uint8Array([97]), new Uint8Array(0), new Uint8Array([98, 99])];
}

describe("digests of a stream", () => {
  it("are those of the standards, and the bytes pass unchanged", async () => {
    const tap = new DigestTap();
    const passed = await bytesOf(streamOf(abc()).pipeThrough(tap));
    deepEqual([...passed], [97, 98, 99]);
    deepEqual(tap.result(), { sizeBytes: 3, hex: ABC });
  });

  it("C-054: have the MD5 that curdling knows a file by", async () => {
    const digest = portableDigests("md5");
    for (const text of ["My ", "Content"]) await digest.update(new TextEncoder().encode(text));
    equal(await digest.hex(), "a86c5dea3ad44078a1f79f9cf2c6786d");
  });

  it("agree with WebCrypto however the bytes are cut", async () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => (index * 31) & 0xff);
    const expected = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    for (const size of [1, 63, 64, 65, 4096, 10_000]) {
      const chunks = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
      const tap = new DigestTap(["sha256"]);
      await bytesOf(streamOf(chunks).pipeThrough(tap));
      const { hex, sizeBytes } = tap.result();
      equal(
        hex.sha256,
        Array.from(expected, (byte) => byte.toString(16).padStart(2, "0")).join(""),
      );
      equal(sizeBytes, bytes.length);
    }
  });

  it("are only those asked for, from the factory given", async () => {
    const asked: string[] = [];
    const factory: DigestFactory = (algorithm) => {
      asked.push(algorithm);
      return portableDigests(algorithm);
    };
    const tap = new DigestTap(["md5"], factory);
    await bytesOf(streamOf(abc()).pipeThrough(tap));
    deepEqual(asked, ["md5"]);
    deepEqual(tap.result().hex, { md5: ABC.md5 });
  });

  it("wait for a factory that is asynchronous, chunk by chunk", async () => {
    let underWay = 0;
    let seen = "";
    const factory: DigestFactory = () => ({
      async update(bytes) {
        equal(++underWay, 1);
        await Promise.resolve();
        seen += new TextDecoder().decode(bytes);
        underWay--;
      },
      hex: () => Promise.resolve(seen),
    });
    const tap = new DigestTap(["sha256"], factory);
    await bytesOf(streamOf(abc()).pipeThrough(tap));
    equal(tap.result().hex.sha256, "abc");
  });

  it("are not told before the end, nor after an error", async () => {
    const tap = new DigestTap();
    throws(() => tap.result(), { name: "TypeError" });
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([97]));
      },
      pull() {
        throw new Error("connection lost");
      },
    });
    await rejects(bytesOf(broken.pipeThrough(tap)), { message: "connection lost" });
    throws(() => tap.result(), { name: "TypeError" });
  });
});
