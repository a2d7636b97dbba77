/**
 * Keeping what was read through within a bound: what is least in use goes, and is fetched again when it
 * is asked for, its record staying.
 *
 * Use is counted in this process and halved at each eviction, so that what was popular once does not
 * stay for ever; of two files of equal use the one goes that was used longer ago. Files of our own are
 * never touched, nor pinned projects, nor what is being fetched.
 */

import type { Clock } from "../../contracts/clock.ts";
import type { FileStore } from "../../contracts/file_store.ts";
import { type Log, reasonOf } from "../log.ts";
import { NamePatterns } from "../packages/name_patterns.ts";
import { isBesidePath } from "../paths.ts";

/** What evictions work on. */
export interface EvictionParts {
  /** Where the files lie. */
  readonly files: FileStore;
  /** Dates uses. */
  readonly clock: Clock;
  /** Told of what goes. */
  readonly log: Log;
  /** Whether a path is being filled. */
  readonly isBusy: (path: string) => boolean;
}

/** How much is kept. */
export interface EvictionRules {
  /** The folder of the upstream's files, ending in a slash. */
  readonly folder: string;
  /** How many bytes of them are kept at most. */
  readonly maxBytes: number;
  /** Projects whose files stay; `acme-*` for all that begin so. */
  readonly pinned: readonly string[];
}

interface Held {
  readonly sizeBytes: number;
  uses: number;
  usedAt: number;
}

/** How far below the bound an eviction goes, so that not every fill causes one. */
const ROOM = 0.9;
const PAGE = 1_000;

/** Makes room among the files of one upstream. */
export class Evictions {
  readonly #parts: EvictionParts;
  readonly #rules: EvictionRules;
  readonly #pinned: NamePatterns;
  readonly #held = new Map<string, Held>();
  #isListed = false;
  #running: Promise<void> | undefined;

  /** Throws a `RangeError` or `TypeError` for a bound or a name that is none. */
  constructor(parts: EvictionParts, rules: EvictionRules) {
    if (!(rules.maxBytes > 0)) {
      throw new RangeError(`Cannot use upstream: "maxHeldBytes" is ${rules.maxBytes}, not above 0`);
    }
    this.#parts = Object.freeze({ ...parts });
    this.#rules = Object.freeze({ ...rules });
    this.#pinned = new NamePatterns(rules.pinned, "pin");
  }

  /** Counts a use of a file. */
  used(path: string): void {
    const held = this.#held.get(path);
    if (held === undefined) return;
    held.uses++;
    held.usedAt = this.#parts.clock.now();
  }

  /** Takes note of a file that is stored now, and makes room if that is too much. Never rejects. */
  async stored(path: string, sizeBytes: number): Promise<void> {
    if (this.#rules.maxBytes === Infinity) return;
    const uses = this.#held.get(path)?.uses ?? 1;
    this.#held.set(path, { sizeBytes, uses, usedAt: this.#parts.clock.now() });
    this.#running ??= this.#makeRoom().finally(() => this.#running = undefined);
    await this.#running;
  }

  async #makeRoom(): Promise<void> {
    const { log } = this.#parts;
    try {
      if (!this.#isListed) await this.#list();
      let sizeBytes = 0;
      for (const held of this.#held.values()) sizeBytes += held.sizeBytes;
      if (sizeBytes <= this.#rules.maxBytes) return;
      await this.#evict(sizeBytes);
    } catch (error) {
      log("error", `Cannot make room for files read through: ${reasonOf(error)}`);
    }
  }

  async #evict(heldBytes: number): Promise<void> {
    const { files, log } = this.#parts;
    const leastFirst = [...this.#held].sort(([, a], [, b]) =>
      a.uses - b.uses || a.usedAt - b.usedAt
    );
    let sizeBytes = heldBytes;
    for (const [path, held] of leastFirst) {
      if (sizeBytes <= this.#rules.maxBytes * ROOM) break;
      if (this.#parts.isBusy(path) || this.#pinned.has(this.#projectOf(path))) continue;
      await files.delete(path);
      this.#held.delete(path);
      sizeBytes -= held.sizeBytes;
      log("info", `Removed the bytes of "${path}" to make room`, { sizeBytes: held.sizeBytes });
    }
    for (const held of this.#held.values()) held.uses = Math.floor(held.uses / 2);
  }

  /** Takes note of what was there before this process, as not used yet. */
  async #list(): Promise<void> {
    const { files } = this.#parts;
    const { folder } = this.#rules;
    let cursor: string | undefined;
    do {
      const page = await files.list({ limit: PAGE, ...cursor === undefined ? {} : { cursor } });
      for (const { path, sizeBytes, modifiedAt } of page.files) {
        if (!path.startsWith(folder) || isBesidePath(path) || this.#held.has(path)) continue;
        this.#held.set(path, { sizeBytes, uses: 0, usedAt: modifiedAt });
      }
      cursor = page.cursor;
    } while (cursor !== undefined);
    this.#isListed = true;
  }

  #projectOf(path: string): string {
    return path.slice(this.#rules.folder.length).split("/", 1)[0]!;
  }
}
