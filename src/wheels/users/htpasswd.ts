/**
 * Users and their password hashes from an htpasswd file.
 *
 * Good hashes are slow to check, and pip sends the password with every request. So an answer of
 * "yes" is remembered for a while, under a digest of name and password with a random salt that
 * never leaves the process; "no" is never remembered. A new file gives new users, which have
 * forgotten everything.
 *
 * An unknown name costs as much as a known one: the password is checked against the hash of some
 * user, always the same for the same name, and the answer is "no" whatever comes out.
 */

import { type Clock, systemClock } from "../../contracts/clock.ts";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes } from "@noble/hashes/utils.js";
import { within } from "../upstream/time_limit.ts";
import { type PasswordCheck, passwordCheck } from "./password_hash.ts";

/** Those who may come in. */
export interface Users {
  /** The names with a hash that can be checked, sorted. */
  readonly names: readonly string[];
  /** The names whose hash is of an unknown kind or too costly; nobody comes in under them. */
  readonly unusable: readonly string[];
  /** Whether there is such a user with such a password. Takes as long for an unknown name. */
  verify(name: string, password: string): Promise<boolean>;
  /** Whether that was found right a moment ago, which takes next to no time. */
  remembers(name: string, password: string): Promise<boolean>;
}

/** How users are checked. */
export interface UsersOptions {
  /** How long a right password is remembered, in milliseconds. Default 60,000; 0 forgets at once. */
  readonly rememberMs?: number;
  /** How many right passwords are remembered. Default 1,000. */
  readonly mostRemembered?: number;
  /** Where the time comes from. */
  readonly clock?: Clock;
}

/** Longer passwords are refused unread, as they would only cost time. */
const LONGEST_PASSWORD = 4096;

/** A check is begun anew then: on Workers it ends with the request that began it. */
const LONGEST_CHECK_MS = 30_000;

/**
 * Reads an htpasswd file: lines `name:hash`, of which anything after a further colon or a blank is
 * dropped; empty lines and lines beginning with `#` are passed over; of several lines with one
 * name the last counts. Understands bcrypt, apr1, MD5-crypt, `{SHA}`, SHA-256-crypt,
 * SHA-512-crypt and DES-crypt.
 *
 * Throws a `SyntaxError` naming the first line that has no name or no colon, and a `RangeError`
 * for an option that is no number from 0. Source: Apache's documentation "Password Formats".
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseHtpasswd } from "@cairn/cache/wheels";
 *
 * const users = parseHtpasswd("# staff\nada:{SHA}fEqNCco3Yq9h5ZUglD3CZJT4lBs=\n");
 * assert.equal(await users.verify("ada", "123456"), true);
 * assert.equal(await users.verify("ada", "654321"), false);
 * assert.equal(await users.verify("bob", "123456"), false);
 * ```
 */
export function parseHtpasswd(text: string, options: UsersOptions = {}): Users {
  const checks = new Map<string, PasswordCheck | undefined>();
  for (const [index, line] of text.split(/\r\n|\n|\r/).entries()) {
    const entry = parseLine(line, index + 1);
    if (entry !== undefined) checks.set(entry.name, passwordCheck(entry.hash));
  }
  return usersOf(checks, options);
}

/** Users by the checks of their passwords; one without a check is unusable. */
export function usersOf(
  checks: ReadonlyMap<string, PasswordCheck | undefined>,
  options: UsersOptions = {},
): Users {
  return new HashedUsers(checks, options);
}

function parseLine(text: string, number: number): { name: string; hash: string } | undefined {
  const line = text.replace(/^\ufeff/, "").trim();
  if (line === "" || line.startsWith("#")) return undefined;
  const colon = line.indexOf(":");
  if (colon < 1) throw new SyntaxError(`Cannot read users: line ${number} is not "name:hash"`);
  const [hash] = line.slice(colon + 1).trimStart().split(/[:\s]/);
  return { name: line.slice(0, colon), hash: hash! };
}

class HashedUsers implements Users {
  readonly names: readonly string[];
  readonly unusable: readonly string[];
  readonly #checks = new Map<string, PasswordCheck>();
  readonly #options: Required<UsersOptions>;
  /** Makes what is remembered useless to anybody who reads the memory later. */
  readonly #salt: Uint8Array = crypto.getRandomValues(new Uint8Array(32));
  /** When each right password is forgotten, by its digest; the oldest first. */
  readonly #remembered = new Map<string, number>();
  /** Checks under way by their digest, so that requests sent together cost one. */
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(
    checks: ReadonlyMap<string, PasswordCheck | undefined>,
    { rememberMs = 60_000, mostRemembered = 1000, clock = systemClock }: UsersOptions,
  ) {
    this.#options = Object.freeze({
      rememberMs: checked("rememberMs", rememberMs),
      mostRemembered: checked("mostRemembered", mostRemembered),
      clock,
    });
    for (const [name, check] of checks) if (check !== undefined) this.#checks.set(name, check);
    this.names = Object.freeze([...this.#checks.keys()].sort());
    this.unusable = Object.freeze([...checks.keys()].filter((name) => !this.#checks.has(name)));
  }

  async verify(name: string, password: string): Promise<boolean> {
    if (password.length > LONGEST_PASSWORD) return false;
    const digest = this.#digestOf(name, password);
    if (this.#remembers(digest)) return true;
    const given = { name, password };
    return await within(this.#pending.get(digest) ?? this.#begin(digest, given), {
      clock: this.#options.clock,
      limitMs: LONGEST_CHECK_MS,
      late: () => this.#begin(digest, given),
    });
  }

  async remembers(name: string, password: string): Promise<boolean> {
    return password.length <= LONGEST_PASSWORD && this.#remembers(this.#digestOf(name, password));
  }

  #begin(digest: string, given: { name: string; password: string }): Promise<boolean> {
    const check = this.#check(given)
      .then((isRight) => {
        if (isRight) this.#remember(digest);
        return isRight;
      })
      .finally(() => {
        if (this.#pending.get(digest) === check) this.#pending.delete(digest);
      });
    this.#pending.set(digest, check);
    return check;
  }

  async #check({ name, password }: { name: string; password: string }): Promise<boolean> {
    const known = this.#checks.get(name);
    const check = known ?? this.#decoyFor(name);
    const isRight = await check?.(password) ?? false;
    return isRight && known !== undefined;
  }

  #decoyFor(name: string): PasswordCheck | undefined {
    if (this.names.length === 0) return undefined;
    const [high, low] = sha256(concatBytes(this.#salt, utf8(name)));
    return this.#checks.get(this.names[((high! << 8) | low!) % this.names.length]!);
  }

  #remembers(digest: string): boolean {
    const forgottenAt = this.#remembered.get(digest);
    if (forgottenAt === undefined) return false;
    const now = this.#options.clock.now();
    // A clock that was set back must not make a memory last longer than it should.
    if (now < forgottenAt && now >= forgottenAt - this.#options.rememberMs) return true;
    this.#remembered.delete(digest);
    return false;
  }

  #remember(digest: string): void {
    const { rememberMs, mostRemembered, clock } = this.#options;
    this.#remembered.delete(digest);
    if (rememberMs > 0) this.#remembered.set(digest, clock.now() + rememberMs);
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size <= mostRemembered) break;
      this.#remembered.delete(oldest);
    }
  }

  /** Name and password apart from each other, whatever they hold. */
  #digestOf(name: string, password: string): string {
    const [nameDigest, passwordDigest] = [sha256(utf8(name)), sha256(utf8(password))];
    return bytesToHex(sha256(concatBytes(this.#salt, nameDigest, passwordDigest)));
  }
}

function checked(name: string, value: number): number {
  if (value >= 0) return value;
  throw new RangeError(`Cannot read users: "${name}" is ${value}, not a number from 0`);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
