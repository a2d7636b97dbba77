/**
 * The oldest password scheme of crypt(3): 25 times DES over a block of zeros, with the password's
 * first eight characters as key and 4,096 variants of DES chosen by a salt of two characters. It
 * is weak, and here because user files made decades ago still hold it.
 *
 * The tables are those of the standard, and the algorithm follows it bit by bit: slow for DES, yet
 * far faster than any scheme made to be slow. Source: FIPS PUB 46-3; crypt(3) of Seventh Edition
 * Unix for the salt.
 */

import { digits, digitValue } from "./crypt_base64.ts";

type Bits = readonly number[];

const ROUNDS = 16;
const TIMES = 25;

/** Permuted choice 1: the key's 56 bits that count, first 28 for C, then for D. */
const CHOICE_1 = [
  [57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18],
  [10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36],
  [63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22],
  [14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4],
].flat();

/** Permuted choice 2: the 48 bits of a round's key. */
const CHOICE_2 = [
  [14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4],
  [26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30, 40],
  [51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32],
].flat();

/** By how much C and D turn left before each round. */
const TURNS = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];

/** The permutation P. */
const PERMUTATION = [
  [16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10],
  [2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4, 25],
].flat();

/** The eight selection functions, four rows of sixteen in hexadecimal digits each. */
const BOXES = [
  "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
  "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
  "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
  "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
  "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
  "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
  "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
  "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
].map((box) => Array.from(box, (digit) => parseInt(digit, 16)));

/** The 11 characters after the salt. The salt is two characters of crypt's alphabet. */
export function desCrypt(password: Uint8Array, salt: string): string {
  const keys = roundKeys(keyBits(password));
  const expansion = saltedExpansion(salt);
  // The initial permutation of zeros is zeros, and between two encryptions the final and the
  // initial permutation cancel out: so they are left out but for the very last.
  let halves: [Bits, Bits] = [zeros(32), zeros(32)];
  for (let time = 0; time < TIMES; time++) halves = encrypt(halves, keys, expansion);
  return written(finalPermutation(halves));
}

/** Seven bits of each of eight bytes, highest first; the eighth is a parity that does not count. */
function keyBits(password: Uint8Array): Bits {
  return Array.from({ length: 64 }, (_, bit) => ((password[bit >> 3] ?? 0) >> (6 - bit % 8)) & 1);
}

function roundKeys(key: Bits): Bits[] {
  let [c, d] = [picked(key, CHOICE_1.slice(0, 28)), picked(key, CHOICE_1.slice(28))];
  return TURNS.map((turn) => {
    c = [...c.slice(turn), ...c.slice(0, turn)];
    d = [...d.slice(turn), ...d.slice(0, turn)];
    return picked([...c, ...d], CHOICE_2);
  });
}

/** The expansion E, with its bits n and n + 24 exchanged where bit n of the salt is set. */
function saltedExpansion(salt: string): Bits {
  const expansion = Array.from({ length: 48 }, (_, bit) => {
    return (4 * Math.floor(bit / 6) + bit % 6 + 31) % 32 + 1;
  });
  const number = digitValue(salt[0]!) | (digitValue(salt[1]!) << 6);
  for (let bit = 0; bit < 12; bit++) {
    if ((number >> bit & 1) === 0) continue;
    [expansion[bit], expansion[bit + 24]] = [expansion[bit + 24]!, expansion[bit]!];
  }
  return expansion;
}

function encrypt(halves: [Bits, Bits], keys: readonly Bits[], expansion: Bits): [Bits, Bits] {
  let [left, right] = halves;
  for (let round = 0; round < ROUNDS; round++) {
    const mixed = xor(left, selected(xor(picked(right, expansion), keys[round]!)));
    [left, right] = [right, mixed];
  }
  return [right, left];
}

/** Six bits go into each selection function and four come out; then they are permuted. */
function selected(bits: Bits): Bits {
  const chosen = BOXES.flatMap((box, index) => {
    const [a, b, c, d, e, f] = bits.slice(6 * index, 6 * index + 6);
    const value = box[(a! << 5) | (f! << 4) | (b! << 3) | (c! << 2) | (d! << 1) | e!]!;
    return [value >> 3 & 1, value >> 2 & 1, value >> 1 & 1, value & 1];
  });
  return picked(chosen, PERMUTATION);
}

/** Bit n of each half goes where bit 8 - n % 8 of byte n / 8 is: the right one to odd columns. */
function finalPermutation([left, right]: [Bits, Bits]): Bits {
  return Array.from({ length: 64 }, (_, bit) => {
    const source = 8 * (bit % 8 >> 1) + 7 - (bit >> 3);
    return bit % 2 === 0 ? right[source]! : left[source]!;
  });
}

/** Six bits to a character, the highest first, two zeros filling the last. */
function written(bits: Bits): string {
  const filled = [...bits, 0, 0];
  return Array.from({ length: 11 }, (_, index) => {
    const group = filled.slice(6 * index, 6 * index + 6);
    return digits(group.reduce((value, bit) => (value << 1) | bit, 0), 1);
  }).join("");
}

function picked(bits: Bits, places: readonly number[]): Bits {
  return places.map((place) => bits[place - 1]!);
}

function xor(a: Bits, b: Bits): Bits {
  return a.map((bit, index) => bit ^ b[index]!);
}

function zeros(count: number): Bits {
  return new Array<number>(count).fill(0);
}
