/**
 * The pending table: at most one creation of a key at a time in a region of this process, joined by
 * everyone who asks meanwhile, whichever verb they came through.
 *
 * A flight gives two answers. `answer` comes as soon as there is a usable value: the stale one, once
 * its leader has found it and set out to recreate it, or else the new one. `done` is the new value,
 * or the creator's error, shared by all who wait.
 */

import type { Entry } from "../contracts/entry.ts";

/** The flights of one region. */
export class PendingTable {
  /** Those under way for each key; only the newest is joined. */
  readonly #flights = new Map<string, readonly Flight[]>();

  /**
   * The flight of a mangled key, if there is one to join: one that began before the last
   * invalidation may be making what that has made obsolete.
   */
  get(key: string, epoch: number): Flight | undefined {
    const flight = this.#flights.get(key)?.at(-1);
    return flight?.epoch === epoch && !flight.isVoid ? flight : undefined;
  }

  /** Starts a flight that others who ask for its key from now on join. */
  start(key: string, epoch: number): Flight {
    const flight: Flight = new Flight(epoch, () => this.#forget(key, flight));
    const others = this.#flights.get(key);
    this.#flights.set(key, others === undefined ? [flight] : [...others, flight]);
    return flight;
  }

  /**
   * Makes what is under way for `key` count for those who wait on it and for nobody else. Resolves
   * when what was on its way to the store already has ended, so that a write can follow it.
   */
  async void(key: string): Promise<void> {
    const flights = this.#flights.get(key) ?? [];
    for (const flight of flights) flight.isVoid = true;
    const storing = flights.filter(({ stage }) => stage === "storing");
    await Promise.allSettled(storing.map(({ done }) => done));
  }

  #forget(key: string, flight: Flight): void {
    const rest = this.#flights.get(key)?.filter((other) => other !== flight) ?? [];
    if (rest.length > 0) this.#flights.set(key, rest);
    else this.#flights.delete(key);
  }
}

/** How far a flight is. */
export type Stage = "looking" | "creating" | "storing" | "done";

/**
 * One creation under way. What only some flights need is made when somebody asks for it: most end in
 * a hit, with one caller.
 */
export class Flight {
  /** The epoch of invalidations it began in. */
  readonly epoch: number;
  /** How far it is. */
  stage: Stage = "looking";
  /** Whether a delete, a set or the last caller's leaving has voided it: it must store nothing. */
  isVoid = false;
  readonly #done = Promise.withResolvers<unknown>();
  readonly #forget: () => void;
  #answer: PromiseWithResolvers<unknown> | undefined;
  #controller: AbortController | undefined;
  #offered: Entry | undefined;
  #holders = 0;

  /** Takes its epoch, and what takes it from its table. */
  constructor(epoch: number, forget: () => void) {
    this.epoch = epoch;
    this.#forget = forget;
  }

  /** The new value. */
  get done(): Promise<unknown> {
    return this.#done.promise;
  }

  /** Aborted when the last caller has left. */
  get signal(): AbortSignal {
    return this.#aborter().signal;
  }

  /** The first usable value: the offered one before its hard end, or else the new one. */
  answerAt(now: number): Promise<unknown> {
    if (this.stage === "done") return this.done;
    if (this.#offered === undefined) return this.#firstAnswer();
    const { payload, hardExpiresAt } = this.#offered;
    return now < hardExpiresAt ? Promise.resolve(payload) : this.done;
  }

  /** Gives those who join an old value to go on with. */
  offer(entry: Entry): void {
    this.#offered = entry;
    this.#answer?.resolve(entry.payload);
  }

  /** Ends with an error. */
  fail(error: unknown): void {
    this.settle(Promise.reject(error));
    // Whoever waits sees the rejection; nobody waiting is no reason to end the process.
    this.done.catch(ignore);
    this.#answer?.promise.catch(ignore);
  }

  /** Ends with a value. */
  settle(value: unknown): void {
    this.stage = "done";
    this.#forget();
    this.#answer?.resolve(value);
    this.#done.resolve(value);
  }

  /** Keeps it going whoever leaves. */
  hold(): void {
    this.#holders++;
  }

  /**
   * Waits for one of its answers. A caller whose signal is aborted rejects with its reason and
   * leaves; when the last one has left, the creation is aborted and voided.
   */
  join(answer: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
    this.hold();
    if (signal === undefined) return answer;
    const joined = new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason);
        this.#leave(signal.reason);
      };
      if (signal.aborted) return leave();
      signal.addEventListener("abort", leave, { once: true });
      answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", leave));
    });
    return joined;
  }

  #leave(reason: unknown): void {
    if (--this.#holders > 0) return;
    this.isVoid = true;
    this.#aborter().abort(reason);
  }

  #aborter(): AbortController {
    return this.#controller ??= new AbortController();
  }

  #firstAnswer(): Promise<unknown> {
    this.#answer ??= Promise.withResolvers();
    return this.#answer.promise;
  }
}

function ignore(): void {}
