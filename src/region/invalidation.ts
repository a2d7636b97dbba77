/**
 * What has been invalidated: the question every judgement of an entry asks, and two ways to answer
 * it, shared marks (`marks.ts`) or a strategy of the user's own.
 */

import type { Entry, Mark } from "../contracts/entry.ts";
import type { Standing } from "./freshness.ts";

/** Which marks to read along with values. */
export interface MarkQuery {
  /** Their keys in the store. */
  readonly keys: readonly string[];
  /** Takes what was read at the keys. */
  learn(found: readonly (Entry | undefined)[]): void;
}

/** What is invalidated: the whole region, or what bears one of the tags. */
export interface Invalidation {
  /** Whether entries go missing (`true`) or stale (`false`). */
  readonly hard: boolean;
  /** The tags, or `undefined` for the whole region. */
  readonly tags: readonly string[] | undefined;
}

/** How a region finds out what has been invalidated. */
export interface Invalidator {
  /** Changes whenever something that was valid may no longer be. */
  readonly epoch: number;
  /** The marks of the region and `tags` whose local copies are absent or too old, if any are. */
  query(tags: readonly string[]): MarkQuery | undefined;
  /** Whether the marks that an entry is to be judged under are known, however old. */
  isKnown(entry: Entry): boolean;
  /** How an entry of the caller's `key` stands; its marks must be known. */
  standingOf(key: string, entry: Entry): Standing;
  /** Until when the copies that concern `tags` may be trusted. */
  trustedUntil(tags: readonly string[]): number;
  /** Brings the copies that are too old up to date. */
  refresh(tags: readonly string[]): Promise<void>;
  /** The marks a creation that starts now is done under. */
  stamp(tags: readonly string[]): Promise<readonly Mark[]>;
  /** The marks of an entry with the soft ones as they are now. */
  softened(entry: Entry): readonly Mark[];
  /** Invalidates. */
  invalidate(what: Invalidation): Promise<void>;
}

/** What a strategy is told of an entry. */
export interface Candidate {
  /** The caller's key. */
  readonly key: string;
  /** When its creation started. */
  readonly createdAt: number;
  /** Its tags. */
  readonly tags: readonly string[];
}

/**
 * A user's own idea of invalidation, in place of the shared marks: by time as dogpile's, by key, by
 * anything that can be answered at once.
 */
export interface RegionInvalidationStrategy {
  /** Notes an invalidation. */
  invalidate(what: Invalidation): void | Promise<void>;
  /** Whether an entry must not be answered any more. */
  isHardInvalidated(candidate: Candidate): boolean;
  /** Whether an entry may only be answered while one caller recreates it. */
  isSoftInvalidated(candidate: Candidate): boolean;
}

/** Asks a user's strategy at every judgement. */
export function strategyInvalidator(strategy: RegionInvalidationStrategy): Invalidator {
  let epoch = 0;
  return {
    get epoch() {
      return epoch;
    },
    query: () => undefined,
    isKnown: () => true,
    standingOf: (key, { createdAt, tags }) => {
      const candidate = { key, createdAt, tags };
      if (strategy.isHardInvalidated(candidate)) return "hard";
      return strategy.isSoftInvalidated(candidate) ? "soft" : "valid";
    },
    // The strategy may change its mind unseen, so no judgement of it is kept.
    trustedUntil: () => -Infinity,
    refresh: async () => {},
    stamp: async () => [],
    softened: ({ marks }) => marks,
    invalidate: async (what) => {
      await strategy.invalidate(what);
      epoch++;
    },
  };
}
