/**
 * Where everything lies in linear memory. There is no allocator: static data ends below 4 KiB, the
 * areas below are fixed, and the arena, which only ring building uses, is everything after them.
 *
 * `src/hash/wasm_kernel.ts` learns these addresses from the exports of `kernel.ts`, and never
 * writes them down itself.
 */

/** Chaining state of the scalar digests: up to five words. */
export const STATE: usize = 0x1000;
/** Chaining state of the lane kernel: words a, b, c, d of group p, then those of group q. */
export const LANE_STATE: usize = 0x1040;
/** One transposed block: for each of 16 words, four lanes of group p, then four of group q. */
export const LANE_BLOCK: usize = 0x1100;
/** Eight waiting messages: their addresses, lengths and where their hash goes. */
export const QUEUE_AT: usize = 0x1300;
export const QUEUE_LENGTH: usize = 0x1320;
export const QUEUE_OUT: usize = 0x1340;
/** Eight rows of 64 bytes, for point names that wait in the queue. */
export const NAMES: usize = 0x1400;
/** The last, padded block or two of a long message; the message schedule of SHA-1. */
export const TAIL: usize = 0x1600;
/** Where digests are written as hexadecimal digits. */
export const HEX: usize = 0x1800;

/** One message: a key, a point name, or what is to be digested. */
export const KEY: usize = 0x2000;
export const KEY_BYTES: u32 = 0x1000;
/** The messages of a batch, one after the other. */
export const TEXT: usize = 0x4000;
export const TEXT_BYTES: u32 = 0x10000;
/** The lengths of the messages of a batch, and their hashes. */
export const LENGTHS: usize = 0x14100;
export const HASHES: usize = 0x15100;
export const BATCH: u32 = 1024;
/** Three histograms of 2,048 counters, for radix sort. */
export const HISTOGRAM: usize = 0x17000;
/** The points of the ring that is being built, and room to sort them. */
export const ARENA: usize = 0x20000;
