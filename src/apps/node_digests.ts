/** Digests by `node:crypto`, for Deno and Node; BLAKE2b-256, which it lacks, in JavaScript. */

import { createHash } from "node:crypto";
import { type DigestFactory, portableDigests } from "../wheels/digests.ts";

/** SHA-256 and MD5 several times as fast as in JavaScript. */
export const nodeDigests: DigestFactory = (algorithm) => {
  if (algorithm === "blake2b") return portableDigests(algorithm);
  const hash = createHash(algorithm);
  return {
    update: (bytes) => void hash.update(bytes),
    hex: () => hash.digest("hex"),
  };
};
