/**
 * The MD5 password scheme of Apache (`$apr1$`) and of FreeBSD's crypt (`$1$`), which differ in
 * their prefix only: 1,000 rounds of MD5 over password, salt and the last digest in changing order.
 * Source: Apache's documentation "Password Formats"; FreeBSD's crypt(3).
 */

import { md5 } from "@noble/hashes/legacy.js";
import { concatBytes } from "@noble/hashes/utils.js";
import { cryptBase64 } from "./crypt_base64.ts";

const ROUNDS = 1000;

/** The bytes of the digest in the order in which they are written, three to a group. */
const ORDER = [0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 5, 11];

/** The part of the hash after the salt. `prefix` is `$apr1$` or `$1$`, the salt at most 8 bytes. */
export function md5Crypt(password: Uint8Array, salt: Uint8Array, prefix: string): string {
  const inner = md5(concatBytes(password, salt, password));
  let digest = md5(concatBytes(
    password,
    new TextEncoder().encode(prefix),
    salt,
    repeated(inner, password.length),
    bitsOf(password),
  ));
  for (let round = 0; round < ROUNDS; round++) {
    digest = md5(concatBytes(
      round % 2 === 1 ? password : digest,
      round % 3 === 0 ? new Uint8Array(0) : salt,
      round % 7 === 0 ? new Uint8Array(0) : password,
      round % 2 === 1 ? digest : password,
    ));
  }
  return cryptBase64(digest, ORDER);
}

/** For each bit of the password's length, lowest first: a zero if set, else its first byte. */
function bitsOf(password: Uint8Array): Uint8Array {
  const bytes: number[] = [];
  for (let rest = password.length; rest > 0; rest >>>= 1) {
    bytes.push((rest & 1) === 1 ? 0 : password[0]!);
  }
  return Uint8Array.from(bytes);
}

/** A digest over and over, to so many bytes. */
function repeated(digest: Uint8Array, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => digest[index % digest.length]!);
}
