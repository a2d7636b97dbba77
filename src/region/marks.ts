/**
 * Invalidation by identity. The region and each tag own a mark: two random ids, one hard, one soft,
 * made on first use and replaced by `invalidate`. An entry records the ids it was created under; one
 * created under another hard id is missing, under another soft id stale.
 *
 * No clock is compared, so skew cannot hurt; a mark that the store lost invalidates and never
 * revives. The two halves are two records, each replaced blindly, so that a soft invalidation can
 * never write an old hard id back. Each is O(1), whatever the number of entries.
 *
 * A process trusts its copy of a mark for `maxAgeMs`: that late it may see an invalidation made
 * elsewhere. Its own it sees at once, also against a read that was under way:
 *
 *  1. A read of the mark begins.
 *  2. `invalidate` replaces the mark, in the store and in the copy; or a later read overtakes it.
 *  3. The read ends with the old mark. The copy is as of a later moment, so it is ignored.
 *
 * A region without a store has nobody to agree with: its marks are all one, made with it, but for
 * those that it has replaced. Where it has to forget which these are, it makes the one anew, and with
 * it all of its tags invalid.
 *
 * Entries without marks, written by dogpile.cache, are judged by time as it does.
 */

import type { LockedStore } from "../compose/proxied_locks.ts";
import type { Write } from "../contracts/backend.ts";
import { type Clock, NEVER } from "../contracts/clock.ts";
import { type Entry, type Mark, NO_PAYLOAD } from "../contracts/entry.ts";
import { randomId } from "../contracts/random.ts";
import type { Standing } from "./freshness.ts";
import type { Invalidation, Invalidator, MarkQuery } from "./invalidation.ts";

/** Where marks lie and for how long a copy is trusted. */
export interface MarksOptions {
  /** The region's name, which keeps its marks apart from those of others in the same store. */
  readonly region: string;
  /** The store, or `undefined` for a region that lives in this process alone. */
  readonly store: LockedStore | undefined;
  /** What a key looks like in the store. */
  readonly mangle: (key: string) => string;
  /** How long a copy is trusted, in milliseconds. */
  readonly maxAgeMs: number;
  /** Where the time comes from. */
  readonly clock: Clock;
}

/** One half of a mark as the store keeps it. */
interface Half {
  readonly id: string;
  /** When `invalidate` made it; 0 if it came with first use. */
  readonly at: number;
}

interface Copy {
  readonly hard: Half | undefined;
  readonly soft: Half | undefined;
  /** When it was read; `NEVER` where it need not be, minus that where it was not. */
  readonly readAt: number;
  /** As of which moment it is: when its reading began, or its replacement here ended. */
  readonly asOf: number;
}

/** The scope of the region's own mark; a tag's scope is the tag with a colon before it. */
const REGION = "";
/** The scopes of what has no tags. */
const NO_TAGS: readonly string[] = Object.freeze([REGION]);
/** How long making a mark may take until somebody else tries; well below a usual lease. */
const FIRST_USE_MS = 3_000;
/** How many copies a process keeps; when there are more, and those of one trip, it begins anew. */
const MOST_COPIES = 10_000;

/** The marks of one region. */
export class Marks implements Invalidator {
  readonly #options: MarksOptions;
  readonly #copies = new Map<string, Copy>();
  readonly #reading = new Map<string, Promise<void>>();
  readonly #making = new Map<string, Promise<Mark>>();
  /** What holds for a scope without a copy. */
  #unknown: Copy;
  #epoch = 0;
  /** Counts moments: reads as they begin, replacements as they end. */
  #moment = 0;

  /** Takes the region's facts. */
  constructor(options: MarksOptions) {
    this.#options = Object.freeze({ ...options });
    this.#unknown = this.#nothingKnown();
  }

  get epoch(): number {
    return this.#epoch;
  }

  query(tags: readonly string[]): MarkQuery | undefined {
    const due = this.#dueScopes(tags);
    return due.length === 0 ? undefined : this.#queryOf(due);
  }

  isKnown({ tags, marks }: Entry): boolean {
    return scopesOf(tags).every((scope) => {
      const copy = this.#copyOf(scope);
      // An entry that bears marks was made under some: absent ones have been made since.
      return copy.readAt >= 0 && (marks.length === 0 || isWhole(copy));
    });
  }

  standingOf(_key: string, { tags, marks, createdAt }: Entry): Standing {
    const scopes = scopesOf(tags);
    if (marks.length !== 0 && marks.length !== scopes.length) return "hard";
    let worst: Standing = "valid";
    for (let i = 0; i < scopes.length; i++) {
      const standing = standingUnder(this.#copyOf(scopes[i]!), marks[i], createdAt);
      if (standing === "hard") return standing;
      if (standing === "soft") worst = standing;
    }
    return worst;
  }

  trustedUntil(tags: readonly string[]): number {
    const readAts = scopesOf(tags).map((scope) => this.#copyOf(scope).readAt);
    return Math.min(...readAts) + this.#options.maxAgeMs;
  }

  async refresh(tags: readonly string[]): Promise<void> {
    const due = this.#dueScopes(tags);
    const unread = due.filter((scope) => !this.#reading.has(scope));
    if (unread.length > 0) this.#read(unread);
    await Promise.all(due.map((scope) => this.#reading.get(scope)));
  }

  async stamp(tags: readonly string[]): Promise<readonly Mark[]> {
    await this.refresh(tags);
    return await Promise.all(scopesOf(tags).map((scope) => this.#markOf(scope)));
  }

  softened({ tags, marks }: Entry): readonly Mark[] {
    const scopes = scopesOf(tags);
    return marks.map(({ hard, soft }, i) => {
      return { hard, soft: this.#copyOf(scopes[i] as string).soft?.id ?? soft };
    });
  }

  async invalidate({ hard, tags }: Invalidation): Promise<void> {
    const { store, clock } = this.#options;
    const scopes = tags === undefined ? [REGION] : tags.map(scopeOfTag);
    const half = hard ? "hard" : "soft";
    const made = scopes.map((
      scope,
    ): [string, Half] => [scope, { id: randomId(), at: clock.now() }]);
    await store?.backend.set(made.map(([scope, value]) => this.#writeOf(half, scope, value)));
    const asOf = ++this.#moment;
    this.#makeRoom();
    for (const [scope, value] of made) {
      this.#keep(scope, { ...this.#copyOf(scope), [half]: value, asOf });
    }
    this.#epoch++;
  }

  #copyOf(scope: string): Copy {
    return this.#copies.get(scope) ?? this.#unknown;
  }

  #keep(scope: string, copy: Copy): void {
    const known = this.#copyOf(scope);
    if (hasChanged(known.hard, copy.hard) || hasChanged(known.soft, copy.soft)) this.#epoch++;
    this.#copies.set(scope, copy);
  }

  #makeRoom(): void {
    if (this.#copies.size <= MOST_COPIES) return;
    const own = this.#copyOf(REGION);
    this.#copies.clear();
    this.#copies.set(REGION, own);
    this.#unknown = this.#nothingKnown();
  }

  #nothingKnown(): Copy {
    const isAlone = this.#options.store === undefined;
    const half = isAlone ? { id: randomId(), at: 0 } : undefined;
    return { hard: half, soft: half, readAt: isAlone ? NEVER : -NEVER, asOf: this.#moment };
  }

  #read(scopes: readonly string[]): void {
    const { backend } = this.#options.store as LockedStore;
    const { keys, learn } = this.#queryOf(scopes);
    const reading = backend.get(keys).then(learn)
      .finally(() => scopes.forEach((scope) => this.#reading.delete(scope)));
    for (const scope of scopes) this.#reading.set(scope, reading);
  }

  // A mark is made on first use, and again when the store has lost it.
  async #markOf(scope: string): Promise<Mark> {
    const { hard, soft } = this.#copyOf(scope);
    if (hard !== undefined && soft !== undefined) return { hard: hard.id, soft: soft.id };
    const making = this.#making.get(scope) ??
      this.#make(scope).finally(() => this.#making.delete(scope));
    this.#making.set(scope, making);
    return await making;
  }

  async #make(scope: string): Promise<Mark> {
    const readAt = this.#options.clock.now();
    const known = this.#copyOf(scope);
    const [madeHard, madeSoft] = await Promise.all([
      known.hard ?? this.#makeHalf("hard", scope),
      known.soft ?? this.#makeHalf("soft", scope),
    ]);
    // What was invalidated here meanwhile is newer than what was made.
    const { hard = madeHard, soft = madeSoft, asOf } = this.#copyOf(scope);
    this.#keep(scope, { hard, soft, readAt, asOf });
    return { hard: hard.id, soft: soft.id };
  }

  // Under the mark's own lock, so that processes which use it first at once agree on one.
  async #makeHalf(half: "hard" | "soft", scope: string): Promise<Half> {
    const made: Half = { id: randomId(), at: 0 };
    const store = this.#options.store as LockedStore;
    const write = this.#writeOf(half, scope, made);
    const { lease, value } = await store.locks.acquire(write.key, {
      leaseMs: FIRST_USE_MS,
      waitMs: FIRST_USE_MS,
      enough: (entry) => halfOf(entry) !== undefined,
    });
    const found = halfOf(value);
    if (found !== undefined) await lease?.release();
    else await lease?.commit(write);
    return found ?? made;
  }

  #dueScopes(tags: readonly string[]): string[] {
    const { store, maxAgeMs, clock } = this.#options;
    if (store === undefined) return [];
    const now = clock.now();
    const due = scopesOf(tags).filter((scope) => {
      const copy = this.#copyOf(scope);
      return !isWhole(copy) || now >= copy.readAt + maxAgeMs || now < copy.readAt;
    });
    return due.length < 2 ? due : [...new Set(due)];
  }

  #queryOf(scopes: readonly string[]): MarkQuery {
    const [readAt, asOf] = [this.#options.clock.now(), ++this.#moment];
    return {
      keys: scopes.flatMap((scope) => [this.#keyOf("hard", scope), this.#keyOf("soft", scope)]),
      learn: (found) => {
        this.#makeRoom();
        for (const [i, scope] of scopes.entries()) {
          if (this.#copyOf(scope).asOf > asOf) continue;
          const [hard, soft] = [halfOf(found[2 * i]), halfOf(found[2 * i + 1])];
          this.#keep(scope, { hard, soft, readAt, asOf });
        }
      },
    };
  }

  #keyOf(half: "hard" | "soft", scope: string): string {
    const { region, mangle } = this.#options;
    return mangle(`cairn-mark:${half}:${encodeURIComponent(region)}${scope}`);
  }

  #writeOf(half: "hard" | "soft", scope: string, { id, at }: Half): Write<Entry> {
    const value: Entry = {
      payload: NO_PAYLOAD,
      createdAt: at,
      creationMs: 0,
      softExpiresAt: NEVER,
      hardExpiresAt: NEVER,
      tags: [],
      marks: [{ hard: id, soft: id }],
    };
    return { key: this.#keyOf(half, scope), value, expiresAt: NEVER };
  }
}

function isWhole({ hard, soft }: Copy): boolean {
  return hard !== undefined && soft !== undefined;
}

// A mark that was not there and now is makes nothing invalid that was valid.
function hasChanged(known: Half | undefined, now: Half | undefined): boolean {
  return known !== undefined && known.id !== now?.id;
}

function scopeOfTag(tag: string): string {
  return `:${encodeURIComponent(tag)}`;
}

function scopesOf(tags: readonly string[]): readonly string[] {
  return tags.length === 0 ? NO_TAGS : [REGION, ...tags.map(scopeOfTag)];
}

function halfOf(entry: Entry | undefined): Half | undefined {
  const [mark] = entry?.marks ?? [];
  return entry && mark ? { id: mark.hard, at: entry.createdAt } : undefined;
}

function standingUnder(
  { hard, soft }: Copy,
  mark: Mark | undefined,
  createdAt: number,
): Standing {
  // dogpile.cache invalidates what was made before the mark, not what was made at its very instant.
  const [isHard, isSoft] = mark === undefined
    ? [createdAt < (hard?.at ?? 0), createdAt < (soft?.at ?? 0)]
    : [mark.hard !== hard?.id, mark.soft !== soft?.id];
  return isHard ? "hard" : isSoft ? "soft" : "valid";
}
