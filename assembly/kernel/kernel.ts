/** What the kernel offers. It imports nothing and holds no managed object. */

export { BATCH, ARENA, HASHES, HEX, KEY, KEY_BYTES, LENGTHS, STATE, TEXT, TEXT_BYTES } from "./memory";
export { md5, md5Word } from "./md5";
export { md5Words } from "./batch";
export { addPoints } from "./points";
export { buildContinuum } from "./continuum";
export { sha1Hex } from "./sha1";
