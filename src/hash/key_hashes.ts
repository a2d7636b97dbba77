/**
 * The key hashes of libmemcached's libhashkit but MD5, over bytes.
 *
 * Some of them add bytes as the C type `char`, which is signed on x86 and unsigned on ARM, so that
 * keys beyond ASCII hash differently there; `signed` says which is meant.
 *
 * Sources: Bob Jenkins, "A hash function for hash table lookup" (one-at-a-time) and lookup3.c;
 * Fowler, Noll and Vo, RFC 9923; ISO 3309 (CRC-32); Austin Appleby, MurmurHash2 and MurmurHash3.
 */

/** A hash over the first `length` bytes, unsigned. */
export type ByteHash = (bytes: Uint8Array, length: number, signed: boolean) => number;

const { imul } = Math;

/** libmemcached's seed of both Murmur hashes, times the length of the key. */
const MURMUR_SEED = 0xdeadbeef;

const CRC_TABLE: Int32Array = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  return crc;
});

function charAt(bytes: Uint8Array, index: number, signed: boolean): number {
  const byte = bytes[index]!;
  return signed ? byte << 24 >> 24 : byte;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24;
}

/** Up to four bytes before `end`, the first the lowest. */
function restAt(bytes: Uint8Array, at: number, end: number): number {
  let word = 0;
  for (let i = at; i < end && i < at + 4; i++) word |= bytes[i]! << 8 * (i - at);
  return word;
}

function turn(x: number, by: number): number {
  return x << by | x >>> 32 - by;
}

/** Jenkins's one-at-a-time hash: libmemcached's `default`. */
export function oneAtATime(bytes: Uint8Array, length: number, signed: boolean): number {
  let hash = 0;
  for (let i = 0; i < length; i++) {
    hash = hash + charAt(bytes, i, signed) | 0;
    hash = hash + (hash << 10) | 0;
    hash ^= hash >>> 6;
  }
  hash = hash + (hash << 3) | 0;
  hash ^= hash >>> 11;
  return hash + (hash << 15) >>> 0;
}

/** CRC-32, of which only fifteen bits are used. */
export function crc(bytes: Uint8Array, length: number): number {
  let crc = -1;
  for (let i = 0; i < length; i++) crc = crc >>> 8 ^ CRC_TABLE[(crc ^ bytes[i]!) & 255]!;
  return ~crc >>> 16 & 0x7fff;
}

/** FNV-1: multiply, then mix in; of 64 bits the lower half, which depends on no other. */
export function fnv1(start: number, prime: number): ByteHash {
  return (bytes, length, signed) => {
    let hash = start;
    for (let i = 0; i < length; i++) hash = imul(hash, prime) ^ charAt(bytes, i, signed);
    return hash >>> 0;
  };
}

/** FNV-1a: mix in, then multiply. */
export function fnv1a(start: number, prime: number): ByteHash {
  return (bytes, length, signed) => {
    let hash = start;
    for (let i = 0; i < length; i++) hash = imul(hash ^ charAt(bytes, i, signed), prime);
    return hash >>> 0;
  };
}

/** MurmurHash2. */
export function murmur(bytes: Uint8Array, length: number): number {
  const m = 0x5bd1e995;
  let hash = imul(MURMUR_SEED, length) ^ length;
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    let k = imul(wordAt(bytes, at), m);
    k = imul(k ^ k >>> 24, m);
    hash = imul(hash, m) ^ k;
  }
  if (whole < length) hash = imul(hash ^ restAt(bytes, whole, length), m);
  hash = imul(hash ^ hash >>> 13, m);
  return (hash ^ hash >>> 15) >>> 0;
}

/** MurmurHash3 for 32 bits. */
export function murmur3(bytes: Uint8Array, length: number): number {
  let hash = imul(MURMUR_SEED, length);
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    hash = imul(turn(hash ^ scrambled(wordAt(bytes, at)), 13), 5) + 0xe6546b64 | 0;
  }
  if (whole < length) hash ^= scrambled(restAt(bytes, whole, length));
  hash ^= length;
  hash = imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (hash ^ hash >>> 16) >>> 0;
}

function scrambled(k: number): number {
  return imul(turn(imul(k, 0xcc9e2d51), 15), 0x1b873593);
}

/** lookup3's hashlittle with the initial value 13. */
export function jenkins(bytes: Uint8Array, length: number): number {
  let a = 0xdeadbeef + length + 13 | 0, b = a, c = a, at = 0;
  for (; length - at > 12; at += 12) {
    a = a + wordAt(bytes, at) | 0;
    b = b + wordAt(bytes, at + 4) | 0;
    c = c + wordAt(bytes, at + 8) | 0;
    a = a - c ^ turn(c, 4), c = c + b | 0;
    b = b - a ^ turn(a, 6), a = a + c | 0;
    c = c - b ^ turn(b, 8), b = b + a | 0;
    a = a - c ^ turn(c, 16), c = c + b | 0;
    b = b - a ^ turn(a, 19), a = a + c | 0;
    c = c - b ^ turn(b, 4), b = b + a | 0;
  }
  if (at === length) return c >>> 0;
  a = a + restAt(bytes, at, length) | 0;
  b = b + restAt(bytes, at + 4, length) | 0;
  c = c + restAt(bytes, at + 8, length) | 0;
  return finalMix(a, b, c);
}

function finalMix(a: number, b: number, c: number): number {
  c = (c ^ b) - turn(b, 14) | 0;
  a = (a ^ c) - turn(c, 11) | 0;
  b = (b ^ a) - turn(a, 25) | 0;
  c = (c ^ b) - turn(b, 16) | 0;
  a = (a ^ c) - turn(c, 4) | 0;
  b = (b ^ a) - turn(a, 14) | 0;
  return (c ^ b) - turn(b, 24) >>> 0;
}
