/**
 * What a configured region consists of. It is never changed: configuring anew makes a new one and
 * swaps it in, and a call under way ends on the one it began with.
 */

import type { LockedStore } from "../compose/proxied_locks.ts";
import type { Clock } from "../contracts/clock.ts";
import type { Random } from "../contracts/random.ts";
import type { Adviser } from "./adviser.ts";
import type { FunctionKeyGenerator, FunctionMultiKeyGenerator } from "./function_key.ts";
import type { Invalidator } from "./invalidation.ts";
import type { KeyVersions } from "./key_versions.ts";
import type { RegionListener, RegionObserver } from "./observer.ts";
import type { PendingTable } from "./pending.ts";
import type { Policy, ResolvedPolicy } from "./policy.ts";
import type { RememberedErrors } from "./remembered_errors.ts";
import type { NearShelf } from "./shelf.ts";

/** Keeps a promise going after its caller has been answered, as `waitUntil` on an edge runtime. */
export type Background = (work: Promise<unknown>) => void;

/** Makes the key a store sees from the one a caller wrote. */
export type KeyMangler = (key: string) => string;

/** What stays with a region however often it is configured. */
export interface Identity {
  /** Its name. */
  readonly name: string;
  /** Its mangler, if it was given one. */
  readonly keyMangler: KeyMangler | undefined;
  /** Makes a key what shelf, lock and store see of it. */
  readonly mangle: KeyMangler;
  /** What makes the keys of cached functions. */
  readonly functionKeyGenerator: FunctionKeyGenerator;
  /** What makes those of functions of many keys. */
  readonly functionMultiKeyGenerator: FunctionMultiKeyGenerator;
  /** Time. */
  readonly clock: Clock;
  /** Chance. */
  readonly random: Random;
  /** Where unfinished work goes. */
  readonly background: Background;
  /** Counters and listeners. */
  readonly observer: RegionObserver;
  /** What looks at every configuration, if anything does. */
  readonly adviser: Adviser | undefined;
}

/** The parts of a configured region. */
export interface Core extends Identity {
  /** The near shelf, if there is one. */
  readonly near: NearShelf | undefined;
  /** How long a near copy is served before the backend is asked again, in milliseconds. */
  readonly nearMaxAgeMs: number;
  /** The backend with its locks, if there is one. */
  readonly store: LockedStore | undefined;
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
  /** The region as it was configured when the call came. */
  readonly core: Core;
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
