/**
 * What this process has read of items lately: enough to mark one with a lease without reading it anew.
 *
 * Whoever finds a value stale asks for its lock next. Under the cas that was read with the value, the
 * lease is appended in the same trip that looks what is there now. Where the item has changed since, its
 * cas is another one: then nothing was appended, and the look says what there is to do.
 */

import { casOf } from "./held_item.ts";
import type { MetaReply } from "./protocol.ts";
import type { ItemRecord } from "./record.ts";
import type { MemcachedServer } from "./server.ts";

/** An item as it was read. */
export interface Sighting {
  /** Its cas. */
  readonly cas: string;
  /** The era of the server: in another one the cas means nothing. */
  readonly era: number;
  /** What it holds, but an empty value in place of its own. */
  readonly record: ItemRecord;
}

/** So many are remembered before the older half is forgotten. */
const mostSightings = 1_024;

const someValue = new Uint8Array(0);

/** The last sightings of one server. */
export class Sightings {
  #recent: Map<string, Sighting> = new Map();
  #older: Map<string, Sighting> = new Map();

  /** Remembers an item that has a value. */
  note(key: string, found: MetaReply, { era, record }: Pick<Sighting, "era" | "record">): void {
    if (this.#recent.size >= mostSightings / 2) {
      [this.#recent, this.#older] = [new Map(), this.#recent];
    }
    this.#recent.set(key, { cas: casOf(found), era, record: { ...record, value: someValue } });
  }

  /** The last sighting of a key, which is of use once. */
  take(key: string): Sighting | undefined {
    const sighting = this.#recent.get(key) ?? this.#older.get(key);
    this.#recent.delete(key);
    this.#older.delete(key);
    return sighting;
  }
}

const kept: WeakMap<MemcachedServer, Sightings> = new WeakMap();

/** The sightings of a server, for whoever uses them: from now on they are kept. */
export function sightingsFor(server: MemcachedServer): Sightings {
  const sightings = kept.get(server) ?? new Sightings();
  kept.set(server, sightings);
  return sightings;
}

/** The sightings of a server, if anybody uses them. */
export function sightingsOf(server: MemcachedServer): Sightings | undefined {
  return kept.get(server);
}
