/** Entries as records of bytes: a codec inside a framing. */

import type { Write } from "../contracts/backend.ts";
import type { Codec } from "../contracts/codec.ts";
import { type Entry, NO_PAYLOAD } from "../contracts/entry.ts";
import { bareFrameOf, type Frame, frameV1, type Framing } from "./frame.ts";

/** A record that could not be read. */
export interface Unreadable {
  /** The name of the store it was found in. */
  readonly backend: string;
  /** The key it was found at. */
  readonly key: string;
  /** Why it could not be read. */
  readonly error: unknown;
}

/** How entries become records. */
export interface RecordOptions {
  /** How payload, times, tags and marks are laid out. Default: `frameV1`. */
  readonly framing?: Framing;
  /** Told of every unreadable record; must not throw. Default: nobody is told. */
  readonly onUnreadable?: (report: Unreadable) => void;
}

/** Writes and reads the records of one store with one codec. */
export class Records<T> {
  readonly #backend: string;
  readonly #codec: Codec<T>;
  readonly #framing: Framing;
  readonly #onUnreadable: (report: Unreadable) => void;

  /** For the store named `backend`. */
  constructor(backend: string, codec: Codec<T>, options: RecordOptions = {}) {
    if (!/^[A-Za-z0-9-]{1,8}$/.test(codec.name)) {
      const form = "one to eight ASCII letters, digits and hyphens";
      throw new RangeError(`Cannot serialize with codec "${codec.name}": its name is not ${form}`);
    }
    this.#backend = backend;
    this.#codec = codec;
    this.#framing = options.framing ?? frameV1;
    this.#onUnreadable = options.onUnreadable ?? (() => {});
  }

  /** The same write of a record. What the codec throws is thrown. */
  async write({ key, value, expiresAt }: Write<Entry<T>>): Promise<Write<Uint8Array>> {
    if (value.payload === NO_PAYLOAD) return { key, value: bareRecord(value), expiresAt };
    const payload = await this.#codec.encode(value.payload, key);
    const record = this.#framing.format({ ...value, payload, codec: this.#codec.name });
    return { key, value: record, expiresAt };
  }

  /**
   * The entry of a record, at once where the codec takes no time; `undefined`, and a report, if it
   * cannot be read.
   */
  read(
    key: string,
    record: Uint8Array | undefined,
  ): Entry<T> | undefined | Promise<Entry<T> | undefined> {
    if (!record) return undefined;
    try {
      const bare = bareEntryOf<T>(record);
      if (bare) return bare;
      const frame = this.#parse(record);
      const payload = this.#codec.decode(frame.payload, key);
      return isPromise(payload) ? this.#awaited(key, frame, payload) : entryOf(frame, payload);
    } catch (error) {
      return this.#unreadable(key, error);
    }
  }

  /** As {@linkcode Records.read}, for many keys; waits only where the codec does. */
  readMany(
    keys: readonly string[],
    records: readonly (Uint8Array | undefined)[],
  ): (Entry<T> | undefined)[] | Promise<(Entry<T> | undefined)[]> {
    const entries = records.map((record, index) => this.read(keys[index]!, record));
    return entries.some(isPromise) ? Promise.all(entries) : entries as (Entry<T> | undefined)[];
  }

  /**
   * The entry of a record without its payload, at once and without reports: enough to judge
   * freshness. `undefined` if it cannot be read.
   */
  peek(record: Uint8Array | undefined): Entry<undefined> | undefined {
    if (!record) return undefined;
    try {
      return bareEntryOf<undefined>(record) ?? entryOf(this.#parse(record), undefined);
    } catch {
      // The same record is read again when the wait for it ends, and reported then.
      return undefined;
    }
  }

  #parse(record: Uint8Array): Frame {
    const frame = this.#framing.parse(record);
    const { codec } = frame;
    if (codec === undefined || codec === this.#codec.name) return frame;
    throw new TypeError(`Cannot decode with "${this.#codec.name}": encoded with "${codec}"`);
  }

  async #awaited(key: string, frame: Frame, payload: Promise<T>): Promise<Entry<T> | undefined> {
    try {
      return entryOf(frame, await payload);
    } catch (error) {
      return this.#unreadable(key, error);
    }
  }

  #unreadable(key: string, error: unknown): undefined {
    this.#onUnreadable({ backend: this.#backend, key, error });
    return undefined;
  }
}

const NO_BYTES = new Uint8Array(0);

function bareRecord(entry: Entry): Uint8Array {
  return frameV1.format({ ...entry, payload: NO_BYTES, codec: undefined });
}

function bareEntryOf<T>(record: Uint8Array): Entry<T> | undefined {
  const frame = bareFrameOf(record);
  return frame && entryOf(frame, NO_PAYLOAD as T);
}

// Field by field: objects made by spreading take several times as long.
function entryOf<T>(frame: Frame, payload: T): Entry<T> {
  const { createdAt, creationMs, softExpiresAt, hardExpiresAt, tags, marks } = frame;
  return { payload, createdAt, creationMs, softExpiresAt, hardExpiresAt, tags, marks };
}

// A promise may be of another realm, so it is known by its method.
function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>> | undefined | null)?.then === "function";
}
