/**
 * Pages that are sound and yet hard to believe: an upstream that has suddenly lost half its files, or
 * that has gone back in time. Caches in between and half-made mirrors answer so for a while. Such a
 * page is believed once it has been repeated for long enough, so that nothing sticks for good.
 */

import type { UpstreamListing } from "./upstream_page.ts";

/** A page, and which of its versions it is. */
export interface Believable {
  /** Its content; `undefined` where the project is unknown. */
  readonly listing: UpstreamListing | undefined;
  /** Changes with its bytes. */
  readonly identity: string;
  /** The upstream's serial of it. An upstream need not have serials. */
  readonly serial?: number;
}

interface Doubt {
  readonly identity: string;
  readonly since: number;
}

const LOSS_REPEATED_MS = 60_000;
const REGRESSION_REPEATED_MS = 3_600_000;
const FEW_FILES = 10;
const MOST_DOUBTS = 1_000;

/** Remembers which pages were doubted, and since when. */
export class Doubts {
  readonly #doubts = new Map<string, Doubt>();

  /** Why a page is not believed yet in place of the one that is held, or `undefined`. */
  of(
    project: string,
    pages: { readonly held: Believable | undefined; readonly next: Believable },
    now: number,
  ): string | undefined {
    const { held, next } = pages;
    const suspicion = held && suspicionOf(held, next);
    if (suspicion === undefined) {
      this.#doubts.delete(project);
      return undefined;
    }
    const since = this.#since(project, next.identity, now);
    return now - since >= suspicion.repeatedMs ? undefined : suspicion.reason;
  }

  #since(project: string, identity: string, now: number): number {
    const doubt = this.#doubts.get(project);
    if (doubt?.identity === identity && doubt.since <= now) return doubt.since;
    this.#doubts.delete(project);
    const [oldest] = this.#doubts.keys();
    if (oldest !== undefined && this.#doubts.size >= MOST_DOUBTS) this.#doubts.delete(oldest);
    this.#doubts.set(project, { identity, since: now });
    return now;
  }
}

function suspicionOf(
  held: Believable,
  next: Believable,
): { reason: string; repeatedMs: number } | undefined {
  const [before, after] = [held.listing?.files.length ?? 0, next.listing?.files.length ?? 0];
  if ((next.serial ?? Infinity) < (held.serial ?? 0)) {
    const reason = `its serial went back from ${held.serial} to ${next.serial}`;
    return { reason, repeatedMs: REGRESSION_REPEATED_MS };
  }
  if (before > FEW_FILES && after < before / 2) {
    const reason = `it suddenly has ${after} files instead of ${before}`;
    return { reason, repeatedMs: LOSS_REPEATED_MS };
  }
  return undefined;
}
