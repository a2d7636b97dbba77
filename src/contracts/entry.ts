/** What a region keeps for a key: the payload, and what is needed to judge its freshness. */

/** A payload with its times and tags. Instants are milliseconds since the Unix epoch. */
export interface Entry<T = unknown> {
  /** The caller's value; any value, `null` and `undefined` included. */
  readonly payload: T;
  /** When its creation *started*, so that an invalidation during the creation counts against it. */
  readonly createdAt: number;
  /** How long its creation took, in milliseconds: the weight in probabilistic early refresh. */
  readonly creationMs: number;
  /** From here on it is stale: served while one caller recreates it. `NEVER` if it never is. */
  readonly softExpiresAt: number;
  /** From here on it is missing. Never before {@linkcode softExpiresAt}. `NEVER` if it never is. */
  readonly hardExpiresAt: number;
  /** The tags whose invalidation concerns it. */
  readonly tags: readonly string[];
  /**
   * The identities of the marks it was created under: those of the region first, then those of
   * each tag in the order of {@linkcode tags}. Empty where marks are not in use.
   */
  readonly marks: readonly Mark[];
}

/**
 * The identity of a region or tag at a moment, replaced by `invalidate`.
 *
 * An entry created under another `hard` identity is missing, under another `soft` one stale.
 */
export interface Mark {
  /** Replaced by a hard invalidation. */
  readonly hard: string;
  /** Replaced by a soft invalidation. */
  readonly soft: string;
}

/**
 * The payload of an entry that has none and carries only its `marks`. Whoever writes entries as
 * bytes keeps it without asking a codec, so that marks can lie beside values of any kind.
 */
export const NO_PAYLOAD: unique symbol = Symbol("no payload");
