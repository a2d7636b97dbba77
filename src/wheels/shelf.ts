/** The part of a region that the wheel cache uses. */

import type { Entry } from "../contracts/entry.ts";

/** Keeps values by key and makes each only once, however many ask at the same time. */
export interface Shelf<T> {
  /** The value of `key`, made by `creator` where there is none that may be used. */
  getOrCreate(key: string, creator: ShelfCreator<T>, policy: ShelfPolicy<T>): Promise<T>;
}

/** Makes a value. It is given the one that has grown stale, if there is one. */
export type ShelfCreator<T> = (context: { readonly stale: Entry<T> | undefined }) => Promise<T>;

/** How long values live, in milliseconds. */
export interface ShelfPolicy<T> {
  /** Until a value is stale: served while one caller recreates it. */
  readonly softTtlMs: number | ((value: T) => number);
  /** Until it is gone. */
  readonly hardTtlMs: number | ((value: T) => number);
  /** Whether a stale value is served when it cannot be recreated. */
  readonly staleOnError: boolean;
}
