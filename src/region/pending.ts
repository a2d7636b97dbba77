/**
 * The pending table: at most one creation of a key at a time in a region of this process, joined by
 * everyone who asks meanwhile, whichever verb they came through.
 *
 * A flight gives two answers. `answer` comes as soon as there is a usable value: the stale one, once
 * its leader has found it and set out to recreate it, or else the new one. `done` is the new value,
 * or the creator's error, shared by all who wait.
 */

/** The flights of one region. */
export class PendingTable {
  readonly #flights = new Map<string, Flight>();

  /** How many creations are under way. */
  get size(): number {
    return this.#flights.size;
  }

  /**
   * The flight of a mangled key, if there is one to join: one that began before the last
   * invalidation may be making what that has made obsolete.
   */
  get(key: string, epoch: number): Flight | undefined {
    const flight = this.#flights.get(key);
    return flight?.epoch === epoch ? flight : undefined;
  }

  /** Starts a flight that others who ask for its key from now on join. */
  start(key: string, epoch: number): Flight {
    const earlier = this.#flights.get(key);
    const flight = new Flight({ epoch, earlier, forget: () => this.#forget(key, flight) });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Makes what is under way for `key` count for those who wait on it and for nobody else. */
  void(key: string): void {
    this.#flights.get(key)?.void();
  }

  #forget(key: string, flight: Flight): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

/** One creation under way. */
export class Flight {
  /** The epoch of invalidations it began in. */
  readonly epoch: number;
  /** The first usable value. */
  readonly answer: Promise<unknown>;
  /** The new value. */
  readonly done: Promise<unknown>;
  readonly #answer = Promise.withResolvers<unknown>();
  readonly #done = Promise.withResolvers<unknown>();
  readonly #controller = new AbortController();
  readonly #forget: () => void;
  #earlier: Flight | undefined;
  #holders = 0;
  #isVoid = false;
  #isDone = false;

  /** Takes the epoch it begins in, the flight it follows, and what takes it from its table. */
  constructor(from: { epoch: number; earlier: Flight | undefined; forget: () => void }) {
    this.epoch = from.epoch;
    this.#earlier = from.earlier;
    this.#forget = from.forget;
    this.answer = this.#answer.promise;
    this.done = this.#done.promise;
    // Whoever waits sees the rejection; nobody waiting is no reason to end the process.
    this.answer.catch(ignore);
    this.done.catch(ignore);
  }

  /** Aborted when the last caller has left. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether a delete, a set or the last caller's leaving has voided it: it must store nothing. */
  get isVoid(): boolean {
    return this.#isVoid;
  }

  /** Whether it has ended. */
  get isDone(): boolean {
    return this.#isDone;
  }

  /** Gives those who join a value to go on with. */
  offer(value: unknown): void {
    this.#answer.resolve(value);
  }

  /** Ends with a value. */
  settle(value: unknown): void {
    this.#end();
    this.#answer.resolve(value);
    this.#done.resolve(value);
  }

  /** Ends with an error. */
  fail(error: unknown): void {
    this.#end();
    this.#answer.reject(error);
    this.#done.reject(error);
  }

  /** Takes it from its table and keeps it from storing, with those it follows. */
  void(): void {
    this.#isVoid = true;
    this.#earlier?.void();
    this.#forget();
  }

  /**
   * Waits for one of its answers. A caller whose signal is aborted rejects with its reason and
   * leaves; when the last one has left, the creation is aborted and voided.
   */
  join(answer: Promise<unknown>, signal: AbortSignal | undefined): Promise<unknown> {
    this.#holders++;
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
    joined.catch(ignore);
    return joined;
  }

  #leave(reason: unknown): void {
    if (--this.#holders > 0 || this.#isDone) return;
    this.void();
    this.#controller.abort(reason);
  }

  #end(): void {
    this.#isDone = true;
    this.#earlier = undefined;
    this.#forget();
  }
}

function ignore(): void {}
