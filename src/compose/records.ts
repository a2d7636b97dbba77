/** Entries as records of bytes: a codec inside a framing. */

import type { Write } from "../contracts/backend.ts";
import type { Codec } from "../contracts/codec.ts";
import { type Entry, NO_PAYLOAD } from "../contracts/entry.ts";
import { bareFrameOf, frameV1, type Framing } from "./frame.ts";

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

  /** The entry of a record; `undefined`, and a report, if it cannot be read. */
  async read(key: string, record: Uint8Array | undefined): Promise<Entry<T> | undefined> {
    if (!record) return undefined;
    const bare = bareEntryOf<T>(record);
    if (bare) return bare;
    try {
      const { codec, ...frame } = this.#framing.parse(record);
      this.#requireCodec(codec);
      return { ...frame, payload: await this.#codec.decode(frame.payload, key) };
    } catch (error) {
      this.#onUnreadable({ backend: this.#backend, key, error });
      return undefined;
    }
  }

  /**
   * The entry of a record without its payload, at once and without reports: enough to judge
   * freshness. `undefined` if it cannot be read.
   */
  peek(record: Uint8Array | undefined): Entry<undefined> | undefined {
    if (!record) return undefined;
    const bare = bareEntryOf<undefined>(record);
    if (bare) return bare;
    try {
      const { codec, ...frame } = this.#framing.parse(record);
      this.#requireCodec(codec);
      return { ...frame, payload: undefined };
    } catch {
      // The same record is read again when the wait for it ends, and reported then.
      return undefined;
    }
  }

  #requireCodec(found: string | undefined): void {
    if (found === undefined || found === this.#codec.name) return;
    throw new TypeError(`Cannot decode with "${this.#codec.name}": encoded with "${found}"`);
  }
}

const NO_BYTES = new Uint8Array(0);

function bareRecord(entry: Entry): Uint8Array {
  return frameV1.format({ ...entry, payload: NO_BYTES, codec: undefined });
}

function bareEntryOf<T>(record: Uint8Array): Entry<T> | undefined {
  const found = bareFrameOf(record);
  if (!found) return undefined;
  const { codec: _, ...frame } = found;
  return { ...frame, payload: NO_PAYLOAD as T };
}
