/** Entries and writes for tests, with everything defaulted that a test does not care about. */

import type { Write } from "../../src/contracts/backend.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import type { Entry } from "../../src/contracts/entry.ts";

/** An entry that is fresh forever unless told otherwise. */
export function entryOf(payload: unknown, fields: Partial<Entry> = {}): Entry {
  return {
    payload,
    createdAt: 1_700_000_000_000,
    creationMs: 1,
    softExpiresAt: NEVER,
    hardExpiresAt: NEVER,
    tags: [],
    marks: [],
    ...fields,
  };
}

/** A write of an entry, to live as long as the entry. */
export function writeOf(key: string, payload: unknown, fields: Partial<Entry> = {}): Write<Entry> {
  const value = entryOf(payload, fields);
  return { key, value, expiresAt: value.hardExpiresAt };
}
