/** Opening a store by its name or address, for configurations that are text. */

import type { Backend } from "./backend.ts";
import type { Entry } from "./entry.ts";
import type { Locks } from "./locks.ts";

/** A store, opened: what a region is configured with. */
export interface OpenedStore {
  /** The backend. */
  readonly backend: Backend<Entry>;
  /** Its locks, where it has some of its own. */
  readonly locks?: Locks<Entry>;
  /**
   * Closes what was opened for it, so that a program can end: not what the caller handed in. What is
   * under way may fail, and the store is of no use afterwards.
   */
  close(): Promise<void>;
}

/** The arguments of an opener: those of the configuration, and the address where one was given. */
export interface OpenerArguments {
  /** The address as it was written, where the store was asked for by one. */
  readonly address?: string;
  /** The same, where it is a URL; a list of servers is none. */
  readonly url?: URL;
  /** Everything else. */
  readonly [argument: string]: unknown;
}

/** Opens a store. */
export type BackendOpener = (args: OpenerArguments) => OpenedStore | Promise<OpenedStore>;
