/**
 * Every error class of cairn. Wrong arguments are built-in `TypeError`s and `RangeError`s; the
 * classes here are what a caller may want to catch.
 *
 * Names are literal because minifiers rename classes.
 */

import { excerpt } from "./excerpt.ts";

/** The base of cairn's own errors. */
export class CacheError extends Error {
  /** The class name. */
  override readonly name: string = "CacheError";
}

/** A store failed or could not be reached. The cause is the store's own error. */
export class BackendError extends CacheError {
  /** The class name. */
  override readonly name: string = "BackendError";
  /** Which store, e.g. `"redis"`. */
  readonly backend: string;
  /** Which operation, e.g. `"get"`. */
  readonly operation: string;

  /** Wraps the store's own error. */
  constructor(backend: string, operation: string, cause: unknown) {
    super(`Cannot ${operation} on ${backend}: ${messageOf(cause)}`, { cause });
    this.backend = backend;
    this.operation = operation;
  }
}

/** A lock was not to be had within the policy's wait, and the policy says to throw. */
export class LockTimeoutError extends CacheError {
  /** The class name. */
  override readonly name: string = "LockTimeoutError";

  /** Names the key and the wait. */
  constructor(key: string, waitMs: number) {
    super(`Cannot lock "${key}": still held after ${waitMs} ms`);
  }
}

/** A lease ended before its creation did. It is the reason of the creator's abort signal. */
export class LeaseLostError extends CacheError {
  /** The class name. */
  override readonly name: string = "LeaseLostError";

  /** Names the key. */
  constructor(key: string) {
    super(`Cannot keep creating "${key}": its lease was lost`);
  }
}

/** A creation took longer than the policy's hard creation timeout. */
export class CreationTimeoutError extends CacheError {
  /** The class name. */
  override readonly name: string = "CreationTimeoutError";

  /** Names the key and the timeout. */
  constructor(key: string, timeoutMs: number) {
    super(`Cannot create "${key}": not done after ${timeoutMs} ms`);
  }
}

/** Nothing came back to a pool in time, or too many callers wait for it already. */
export class PoolExhaustedError extends CacheError {
  /** The class name. */
  override readonly name: string = "PoolExhaustedError";

  /** Gives the reason. */
  constructor(reason: string) {
    super(`Cannot acquire from the pool: ${reason}`);
  }
}

/** A region was used before it was configured. */
export class RegionNotConfiguredError extends CacheError {
  /** The class name. */
  override readonly name: string = "RegionNotConfiguredError";

  /** Names the region. */
  constructor(region: string) {
    super(`Cannot use region "${region}": no backend is configured on this region`);
  }
}

/** A region was configured a second time without being told to replace its backend. */
export class RegionAlreadyConfiguredError extends CacheError {
  /** The class name. */
  override readonly name: string = "RegionAlreadyConfiguredError";

  /** Names the region and its backend. */
  constructor(region: string, backend: string) {
    super(`Cannot configure region "${region}": this region is already configured with ${backend}`);
  }
}

/** A backend was asked for by a name that nobody registered. */
export class PluginNotFoundError extends CacheError {
  /** The class name. */
  override readonly name: string = "PluginNotFoundError";

  /** Names what was asked for. */
  constructor(plugin: string) {
    super(`Cannot load plugin "${plugin}": no such name is registered`);
  }
}

/** Bytes were not those that their digest or length promised. */
export class IntegrityError extends CacheError {
  /** The class name. */
  override readonly name: string = "IntegrityError";
  /** What was checked, e.g. `"sha256"` or `"length"`. */
  readonly check: string;
  /** What was promised. */
  readonly expected: string;
  /** What was found. */
  readonly actual: string;

  /** Names the subject, the check and both values. */
  constructor(subject: string, check: string, sides: { expected: string; actual: string }) {
    super(`Cannot accept ${subject}: ${check} is ${sides.actual}, not ${sides.expected}`);
    this.check = check;
    this.expected = sides.expected;
    this.actual = sides.actual;
  }
}

/** The upstream index could not be reached or gave no usable answer. */
export class UpstreamError extends CacheError {
  /** The class name. */
  override readonly name: string = "UpstreamError";
  /** The address asked, without credentials and query. */
  readonly url: string;
  /** The HTTP status, where there was one. */
  readonly status: number | undefined;
  /** How long to wait before asking again, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;

  /** Names the address and the reason. */
  constructor(url: string, reason: string, options: UpstreamErrorOptions = {}) {
    const address = withoutCredentials(url);
    super(`Cannot read ${address}: ${reason}`, { cause: options.cause });
    this.url = address;
    this.status = options.status;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** A file of the upstream is held back by the rules for it. */
export class HeldBackError extends CacheError {
  /** The class name. */
  override readonly name: string = "HeldBackError";
  /** The file's name. */
  readonly filename: string;

  /** Names the file and the rule. */
  constructor(filename: string, reason: string) {
    super(`Cannot serve "${excerpt(filename)}", which is held back: ${reason}`);
    this.filename = filename;
  }
}

/** What is known of an upstream's failure besides its reason. */
export interface UpstreamErrorOptions {
  /** The HTTP status. */
  readonly status?: number;
  /** How long to wait before asking again, in milliseconds. */
  readonly retryAfterMs?: number;
  /** The error beneath. */
  readonly cause?: unknown;
}

/** Why an upload was refused. */
export type RefusalCode =
  | "form"
  | "digest"
  | "exists"
  | "used"
  | "too-large"
  | "too-many"
  | "forbidden"
  | "closed";

/** An upload was refused; the message tells its sender why, in the words that clients look for. */
export class UploadRefusedError extends CacheError {
  /** The class name. */
  override readonly name: string = "UploadRefusedError";
  /** The kind of reason. */
  readonly code: RefusalCode;

  /** States the reason. */
  constructor(code: RefusalCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** A package file is not what its name and kind promise; the message tells its uploader why. */
export class InvalidDistributionError extends CacheError {
  /** The class name. */
  override readonly name: string = "InvalidDistributionError";
  /** What is wrong with it. */
  readonly reason: string;

  /** States what is wrong. */
  constructor(reason: string, options: { cause?: unknown } = {}) {
    super(`Invalid distribution file: ${reason}`, options);
    this.reason = reason;
  }
}

/** A file's name is no package file's, or is not the one its content calls for. */
export class InvalidFilenameError extends CacheError {
  /** The class name. */
  override readonly name: string = "InvalidFilenameError";
  /** The name as it is. */
  readonly filename: string;

  /** States what is wrong with the name. */
  constructor(filename: string, reason: string) {
    super(`Invalid filename: "${excerpt(filename)}" ${reason}`);
    this.filename = filename;
  }
}

/** An index does not have what it was asked for. */
export class PackageNotFoundError extends CacheError {
  /** The class name. */
  override readonly name: string = "PackageNotFoundError";
  /** What was asked for, e.g. `"foo (>= 1.0) (whl)"`. */
  readonly requirement: string;

  /** Names what was asked for. */
  constructor(requirement: string) {
    super(`Cannot find a package in the index: ${excerpt(requirement)}`);
    this.requirement = requirement;
  }
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return "an address that is no URL";
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}
