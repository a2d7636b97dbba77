/**
 * What a configured region consists of. It is never changed: configuring anew makes a new one and
 * swaps it in, and what is under way ends on the one it began with.
 */

import type { Backend } from "../contracts/backend.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Entry } from "../contracts/entry.ts";
import type { Locks } from "../contracts/locks.ts";
import type { Random } from "../contracts/random.ts";
import type { Invalidator } from "./invalidation.ts";
import type { KeyVersions } from "./key_versions.ts";
import type { NearClock } from "./near_clock.ts";
import type { RegionListener, RegionObserver } from "./observer.ts";
import type { PendingTable } from "./pending.ts";
import type { Policy, ResolvedPolicy } from "./policy.ts";
import type { RememberedErrors } from "./remembered_errors.ts";
import type { NearShelf } from "./shelf.ts";

/** Keeps a promise going after its caller has been answered, as `waitUntil` on an edge runtime. */
export type Background = (work: Promise<unknown>) => void;

/** The parts of a configured region. */
export interface Core {
  /** The region's name. */
  readonly name: string;
  /** The near shelf, if there is one. */
  readonly near: NearShelf | undefined;
  /** The clock of a near shelf that the region has made itself. */
  readonly nearClock: NearClock | undefined;
  /** How long a near copy is served before the backend is asked again, in milliseconds. */
  readonly nearMaxAgeMs: number;
  /** The backend with its locks, if there is one. */
  readonly store: Store | undefined;
  /** The region's policy. */
  readonly policy: ResolvedPolicy;
  /** What has been invalidated. */
  readonly invalidator: Invalidator;
  /** What is being created. */
  readonly pending: PendingTable;
  /** Which creations failed lately. */
  readonly errors: RememberedErrors;
  /** Which early refreshes failed lately. */
  readonly earlyErrors: RememberedErrors;
  /** Which keys have been written. */
  readonly versions: KeyVersions;
  /** Effects and facts that do not change when the region is configured anew. */
  readonly fixed: Fixed;
}

/** A backend and the locks on its keys. */
export interface Store {
  /** The backend beneath all proxies. */
  readonly actual: Backend<Entry>;
  /** The outermost backend. */
  readonly backend: Backend<Entry>;
  /** Locks whose commits reach the backend. */
  readonly locks: Locks<Entry>;
}

/** Effects and facts of a region. */
export interface Fixed {
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Where unfinished work goes. */
  readonly background: Background;
  /** Counters and listeners. */
  readonly observer: RegionObserver;
}

/** Options of one call, besides the policy it overrides. */
export interface CallOptions<T = unknown> extends Policy<T> {
  /** The tags of what is created. Default: none. */
  readonly tags?: readonly string[];
  /** Whether a created value is stored. Default: always. */
  readonly shouldCache?: (value: T) => boolean;
  /** A value older than this counts as stale for this call, in milliseconds. Default: `NEVER`. */
  readonly maxAgeMs?: number;
  /** Is told what happens to this call. Default: nobody; see `Region.on`. */
  readonly onEvent?: RegionListener;
  /** Ends this caller's waiting; the creation goes on while others wait for it. */
  readonly signal?: AbortSignal;
}

/** One call, its key mangled and its policy resolved. */
export interface Call {
  /** The caller's key. */
  readonly key: string;
  /** The key in the store. */
  readonly mangled: string;
  /** The policy of this call. */
  readonly policy: ResolvedPolicy;
  /** The tags of what is created. */
  readonly tags: readonly string[];
  /** The caller's options. */
  readonly options: CallOptions<never>;
}
