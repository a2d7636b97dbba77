/** Locks of a store of bytes, for entries. */

import type { Write } from "../contracts/backend.ts";
import type { Codec } from "../contracts/codec.ts";
import type { Entry } from "../contracts/entry.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../contracts/locks.ts";
import { type RecordOptions, Records } from "./records.ts";

/**
 * Makes locks of entries from locks of bytes.
 *
 * While waiting, `enough` is shown entries whose payload is `undefined`: codecs may take their time,
 * and freshness is judged by times and marks. The entry that `acquire` answers is whole.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { localLocks, memoryBackend, serializedLocks, text } from "@cairn/cache";
 *
 * const locks = serializedLocks(text, localLocks(memoryBackend<Uint8Array>()));
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * const { lease, value } = await locks.acquire("key", options);
 * equal(value, undefined);
 * await lease!.release();
 * ```
 */
export function serializedLocks<T>(
  codec: Codec<T>,
  locks: Locks<Uint8Array>,
  options: RecordOptions = {},
): Locks<Entry<T>> {
  const records = new Records(locks.name, codec, options);
  return Object.freeze({
    name: locks.name,
    async acquire(key: string, options: AcquireOptions<Entry<T>>): Promise<Acquired<Entry<T>>> {
      const enough = (record: Uint8Array | undefined): boolean =>
        options.enough(records.peek(record) as Entry<T> | undefined);
      const { lease, value } = await locks.acquire(key, { ...options, enough });
      return {
        lease: lease && serializedLease(lease, records),
        value: await records.read(key, value),
      };
    },
    revoke: (keys: readonly string[]): Promise<void> => locks.revoke(keys),
  });
}

function serializedLease<T>(lease: Lease<Uint8Array>, records: Records<T>): Lease<Entry<T>> {
  return Object.freeze({
    key: lease.key,
    fence: lease.fence,
    renew: (leaseMs: number): Promise<boolean> => lease.renew(leaseMs),
    commit: async (write: Write<Entry<T>>): Promise<boolean> =>
      await lease.commit(await records.write(write)),
    release: (): Promise<void> => lease.release(),
  });
}
