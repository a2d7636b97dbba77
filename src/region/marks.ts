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
 *  2. `invalidate` replaces the mark, in the store and in the copy.
 *  3. The read ends with the old mark. The copy was changed after the read began, so it is ignored.
 *
 * Entries without marks, written by dogpile.cache, are judged by time as it does.
 */

import type { Write } from "../contracts/backend.ts";
import { NEVER } from "../contracts/clock.ts";
import { type Entry, type Mark, NO_PAYLOAD } from "../contracts/entry.ts";
import { randomId } from "../contracts/random.ts";
import type { Store } from "./core.ts";
import type { Standing } from "./freshness.ts";
import type { Invalidation, Invalidator, MarkQuery } from "./invalidation.ts";

/** Where marks lie and for how long a copy is trusted. */
export interface MarksOptions {
  /** The region's name, which keeps its marks apart from those of others in the same store. */
  readonly region: string;
  /** The store, or `undefined` for a region that lives in this process alone. */
  readonly store: Store | undefined;
  /** What a key looks like in the store. */
  readonly mangle: (key: string) => string;
  /** How long a copy is trusted, in milliseconds. */
  readonly maxAgeMs: number;
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
  readonly readAt: number;
  /** The number of the last invalidation that this process made of it. */
  readonly changed: number;
}

/** The scope of the region's own mark; a tag's scope is the tag with a colon before it. */
const REGION = "";
/** How long making a mark may take until somebody else tries. */
const FIRST_USE_MS = 10_000;
/** How many tags a process keeps copies of; the one learned longest ago goes first. */
const MOST_COPIES = 10_000;

/** The marks of one region. */
export class Marks implements Invalidator {
  readonly #options: MarksOptions;
  readonly #copies = new Map<string, Copy>();
  readonly #reading = new Map<string, Promise<void>>();
  #epoch = 0;
  #changes = 0;

  /** Takes the region's facts. */
  constructor(options: MarksOptions) {
    this.#options = Object.freeze({ ...options });
  }

  get epoch(): number {
    return this.#epoch;
  }

  query(tags: readonly string[], now: number): MarkQuery {
    return this.#queryOf(this.#dueScopes(tags, now), now);
  }

  learn(query: MarkQuery, found: readonly (Entry | undefined)[]): void {
    for (const [i, scope] of query.scopes.entries()) {
      const changed = this.#copies.get(scope)?.changed ?? 0;
      if (changed > query.since) continue;
      const [hard, soft] = [halfOf(found[2 * i]), halfOf(found[2 * i + 1])];
      this.#keep(scope, { hard, soft, readAt: query.at, changed });
    }
  }

  isKnown({ tags, marks }: Entry): boolean {
    return scopesOf(tags).every((scope) => {
      const copy = this.#copies.get(scope);
      if (copy === undefined || copy.readAt === UNREAD) return false;
      // An entry that bears marks was made under some: absent ones have been made since.
      return marks.length === 0 || isWhole(copy);
    });
  }

  standingOf(_key: string, entry: Entry): Standing {
    let standing: Standing = "valid";
    const scopes = scopesOf(entry.tags);
    if (entry.marks.length !== 0 && entry.marks.length !== scopes.length) return "hard";
    for (const [i, scope] of scopes.entries()) {
      const one = standingUnder(this.#copies.get(scope), entry.marks[i], entry.createdAt);
      if (one === "hard") return "hard";
      if (one === "soft") standing = "soft";
    }
    return standing;
  }

  trustedUntil(tags: readonly string[]): number {
    if (this.#options.store === undefined) return NEVER;
    let until = NEVER;
    for (const scope of scopesOf(tags)) {
      const copy = this.#copies.get(scope);
      until = Math.min(until, copy === undefined ? 0 : copy.readAt + this.#options.maxAgeMs);
    }
    return until;
  }

  async refresh(tags: readonly string[], now: number): Promise<void> {
    const due = this.#dueScopes(tags, now);
    if (due.length === 0) return;
    const unread = due.filter((scope) => !this.#reading.has(scope));
    if (unread.length > 0) this.#read(unread, now);
    await Promise.all(due.map((scope) => this.#reading.get(scope)));
  }

  async stamp(tags: readonly string[], now: number): Promise<readonly Mark[]> {
    await this.refresh(tags, now);
    const scopes = scopesOf(tags);
    await this.#complete(scopes, now);
    return scopes.map((scope) => {
      const { hard, soft } = this.#copies.get(scope) as Copy;
      return { hard: (hard as Half).id, soft: (soft as Half).id };
    });
  }

  softened(entry: Entry): readonly Mark[] {
    const scopes = scopesOf(entry.tags);
    return entry.marks.map(({ hard, soft }, i) => {
      return { hard, soft: this.#copies.get(scopes[i] as string)?.soft?.id ?? soft };
    });
  }

  async invalidate(what: Invalidation, now: number): Promise<void> {
    const scopes = what.tags === undefined ? [REGION] : what.tags.map(scopeOfTag);
    const half = what.hard ? "hard" : "soft";
    const made = scopes.map((scope) => ({ scope, half: { id: randomId(), at: now } }));
    const writes = made.map(({ scope, half: value }) => this.#writeOf(half, scope, value));
    await this.#options.store?.backend.set(writes);
    this.#changes++;
    for (const { scope, half: value } of made) {
      const known = this.#copies.get(scope) ?? UNKNOWN;
      this.#keep(scope, { ...known, [half]: value, changed: this.#changes });
    }
    this.#epoch++;
  }

  #keep(scope: string, copy: Copy): void {
    const known = this.#copies.get(scope);
    if (hasChanged(known?.hard, copy.hard) || hasChanged(known?.soft, copy.soft)) this.#epoch++;
    this.#copies.delete(scope);
    this.#copies.set(scope, copy);
    if (this.#copies.size <= MOST_COPIES) return;
    const [oldest] = this.#copies.keys();
    this.#copies.delete(oldest as string);
  }

  #read(scopes: readonly string[], now: number): void {
    const query = this.#queryOf(scopes, now);
    const { backend } = this.#options.store as Store;
    const reading = backend.get(query.keys)
      .then((found) => this.learn(query, found))
      .finally(() => scopes.forEach((scope) => this.#reading.delete(scope)));
    for (const scope of scopes) this.#reading.set(scope, reading);
  }

  // A mark is made on first use, and again when the store has lost it.
  async #complete(scopes: readonly string[], now: number): Promise<void> {
    await Promise.all(scopes.map(async (scope) => {
      const known = this.#copies.get(scope);
      if (known?.hard && known.soft) return;
      const [hard, soft] = await Promise.all([
        known?.hard ?? this.#make("hard", scope),
        known?.soft ?? this.#make("soft", scope),
      ]);
      // What was invalidated here meanwhile is newer than what was made.
      const latest = this.#copies.get(scope) ?? UNKNOWN;
      this.#keep(scope, {
        hard: latest.hard ?? hard,
        soft: latest.soft ?? soft,
        readAt: now,
        changed: latest.changed,
      });
    }));
  }

  // Under the mark's own lock, so that processes which use it first at once agree on one.
  async #make(half: "hard" | "soft", scope: string): Promise<Half> {
    const made: Half = { id: randomId(), at: 0 };
    const { store } = this.#options;
    if (store === undefined) return made;
    const write = this.#writeOf(half, scope, made);
    const { lease, value } = await store.locks.acquire(write.key, {
      leaseMs: FIRST_USE_MS,
      waitMs: FIRST_USE_MS,
      enough: (entry) => halfOf(entry) !== undefined,
    });
    const found = halfOf(value);
    if (found !== undefined) {
      await lease?.release();
      return found;
    }
    if (lease === undefined) await store.backend.set([write]);
    else await lease.commit(write);
    return made;
  }

  #dueScopes(tags: readonly string[], now: number): string[] {
    const { store, maxAgeMs } = this.#options;
    if (store === undefined) return [];
    return scopesOf(tags).filter((scope) => {
      const copy = this.#copies.get(scope);
      if (copy === undefined || !isWhole(copy)) return true;
      return now >= copy.readAt + maxAgeMs || now < copy.readAt;
    });
  }

  #queryOf(scopes: readonly string[], now: number): MarkQuery {
    const keys = scopes.flatMap((
      scope,
    ) => [this.#keyOf("hard", scope), this.#keyOf("soft", scope)]);
    return { keys, scopes, at: now, since: this.#changes };
  }

  #keyOf(half: "hard" | "soft", scope: string): string {
    const { region, mangle } = this.#options;
    return mangle(`cairn-mark:${half}:${encodeURIComponent(region)}${scope}`);
  }

  #writeOf(half: "hard" | "soft", scope: string, value: Half): Write<Entry> {
    const entry: Entry = {
      payload: NO_PAYLOAD,
      createdAt: value.at,
      creationMs: 0,
      softExpiresAt: NEVER,
      hardExpiresAt: NEVER,
      tags: [],
      marks: [{ hard: value.id, soft: value.id }],
    };
    return { key: this.#keyOf(half, scope), value: entry, expiresAt: NEVER };
  }
}

/** When a copy was read that was never read. */
const UNREAD = -Infinity;
const UNKNOWN: Copy = Object.freeze({
  hard: undefined,
  soft: undefined,
  readAt: UNREAD,
  changed: 0,
});

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

function scopesOf(tags: readonly string[]): string[] {
  return tags.length === 0 ? [REGION] : [REGION, ...tags.map(scopeOfTag)];
}

function halfOf(entry: Entry | undefined): Half | undefined {
  const [mark] = entry?.marks ?? [];
  return entry && mark ? { id: mark.hard, at: entry.createdAt } : undefined;
}

function standingUnder(
  copy: Copy | undefined,
  mark: Mark | undefined,
  createdAt: number,
): Standing {
  if (mark === undefined) return standingByTime(copy, createdAt);
  if (mark.hard !== copy?.hard?.id) return "hard";
  return mark.soft === copy.soft?.id ? "valid" : "soft";
}

// dogpile.cache invalidates what was made before the mark, not what was made at its very instant.
function standingByTime(copy: Copy | undefined, createdAt: number): Standing {
  if (createdAt < (copy?.hard?.at ?? 0)) return "hard";
  return createdAt < (copy?.soft?.at ?? 0) ? "soft" : "valid";
}
