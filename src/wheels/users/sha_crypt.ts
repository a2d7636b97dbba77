/**
 * The SHA-256 and SHA-512 password schemes of crypt(3), `$5$` and `$6$`: some thousand rounds of
 * the hash over the last digest and strings made from password and salt. Source: Ulrich Drepper,
 * "Unix crypt using SHA-256 and SHA-512", version 0.6.
 */

import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { cryptBase64 } from "./crypt_base64.ts";

/** One of the two schemes. */
export type ShaScheme = "$5$" | "$6$";

const HASHES = Object.freeze({ "$5$": sha256, "$6$": sha512 });

/** Rounds if the hash states none. */
export const DEFAULT_ROUNDS = 5000;

/** The part of the hash after the salt. The salt has at most 16 bytes. */
export function shaCrypt(
  password: Uint8Array,
  salt: Uint8Array,
  { scheme, rounds }: { scheme: ShaScheme; rounds: number },
): string {
  const hash = HASHES[scheme];
  const inner = hash(concatBytes(password, salt, password));
  let digest = hash(concatBytes(
    password,
    salt,
    repeated(inner, password.length),
    ...bitsOf(password.length).map((bit) => bit === 1 ? inner : password),
  ));
  const passwords = repeated(hash(times(password, password.length)), password.length);
  const salts = repeated(hash(times(salt, 16 + digest[0]!)), salt.length);
  for (let round = 0; round < rounds; round++) {
    digest = hash(concatBytes(
      round % 2 === 1 ? passwords : digest,
      round % 3 === 0 ? new Uint8Array(0) : salts,
      round % 7 === 0 ? new Uint8Array(0) : passwords,
      round % 2 === 1 ? digest : passwords,
    ));
  }
  return cryptBase64(digest, scheme === "$5$" ? order256() : order512());
}

/** Groups of three bytes a third apart, their places turning right; then the last two. */
function order256(): number[] {
  const order = Array.from({ length: 10 }, (_, group) => turned([0, 10, 20], -group, group));
  return [...order.flat(), 31, 30];
}

/** As for SHA-256, but turning left; then the last one. */
function order512(): number[] {
  const order = Array.from({ length: 21 }, (_, group) => turned([0, 21, 42], group, group));
  return [...order.flat(), 63];
}

function turned(starts: readonly number[], turn: number, group: number): number[] {
  return starts.map((_, place) => starts[(((place + turn) % 3) + 3) % 3]! + group);
}

/** The bits of a length, lowest first. */
function bitsOf(length: number): number[] {
  const bits: number[] = [];
  for (let rest = length; rest > 0; rest >>>= 1) bits.push(rest & 1);
  return bits;
}

function times(bytes: Uint8Array, count: number): Uint8Array {
  return repeated(bytes, bytes.length * count);
}

function repeated(bytes: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => bytes[index % bytes.length]!);
}
