/** What entries and locks in Deno KV share. */

import { requireKeys, utf8Bytes } from "../../src/compose/limits.ts";
import { type Limits, UNLIMITED } from "../../src/contracts/backend.ts";
import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { DenoKv } from "./client.ts";
import { DenoKvCommits } from "./commits.ts";
import { DenoKvRecords } from "./records.ts";

/** Where the entries are, and what time it is. */
export interface DenoKvOptions {
  /** The first part of every key, of 1 to 64 bytes. Default: `"cairn"`. */
  readonly prefix?: string;
  /** Judges deadlines. Default: the platform's. */
  readonly clock?: Clock;
}

const prefixBytes = 64;

// Deno KV takes 2,048 bytes of encoded key, in which a NUL takes two, and that of a part has a prefix,
// an id and a number besides. It sets no limit to values in parts, but memory does.
const limits: Limits = Object.freeze({ ...UNLIMITED, keyBytes: 900, valueBytes: 16 << 20 });

/** The part of a database that holds entries under one prefix. */
export class DenoKvDatabase {
  readonly name = "deno kv";
  readonly limits: Limits = limits;
  readonly clock: Clock;
  readonly records: DenoKvRecords;
  readonly commits: DenoKvCommits;

  /** A `RangeError` for a prefix that is empty or too long. */
  constructor(kv: DenoKv, options: DenoKvOptions) {
    const { prefix = "cairn", clock = systemClock } = options;
    if (prefix === "" || utf8Bytes(prefix) > prefixBytes) {
      throw new RangeError(`Cannot use Deno KV: "prefix" is "${prefix}"`);
    }
    this.clock = clock;
    this.records = new DenoKvRecords(kv, { prefix, clock });
    this.commits = new DenoKvCommits(kv, clock);
  }

  /** Removes entries and ends their leases. The parts of large values go at their deadline. */
  async remove(operation: string, keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    const gone = [...new Set(keys)].flatMap((key) =>
      (["entry", "lease"] as const).map((kind) => ({ key: this.records.keyOf(kind, key) }))
    );
    await this.guard(operation, () => this.commits.all(gone));
  }

  /** Runs `work`; whatever it throws becomes a `BackendError`. */
  async guard<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new BackendError(this.name, operation, error);
    }
  }
}
