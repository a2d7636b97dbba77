/** What the Workers platform has of its own: bodies of known length, and native digests. */

import { type DigestFactory, portableDigests } from "../wheels/digests.ts";
import type { BodyOfLength } from "../wheels/http/files.ts";

declare const FixedLengthStream: new (
  lengthBytes: number,
) => TransformStream<Uint8Array, Uint8Array>;

declare const crypto: Crypto & {
  DigestStream: new (algorithm: string) => WritableStream<Uint8Array> & {
    readonly digest: Promise<ArrayBuffer>;
  };
};

/**
 * A body with a length that the platform knows: a client then notices when it is cut short, which it
 * does not when a body is sent in chunks.
 */
export const fixedLengthBody: BodyOfLength = (body, lengthBytes) =>
  body.pipeThrough(new FixedLengthStream(lengthBytes));

const NATIVE = Object.freeze({ sha256: "SHA-256", md5: "MD5" });

/** SHA-256 and MD5 outside JavaScript; BLAKE2b-256, which Workers lack, in it. */
export const workersDigests: DigestFactory = (algorithm) => {
  if (algorithm === "blake2b") return portableDigests(algorithm);
  const stream = new crypto.DigestStream(NATIVE[algorithm]);
  const writer = stream.getWriter();
  // A digest that is given up is never asked for; its rejection is nobody's concern.
  stream.digest.catch(() => {});
  return {
    update: (bytes) => writer.write(bytes),
    async hex() {
      await writer.close();
      return hexOf(new Uint8Array(await stream.digest));
    },
  };
};

function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}
