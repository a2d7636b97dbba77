/** Workers KV as it is at its worst: every place reads its own copy, to which writes come late. */

import type { KVNamespace } from "../../backends/workers_kv.ts";

interface Arrival {
  readonly key: string;
  /** `undefined` removes the key. */
  readonly value: Uint8Array | undefined;
}

/** One namespace, read and written from several places. */
export class StaleKV {
  readonly #written: Arrival[] = [];

  /** The namespace as one place sees it: its own writes at once, others' when they arrive. */
  place(): StalePlace {
    return new StalePlace(this.#written);
  }
}

/** A place with a copy of its own. */
export class StalePlace implements KVNamespace {
  readonly #written: Arrival[];
  readonly #copy = new Map<string, Uint8Array>();
  #arrived = 0;

  /** Shares what is written with other places. */
  constructor(written: Arrival[]) {
    this.#written = written;
  }

  /** Takes over the next `count` writes of all places, in order; by default all. */
  arrive(count: number = Infinity): void {
    const end = Math.min(this.#written.length, this.#arrived + count);
    for (; this.#arrived < end; this.#arrived++) this.#apply(this.#written[this.#arrived]!);
  }

  /** The copy's value. */
  async get(key: string): Promise<ArrayBuffer | null> {
    return this.#copy.get(key)?.slice().buffer ?? null;
  }

  /** Writes here at once. */
  async put(key: string, value: Uint8Array): Promise<void> {
    this.#write({ key, value: value.slice() });
  }

  /** Removes here at once. */
  async delete(key: string): Promise<void> {
    this.#write({ key, value: undefined });
  }

  #write(arrival: Arrival): void {
    this.#written.push(arrival);
    this.#apply(arrival);
  }

  #apply({ key, value }: Arrival): void {
    if (value) this.#copy.set(key, value);
    else this.#copy.delete(key);
  }
}
