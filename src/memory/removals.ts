/**
 * Counting and telling what a cache dropped of its own accord.
 *
 * The listener is a stranger: it may throw, and it may call the cache. So removals are noted while
 * the cache is at work and told when its structure is whole again, at the end of the call. What a
 * listener causes is told at the end of a later call, which keeps every call's work bounded.
 */

/**
 * Why an entry left: its deadline came; there were too many entries; they weighed too much; or it
 * was not let in, being too heavy or finding everything pinned.
 */
export type RemovalCause = "expired" | "entries" | "weight" | "refused";

/** An entry that left without having been deleted or replaced. */
export interface Removal<V = unknown> {
  /** Its key. */
  readonly key: string;
  /** Its namespace; empty for the default one. */
  readonly namespace: string;
  /** Its value. */
  readonly value: V;
  /** Why it left. */
  readonly cause: RemovalCause;
}

/** Gathers removals during a call and tells them at its end. */
export class Removals<V> {
  /** How many entries left, by cause. */
  readonly counts: Record<RemovalCause, number> = { expired: 0, entries: 0, weight: 0, refused: 0 };
  readonly #listener: ((removal: Removal<V>) => void) | undefined;
  readonly #untold: Removal<V>[] = [];
  #isTelling = false;

  constructor(listener: ((removal: Removal<V>) => void) | undefined) {
    this.#listener = listener;
  }

  /** Whether it is worth making a {@linkcode Removal}. */
  get isHeard(): boolean {
    return this.#listener !== undefined;
  }

  /** Keeps a removal until the end of the call. */
  note(removal: Removal<V>): void {
    this.#untold.push(removal);
  }

  /** Tells what was noted. An error of the listener passes on to the cache's caller. */
  tell(): void {
    if (this.#untold.length === 0 || this.#isTelling) return;
    this.#isTelling = true;
    try {
      for (let left = this.#untold.length; left > 0; left--) {
        this.#listener!(this.#untold.shift()!);
      }
    } finally {
      this.#isTelling = false;
    }
  }
}
