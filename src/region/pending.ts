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
    const forget = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    const flight = new Flight({ epoch, earlier: this.#flights.get(key), forget });
    this.#flights.set(key, flight);
    return flight;
  }

  /** Makes what is under way for `key` count for those who wait on it and for nobody else. */
  void(key: string): void {
    this.#flights.get(key)?.void();
  }
}

/** What a flight begins with. */
interface Departure {
  /** The epoch of invalidations it begins in. */
  readonly epoch: number;
  /** The flight of the same key that it follows. */
  readonly earlier: Flight | undefined;
  /** Takes it from its table. */
  readonly forget: () => void;
}

/** One creation under way. */
export class Flight {
  /** The epoch of invalidations it began in. */
  readonly epoch: number;
  readonly #answer = Promise.withResolvers<unknown>();
  readonly #done = Promise.withResolvers<unknown>();
  readonly #controller = new AbortController();
  readonly #forget: () => void;
  #earlier: Flight | undefined;
  #holders = 0;
  #isVoid = false;
  #isDone = false;

  /** Takes what it begins with. */
  constructor({ epoch, earlier, forget }: Departure) {
    this.epoch = epoch;
    this.#earlier = earlier;
    this.#forget = forget;
    // Whoever waits sees the rejection; nobody waiting is no reason to end the process.
    this.answer.catch(ignore);
    this.done.catch(ignore);
  }

  /** The first usable value. */
  get answer(): Promise<unknown> {
    return this.#answer.promise;
  }

  /** The new value. */
  get done(): Promise<unknown> {
    return this.#done.promise;
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

  /** Ends with an error. */
  fail(error: unknown): void {
    this.settle(Promise.reject(error));
  }

  /** Ends with a value. */
  settle(value: unknown): void {
    this.#isDone = true;
    this.#earlier = undefined;
    this.#forget();
    this.#answer.resolve(value);
    this.#done.resolve(value);
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
}

function ignore(): void {}
