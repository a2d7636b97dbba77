/** Texts in a store of bytes: what the adapters for other cache libraries have in common. */

import type { Backend } from "../../src/contracts/backend.ts";
import type { Listing } from "../../src/contracts/listing.ts";

/** A text to be stored. */
export interface TextWrite {
  /** The key in the store. */
  readonly key: string;
  /** The text; other libraries are written in JavaScript, so it may be anything. */
  readonly value: unknown;
  /** When it ends, in epoch milliseconds, or `NEVER`. */
  readonly expiresAt: number;
}

/** How many keys are read or deleted at once after they were listed. */
const pageKeys = 500;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Texts by key. */
export class TextEntries {
  readonly #backend: Backend<Uint8Array>;
  readonly #listing: Listing | undefined;

  /** In a store, whose keys can be listed or not. */
  constructor(backend: Backend<Uint8Array>, listing: Listing | undefined) {
    this.#backend = backend;
    this.#listing = listing;
  }

  /** The texts of `keys`, in order. */
  async get(keys: readonly string[]): Promise<(string | undefined)[]> {
    const values = await this.#backend.get(keys);
    return values.map((value) => value && decoder.decode(value));
  }

  /** Stores texts. */
  async set(writes: readonly TextWrite[]): Promise<void> {
    await this.#backend.set(writes.map((write) => ({ ...write, value: bytesOf(write) })));
  }

  /** Removes `keys`, and answers which of them had a value just before. */
  async delete(keys: readonly string[]): Promise<boolean[]> {
    const found = await this.#backend.get(keys);
    await this.#backend.delete(keys);
    return found.map((value) => value !== undefined);
  }

  /** The keys that begin with `prefix`, each once. Rejects with a `TypeError` without a listing. */
  async keys(prefix: string): Promise<string[]> {
    return [...new Set(await Array.fromAsync(this.#listed(prefix)))];
  }

  /** Removes all keys that begin with `prefix`. Rejects with a `TypeError` without a listing. */
  async clear(prefix: string): Promise<void> {
    for await (const page of pagesOf(this.#listed(prefix))) await this.#backend.delete(page);
  }

  /** All live texts whose keys begin with `prefix`. Rejects with a `TypeError` without a listing. */
  async *entries(prefix: string): AsyncGenerator<[key: string, value: string]> {
    for await (const page of pagesOf(this.#listed(prefix))) {
      const values = await this.get(page);
      for (const [index, value] of values.entries()) {
        if (value !== undefined) yield [page[index]!, value];
      }
    }
  }

  #listed(prefix: string): AsyncIterable<string> {
    if (this.#listing) return this.#listing.keys(prefix);
    const { name } = this.#backend;
    throw new TypeError(`Cannot list the keys of ${name}: the option "listing" is not given`);
  }
}

async function* pagesOf(keys: AsyncIterable<string>): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const key of keys) {
    if (page.push(key) < pageKeys) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

function bytesOf({ key, value }: TextWrite): Uint8Array {
  if (typeof value === "string") return encoder.encode(value);
  throw new TypeError(`Cannot store ${typeof value} at "${key}": a text is needed`);
}
