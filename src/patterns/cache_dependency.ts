/**
 * Removing a group of keys together: every dependant is noted under a master key, and deleting the
 * master deletes its dependants. As wheezy's `CacheDependency`, without its counter.
 *
 * Nothing is lost to races. `set` notes the dependant, writes its value and looks whether the note
 * is still there; `delete` removes notes first and values afterwards:
 *
 *  1. `set` notes the dependant; `delete` reads the notes, removes them and the value.
 *  2. `set` writes the value, finds its note gone and notes the dependant again: the next `delete`
 *     finds it. Had the note still been there, the removal of values was still to come.
 *
 * A region's tags do the same at constant cost; this is for stores and values that no region holds.
 */

import type { Backend, Write } from "../contracts/backend.ts";
import { type Clock, NEVER, systemClock } from "../contracts/clock.ts";
import { DependencySlots, levels } from "./dependency_slots.ts";
import type { TextStore } from "./text_store.ts";

/** How a {@linkcode CacheDependency} notes dependants. */
export interface CacheDependencyOptions {
  /** How long a note lives, in milliseconds: as long as the longest dependant. Default: `NEVER`. */
  readonly ttlMs?: number;
  /** What the names of notes begin with. Default: `"dependency/"`. */
  readonly prefix?: string;
  /** Where the time comes from. Default: the platform's. */
  readonly clock?: Clock;
}

/** A note that was found: where, and of which dependant. */
interface Note {
  readonly slot: string;
  readonly dependant: string;
}

/**
 * Groups of keys by master key.
 *
 * `notes` holds the groups, `values` the dependants' values; both may be one store.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { CacheDependency, memoryBackend, NEVER } from "@cairn/cache";
 *
 * const store = memoryBackend<string>();
 * const dependency = new CacheDependency(store, store, { ttlMs: 60_000 });
 * await dependency.set("user:7", { key: "user:7:name", value: "Ada", expiresAt: NEVER });
 * await dependency.delete("user:7");
 * deepEqual(await store.get(["user:7:name"]), [undefined]);
 * ```
 */
export class CacheDependency<V = unknown> {
  readonly #notes: TextStore;
  readonly #values: Backend<V>;
  readonly #ttlMs: number;
  readonly #prefix: string;
  readonly #clock: Clock;

  /** Throws a `RangeError` for a `ttlMs` that is not more than 0. */
  constructor(notes: TextStore, values: Backend<V>, options: CacheDependencyOptions = {}) {
    const { ttlMs = NEVER, prefix = "dependency/", clock = systemClock } = options;
    if (!(ttlMs > 0)) throw new RangeError(`Cannot note dependants: ttlMs is ${ttlMs}`);
    this.#notes = notes;
    this.#values = values;
    this.#ttlMs = ttlMs;
    this.#prefix = prefix;
    this.#clock = clock;
  }

  /** Notes that `dependant` goes when `master` goes. Noting it again prolongs the note. */
  async add(master: string, dependant: string): Promise<void> {
    await this.#note(this.#slotsOf(master), dependant);
  }

  /** Notes many dependants. */
  async addMulti(master: string, dependants: readonly string[]): Promise<void> {
    const slots = this.#slotsOf(master);
    await Promise.all(dependants.map((dependant) => this.#note(slots, dependant)));
  }

  /** Stores a value and notes its key, so that no `delete` of the master can miss it. */
  async set(master: string, write: Write<V>): Promise<void> {
    const slots = this.#slotsOf(master);
    const slot = await this.#note(slots, write.key);
    await this.#values.set([write]);
    const [noted] = await this.#notes.get([slot]);
    if (noted !== write.key) await this.#note(slots, write.key);
  }

  /** The dependants of a master, in no particular order. */
  getKeys(master: string): Promise<string[]> {
    return this.getMultiKeys([master]);
  }

  /** The dependants of many masters, each once, in two reads. */
  async getMultiKeys(masters: readonly string[]): Promise<string[]> {
    return dependantsOf(await this.#find(masters));
  }

  /** Deletes the dependants of a master; answers `true`, also where there are none. */
  delete(master: string): Promise<boolean> {
    return this.deleteMulti([master]);
  }

  /** Deletes the dependants of many masters, all values in one batch; answers `true`. */
  async deleteMulti(masters: readonly string[]): Promise<boolean> {
    const notes = await this.#find(masters);
    if (notes.length === 0) return true;
    await Promise.all(notes.map((note) => this.#notes.deleteIf(note.slot, note.dependant)));
    await this.#values.delete(dependantsOf(notes));
    return true;
  }

  #slotsOf(master: string): DependencySlots {
    return new DependencySlots(this.#prefix, master);
  }

  async #note(slots: DependencySlots, dependant: string): Promise<string> {
    for (const level of levels) {
      const slot = slots.slotFor(dependant, level);
      if (level > 0) await this.#markLevel(slots, level);
      if (await this.#take(slot, dependant)) return slot;
    }
    throw new RangeError(`Cannot note "${dependant}": its master has too many dependants`);
  }

  /** Takes the slot, or finds it taken by the same dependant and prolongs the note. */
  async #take(slot: string, dependant: string): Promise<boolean> {
    const expiresAt = this.#deadline(1);
    if (await this.#notes.add({ key: slot, value: dependant, expiresAt })) return true;
    const [holder] = await this.#notes.get([slot]);
    if (holder === dependant && await this.#notes.touch(slot, expiresAt)) return true;
    const isFree = holder === undefined || holder === dependant;
    return isFree && await this.#notes.add({ key: slot, value: dependant, expiresAt });
  }

  // A mark must outlive every note of its level, also those that a faster clock has made.
  async #markLevel(slots: DependencySlots, level: number): Promise<void> {
    await this.#notes.set([{ key: slots.markOf(level), value: "1", expiresAt: this.#deadline(2) }]);
  }

  async #find(masters: readonly string[]): Promise<Note[]> {
    const named = [...new Set(masters)].map((master) => this.#slotsOf(master));
    const first = named.flatMap((slots) => slots.slotsOf(0));
    const further = named.flatMap((slots) => levels.slice(1).map((level) => ({ slots, level })));
    const marks = further.map(({ slots, level }) => slots.markOf(level));
    const found = await this.#read([...first, ...marks]);
    const used = further.filter((_, at) => found.has(marks[at]!));
    const rest = await this.#read(used.flatMap(({ slots, level }) => slots.slotsOf(level)));
    for (const mark of marks) found.delete(mark);
    return [...found, ...rest].map(([slot, dependant]) => ({ slot, dependant }));
  }

  async #read(keys: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    if (keys.length === 0) return found;
    const values = await this.#notes.get(keys);
    keys.forEach((key, at) => values[at] !== undefined && found.set(key, values[at]));
    return found;
  }

  #deadline(lives: number): number {
    return this.#ttlMs === NEVER ? NEVER : this.#clock.now() + lives * this.#ttlMs;
  }
}

function dependantsOf(notes: readonly Note[]): string[] {
  return [...new Set(notes.map(({ dependant }) => dependant))];
}
