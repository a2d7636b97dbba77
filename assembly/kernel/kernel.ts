/** What the kernel offers. It imports nothing and holds no managed object. */

export { ARENA, BATCH, HASHES, HEX, KEY, KEY_BYTES } from "./memory";
export { LENGTHS, STATE, TEXT, TEXT_BYTES } from "./memory";
export { md5, md5Word } from "./md5";
export { md5Words } from "./batch";
export { addPoints } from "./points";
export { buildContinuum } from "./continuum";
export { sha1Hex } from "./sha1";
