/**
 * The password hashes found in htpasswd files, and checking a password against one.
 *
 * | begins with | scheme |
 * |---|---|
 * | `$2y$` `$2a$` `$2b$` | bcrypt |
 * | `$apr1$` `$1$` | MD5, 1,000 rounds, of Apache and of crypt(3) |
 * | `$5$` `$6$` | SHA-256 and SHA-512 of crypt(3), 5,000 rounds unless stated |
 * | `{SHA}` | SHA-1, once and without salt |
 * | (13 characters) | DES of crypt(3), of the first eight characters |
 *
 * Passwords are UTF-8. Schemes that are costly to check have a bound, so that a user file cannot
 * stop the server.
 */

import { sha1 } from "@noble/hashes/legacy.js";
import { compare as compareBcrypt } from "bcryptjs";
import { desCrypt } from "./des_crypt.ts";
import { md5Crypt } from "./md5_crypt.ts";
import { DEFAULT_ROUNDS, shaCrypt, type ShaScheme } from "./sha_crypt.ts";

/** Whether a password is the one that was hashed. */
export type PasswordCheck = (password: string) => Promise<boolean>;

/** The costliest hashes that are checked: bcrypt's logarithm of rounds, and rounds of SHA. */
const MOST_BCRYPT_COST = 16;
const MOST_ROUNDS = 1_000_000;
const LEAST_ROUNDS = 1000;

const BCRYPT = /^\$2[aby]\$([0-9]{2})\$[./0-9A-Za-z]{53}$/;
const MD5 = /^(\$apr1\$|\$1\$)([^$]{0,8})\$([./0-9A-Za-z]{22})$/;
const SHA_CRYPT =
  /^(\$[56]\$)(?:rounds=([0-9]{1,9})\$)?([^$]{0,16})\$([./0-9A-Za-z]{43}|[./0-9A-Za-z]{86})$/;
const SHA1 = /^\{SHA\}([A-Za-z0-9+/]{27}=)$/;
const DES = /^([./0-9A-Za-z]{2})([./0-9A-Za-z]{11})$/;

/** The check for a hash, or `undefined` where its scheme is not known or too costly. */
export function passwordCheck(hash: string): PasswordCheck | undefined {
  return bcryptCheck(hash) ?? md5Check(hash) ?? shaCryptCheck(hash) ?? sha1Check(hash) ??
    desCheck(hash);
}

function bcryptCheck(hash: string): PasswordCheck | undefined {
  const cost = Number(BCRYPT.exec(hash)?.[1] ?? Infinity);
  if (cost < 4 || cost > MOST_BCRYPT_COST) return undefined;
  return (password) => compareBcrypt(password, hash);
}

function md5Check(hash: string): PasswordCheck | undefined {
  const [, prefix, salt, expected] = MD5.exec(hash) ?? [];
  if (expected === undefined) return undefined;
  return async (password) => isSame(md5Crypt(utf8(password), utf8(salt!), prefix!), expected);
}

function shaCryptCheck(hash: string): PasswordCheck | undefined {
  const [, scheme, stated, salt, expected] = SHA_CRYPT.exec(hash) ?? [];
  if (expected === undefined) return undefined;
  const rounds = Math.max(LEAST_ROUNDS, Number(stated ?? DEFAULT_ROUNDS));
  if (rounds > MOST_ROUNDS || (scheme === "$5$") !== (expected.length === 43)) return undefined;
  const options = { scheme: scheme as ShaScheme, rounds };
  return async (password) => isSame(shaCrypt(utf8(password), utf8(salt!), options), expected);
}

function sha1Check(hash: string): PasswordCheck | undefined {
  const [, expected] = SHA1.exec(hash) ?? [];
  if (expected === undefined) return undefined;
  return async (password) => isSame(btoa(String.fromCharCode(...sha1(utf8(password)))), expected);
}

function desCheck(hash: string): PasswordCheck | undefined {
  const [, salt, expected] = DES.exec(hash) ?? [];
  if (expected === undefined) return undefined;
  return async (password) => isSame(desCrypt(utf8(password), salt!), expected);
}

/** Compares without telling by its duration where two texts of one length differ. */
export function isSame(actual: string, expected: string): boolean {
  let difference = actual.length ^ expected.length;
  for (let at = 0; at < expected.length; at++) {
    difference |= actual.charCodeAt(at) ^ expected.charCodeAt(at);
  }
  return difference === 0;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
