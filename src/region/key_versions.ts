/**
 * Whether a key may have been written since some moment, in little space: keys share 1,024 counters
 * by a hash, so the answer may be a needless yes, never a wrong no.
 *
 * A read that was under way when its key was set or deleted must not put what it found on the shelf.
 */

const STRIPES = 1_024;

/** Counters of the writes of one region. */
export class KeyVersions {
  readonly #counters = new Uint32Array(STRIPES);

  /** A number that changes with every write of the key. */
  of(key: string): number {
    return this.#counters[stripeOf(key)] as number;
  }

  /** Notes that a write of the key begins or ends. */
  bump(key: string): void {
    const stripe = stripeOf(key);
    this.#counters[stripe] = (this.#counters[stripe] as number) + 1;
  }
}

// FNV-1a over UTF-16 code units; http://www.isthe.com/chongo/tech/comp/fnv/
function stripeOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  return (hash ^ hash >>> 16) & (STRIPES - 1);
}
