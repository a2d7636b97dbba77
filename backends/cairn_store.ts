/** The Durable Object that holds entries and decides about locks, for a Worker to export. */

import { DurableObject } from "cloudflare:workers";
import { type Clock, systemClock } from "../src/contracts/clock.ts";
import type { RemoteRow } from "./sqlite/remote.ts";
import { nextDeadline, type RemoteStatement, schema, sweep } from "./sqlite/remote_statements.ts";

/** The part of a `DurableObjectState` that the object uses. */
export interface StoreState {
  /** What the object keeps. */
  readonly storage: StoreStorage;
}

/** The part of a `DurableObjectStorage` that the object uses. */
export interface StoreStorage {
  /** The SQLite database of the object. */
  readonly sql: {
    /** Runs one statement. */
    exec(sql: string, ...parameters: unknown[]): { toArray(): RemoteRow[] };
  };
  /** Runs `work` in a transaction. */
  transactionSync<T>(work: () => T): T;
  /** When the object wakes, or `null`. */
  getAlarm(): Promise<number | null>;
  /** Has the object woken at an instant. */
  setAlarm(at: number): Promise<void>;
}

/** What a class that extends this one may set. */
export interface CairnStoreOptions {
  /** Judges deadlines and leases. Default: the platform's. */
  readonly clock?: Clock;
}

/** How long what has expired stays at least, so that one alarm frees the space of many. */
const sweepIntervalMs = 60_000;
/** How many sweeps an alarm makes, and how soon the next one comes if they were not enough. */
const sweepsAtOnce = 10;
const nextSweepsMs = 1_000;
/** Alarms are set for instants that a date can hold. */
const longestWaitMs = 365 * 86_400_000;

const tablePrefix = "cairn_";

/**
 * The class of the object: a Worker exports it, and binds a namespace with SQLite to it.
 *
 * ```jsonc
 * // wrangler.jsonc
 * {
 *   "durable_objects": { "bindings": [{ "name": "STORE", "class_name": "CairnStore" }] },
 *   "migrations": [{ "tag": "v1", "new_sqlite_classes": ["CairnStore"] }]
 * }
 * ```
 *
 * Reads and writes are one call each, and no call sees half of another. An alarm frees the space of
 * what has expired, some rows at a time, and falls silent when nothing is left that can expire.
 *
 * @example
 * ```ts ignore
 * export { CairnStore } from "@cairn/cache/cairn-store";
 *
 * export default {
 *   async fetch(_request: Request, env: Env): Promise<Response> {
 *     const backend = durableObjectBackend(() => env.STORE.getByName("cache"));
 *     const [value] = await backend.get(["greeting"]);
 *     return new Response(value ?? "nothing yet");
 *   },
 * };
 * ```
 */
export class CairnStore extends DurableObject {
  readonly #storage: StoreStorage;
  readonly #clock: Clock;
  #hasAlarm = false;

  /** As the runtime calls it. */
  constructor(state: StoreState, env: unknown, options: CairnStoreOptions = {}) {
    super(state, env);
    this.#storage = state.storage;
    this.#clock = options.clock ?? systemClock;
    this.#storage.transactionSync(() => this.#execute(schema));
  }

  /** Runs statements all or none, one after the other; answers the rows of each. */
  async run(statements: readonly RemoteStatement[]): Promise<RemoteRow[][]> {
    const answers = this.#storage.transactionSync(() => this.#execute(statements));
    if (!statements.every(({ sql }) => sql.startsWith("SELECT"))) await this.#ensureAlarm();
    return answers;
  }

  /** Removes what has expired, a bounded number of rows, and sees to it that the rest follows. */
  async alarm(): Promise<void> {
    for (let left = sweepsAtOnce; left > 0; left--) {
      this.#storage.transactionSync(() => this.#execute(sweep));
    }
    const [rows] = this.#execute([nextDeadline]);
    const at = rows![0]!["at"];
    this.#hasAlarm = typeof at === "number" && at < Number.MAX_VALUE;
    if (!this.#hasAlarm) return;
    const leftMs = at as number - this.#clock.now();
    await this.#wakeIn(leftMs > 0 ? Math.max(leftMs, sweepIntervalMs) : nextSweepsMs);
  }

  async #ensureAlarm(): Promise<void> {
    if (this.#hasAlarm) return;
    this.#hasAlarm = true;
    if (await this.#storage.getAlarm() === null) await this.#wakeIn(sweepIntervalMs);
  }

  // Alarms are kept by the runtime, so they are set by its time, whatever clock judges deadlines.
  async #wakeIn(ms: number): Promise<void> {
    await this.#storage.setAlarm(systemClock.now() + Math.min(ms, longestWaitMs));
  }

  #execute(statements: readonly RemoteStatement[]): RemoteRow[][] {
    const now = this.#clock.now();
    return statements.map(({ sql, parameters }) => {
      const bound = sql.includes("?") ? [now, ...parameters] : [];
      return this.#storage.sql.exec(sql.replaceAll("$", tablePrefix), ...bound).toArray();
    });
  }
}
