/**
 * What happens in a region: counted always, told to whoever listens. Without a listener an event
 * costs one increment.
 */

import type { Call } from "./core.ts";

/** What can happen. Each is counted under this name. */
export type RegionEventType =
  /** A fresh value came from the near shelf, */
  | "nearHit"
  /** or from the backend. */
  | "backendHit"
  /** A stale value was answered while someone recreates it. */
  | "staleHit"
  /** There was no usable value. */
  | "miss"
  /** A caller joined a creation under way. */
  | "join"
  /** A creator ended well, */
  | "create"
  /** or with an error. */
  | "createError"
  /** A caller answered by a creator that saw nothing new: the old value lives on. */
  | "notModified"
  /** A fresh value began to be recreated before its end. */
  | "earlyRefresh"
  /** A stale value stood in for a failed creation. */
  | "staleOnError"
  /** A creation took longer than a caller with a stale value waits for. */
  | "softTimeout"
  /** The wait for a lock was in vain. */
  | "lockTimeout"
  /** A value was not stored, because its lease was lost or it was voided by a set or delete. */
  | "discard"
  /** A store failed where the caller could be served nevertheless. */
  | "storeError"
  /** A value was set by a caller, */
  | "set"
  /** a key deleted, */
  | "delete"
  /** the region or tags invalidated. */
  | "invalidate";

/** One thing that happened. */
export interface RegionEvent {
  /** What. */
  readonly type: RegionEventType;
  /** The region's name. */
  readonly region: string;
  /** The caller's key; empty for the whole region. */
  readonly key: string;
  /** How long a creator took, in milliseconds, where one ran. */
  readonly durationMs?: number;
  /** What went wrong, where something did. */
  readonly error?: unknown;
}

/** Is told of events. What it throws is ignored: watching must not change what is watched. */
export type RegionListener = (event: RegionEvent) => void;

/** How often each thing has happened since the region was made. */
export type RegionCounts = Readonly<Record<RegionEventType, number>>;

/** What is known of an event besides where it happened. */
export type Details = Omit<RegionEvent, "type" | "region" | "key">;

/** Who is told of an event besides those who listen to all of its type. */
type Whose = Pick<Call, "key" | "options">;

/** Counts and tells. */
export class RegionObserver {
  /** The counters themselves. */
  readonly counts: Record<RegionEventType, number> = noCounts();
  /** Whether anyone listens to anything. */
  isHeard = false;
  readonly #region: string;
  readonly #listeners = new Map<RegionEventType, Set<RegionListener>>();

  /** Observes the region of this name. */
  constructor(region: string) {
    this.#region = region;
  }

  /** Listens to events of one type; answers what ends the listening. */
  on(type: RegionEventType, listener: RegionListener): () => void {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(listener));
    this.isHeard = true;
    return () => {
      listeners.delete(listener);
      this.isHeard = [...this.#listeners.values()].some(({ size }) => size > 0);
    };
  }

  /** Makes an event and tells it to its listeners and to the one of the call. */
  tell(type: RegionEventType, { key, options: { onEvent } }: Whose, details?: Details): void {
    const listeners = this.#listeners.get(type);
    if (listeners === undefined && onEvent === undefined) return;
    const event: RegionEvent = { type, region: this.#region, key, ...details };
    for (const listener of [...listeners ?? [], onEvent]) {
      try {
        listener?.(event);
      } catch {
        // See RegionListener: the caller's request outweighs the listener's error.
      }
    }
  }
}

/** Counts what happened to a call, and tells who listens. */
export function note(
  call: Whose & Pick<Call, "core">,
  type: RegionEventType,
  details?: Details,
): void {
  const { observer } = call.core;
  observer.counts[type]++;
  if (observer.isHeard || call.options.onEvent !== undefined) observer.tell(type, call, details);
}

/** Every type of event. */
export const REGION_EVENT_TYPES: readonly RegionEventType[] = Object.freeze([
  "nearHit",
  "backendHit",
  "staleHit",
  "miss",
  "join",
  "create",
  "createError",
  "notModified",
  "earlyRefresh",
  "staleOnError",
  "softTimeout",
  "lockTimeout",
  "discard",
  "storeError",
  "set",
  "delete",
  "invalidate",
]);

function noCounts(): Record<RegionEventType, number> {
  const counts = REGION_EVENT_TYPES.map((type) => [type, 0] as const);
  return Object.fromEntries(counts) as Record<RegionEventType, number>;
}
