/** The part of `Deno.Kv` that cairn uses; `npm:@deno/kv` has it, too. */

/** A key: its parts. */
export type DenoKvKey = readonly (string | number)[];

/** What is at a key. */
export interface DenoKvEntry {
  /** Where it is. */
  readonly key: readonly unknown[];
  /** The value, or `null`. */
  readonly value: unknown;
  /** Which write it is of; `null` where there is nothing. Later writes have greater ones. */
  readonly versionstamp: string | null;
}

/** How a commit ended: refused, or done with a versionstamp. */
export interface DenoKvCommit {
  /** Whether every check held. */
  readonly ok: boolean;
  /** The stamp of what was written. */
  readonly versionstamp?: string;
}

/** Changes that are made together if what they were decided by is unchanged. */
export interface DenoKvAtomic {
  /** The key must still have this versionstamp. */
  check(check: { key: readonly unknown[]; versionstamp: string | null }): unknown;
  /** Stores a value. */
  set(key: DenoKvKey, value: unknown, options?: { expireIn?: number }): unknown;
  /** Removes a key. */
  delete(key: DenoKvKey): unknown;
  /** Makes the changes. */
  commit(): Promise<DenoKvCommit>;
}

/** An open database. */
export interface DenoKv {
  /** Reads at most ten keys as they are at one moment. */
  getMany(keys: DenoKvKey[]): Promise<DenoKvEntry[]>;
  /** Begins a change. */
  atomic(): DenoKvAtomic;
}
