/**
 * One file on its way from the upstream, through a short window of memory, to the store and to any
 * number of clients.
 *
 * The store sets the pace: it alone draws from the upstream. What has arrived stays in the window
 * until newer bytes push it out, four mebibytes at most, and every client reads from the window at
 * its own pace. A client that falls out of the window, or comes too late for its beginning, waits
 * until the file is stored and goes on from there, so that a slow client neither holds up the
 * others nor fills the memory.
 *
 * No client gets the last 64 KiB before the digest of all bytes is known to be right. Bodies have a
 * known length, so a client of a wrong file sees a body cut short, and never a complete one.
 *
 * If the store gives up while the clients are still reading, the flight draws from the upstream
 * itself, at the pace of the slowest client that is still in the window; those clients get their
 * file, and nobody stores it. A client that does not get on by one piece of the window in half a
 * minute is let go then, for it holds up all others. Once the file is stored or lost nothing is kept
 * in memory: whoever has not read it goes on from the store.
 */

import type { Clock } from "../../contracts/clock.ts";
import { BackendError, IntegrityError, UpstreamError } from "../../contracts/errors.ts";
import type { Digest } from "../digests.ts";
import { within } from "./time_limit.ts";

/** The bytes that arrive: `undefined` after the last. */
export interface Arrivals {
  /** The next bytes. */
  next(): Promise<Uint8Array | undefined>;
  /** Breaks the transfer off. */
  cancel(): Promise<void>;
}

/** What a flight is to bring. */
export interface FlightOptions {
  /** For messages. */
  readonly filename: string;
  /** How many bytes there must be. */
  readonly sizeBytes: number;
  /** Their SHA-256 in hexadecimal. */
  readonly sha256: string;
  /** Where they come from. */
  readonly arrivals: Arrivals;
  /** Tells when a flight has stalled. */
  readonly clock: Clock;
  /** A SHA-256 to be computed. */
  readonly digest: Digest;
  /** The stored file from an offset on; asked only after {@linkcode Flight.landed}. */
  readonly reopen: (offset: number) => Promise<ReadableStream<Uint8Array>>;
}

const WINDOW_BYTES = 4 * 1_048_576;
/** The largest piece of the window; small beside it, so that its last one never fills it alone. */
const PIECE_BYTES = 262_144;
const HELD_BACK_BYTES = 65_536;
const STALLED_MS = 60_000;
/** Less than {@linkcode STALLED_MS}, or those who are held up would give the whole flight up. */
const UNREAD_MS = 30_000;

type State = "flying" | "adrift" | "landed" | "unstored" | "failed";

/** One client's place in the file. */
interface Passenger {
  position: number;
  /** Ends its body with an error. */
  readonly letGo: (cause: unknown) => void;
}

/** A transfer under way. */
export class Flight {
  readonly #options: FlightOptions;
  readonly #passengers = new Set<Passenger>();
  #window: Uint8Array[] = [];
  #windowStart = 0;
  #receivedBytes = 0;
  #isVerified = false;
  #state: State = "flying";
  #failure: unknown;
  #lastDraw: Promise<unknown> = Promise.resolve();
  #wake: () => void = () => {};
  #progress: Promise<void> = Promise.resolve();

  /** Begins when its {@linkcode Flight.cargo} is read. */
  constructor(options: FlightOptions) {
    this.#options = options;
    this.#expectProgress();
  }

  /** The bytes for the store, which sets the pace by reading them. Fails if they are wrong. */
  cargo(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const chunk = await this.#draw();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    }, { highWaterMark: 0 });
  }

  /** The bytes for one client. */
  board(): ReadableStream<Uint8Array> {
    let passenger!: Passenger;
    let stored: ReadableStreamDefaultReader<Uint8Array> | undefined;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        passenger = { position: 0, letGo: (cause) => controller.error(cause) };
        this.#passengers.add(passenger);
      },
      pull: async (controller) => {
        if (stored === undefined && await this.#mustChange(passenger)) {
          stored = (await this.#options.reopen(passenger.position)).getReader();
        }
        const chunk = stored === undefined
          ? await this.#take(passenger)
          : (await stored.read()).value;
        if (chunk !== undefined) controller.enqueue(chunk);
        else controller.close();
      },
      cancel: async (reason) => {
        this.#leave(passenger);
        await stored?.cancel(reason);
      },
    }, { highWaterMark: 0 });
  }

  /** How many bytes it brings. */
  get sizeBytes(): number {
    return this.#options.sizeBytes;
  }

  /** Whether a new client would get the whole file. */
  get isBoardable(): boolean {
    if (this.#state === "failed" || this.#state === "unstored") return false;
    return this.#windowStart === 0 || this.#state === "flying" || this.#state === "landed";
  }

  /** The store has the whole file, from here or from elsewhere. */
  async landed(): Promise<void> {
    this.#settle("landed");
    if (!this.#isVerified) await this.#options.arrivals.cancel();
  }

  /** The store gave up: goes on for the clients that are aboard. Throws if the bytes are wrong. */
  async carryOn(): Promise<void> {
    if (this.#state === "failed") throw this.#failure;
    this.#settle("adrift");
    while (this.#passengers.size > 0) {
      this.#shrinkWindow();
      if (this.#isVerified || this.#heldBytes() >= WINDOW_BYTES) await this.#passage();
      else await this.#draw();
    }
    if (!this.#isVerified) await this.#options.arrivals.cancel();
    this.#settle("unstored");
  }

  /** The file will not come. */
  async failed(cause: unknown): Promise<void> {
    this.#fail(cause);
    await this.#options.arrivals.cancel();
  }

  // A store that gave up may have left a draw behind, so draws queue.
  #draw(): Promise<Uint8Array | undefined> {
    const drawn = this.#lastDraw.then(() => this.#drawOnce());
    this.#lastDraw = drawn.catch((cause) => this.#fail(cause));
    return drawn;
  }

  async #drawOnce(): Promise<Uint8Array | undefined> {
    if (this.#state === "failed") throw this.#failure;
    if (this.#isVerified) return undefined;
    const chunk = await this.#options.arrivals.next();
    if (chunk === undefined) {
      await this.#verify();
    } else {
      await this.#options.digest.update(chunk);
      this.#receivedBytes += chunk.byteLength;
      for (let at = 0; at < chunk.byteLength; at += PIECE_BYTES) {
        this.#window.push(chunk.subarray(at, at + PIECE_BYTES));
      }
      this.#shrinkWindow();
    }
    this.#announceProgress();
    return chunk;
  }

  async #verify(): Promise<void> {
    const { filename, sha256: expected, digest } = this.#options;
    const actual = await digest.hex();
    if (actual !== expected) {
      throw new IntegrityError(`"${filename}"`, "sha256", { expected, actual });
    }
    this.#isVerified = true;
  }

  // Without a store to go on from, no client may fall out of the window.
  #shrinkWindow(): void {
    const needed = this.#state === "flying" ? Infinity : this.#slowest();
    const most = this.#state === "flying" ? WINDOW_BYTES : 0;
    while (this.#heldBytes() > most && this.#oldestEnd() <= needed) {
      this.#windowStart += this.#window.shift()!.byteLength;
    }
  }

  #heldBytes(): number {
    return this.#receivedBytes - this.#windowStart;
  }

  #oldestEnd(): number {
    return this.#windowStart + (this.#window[0]?.byteLength ?? 0);
  }

  #slowest(): number {
    let slowest = Infinity;
    for (const { position } of this.#passengers) slowest = Math.min(slowest, position);
    return slowest;
  }

  /** Waits until nobody reads the oldest piece any more; who still does after a while is let go. */
  async #passage(): Promise<void> {
    const end = this.#oldestEnd();
    const passed = async (): Promise<void> => {
      while (this.#state === "adrift" && this.#slowest() < end) await this.#progress;
    };
    const late = (): void => this.#letGo(end);
    await within(passed(), { clock: this.#options.clock, limitMs: UNREAD_MS, late });
    if (this.#state === "failed") throw this.#failure;
  }

  #letGo(end: number): void {
    const { filename } = this.#options;
    for (const passenger of [...this.#passengers].filter(({ position }) => position < end)) {
      const reason = `its reader took nothing for ${UNREAD_MS} ms`;
      passenger.letGo(new Error(`Cannot go on with "${filename}": ${reason}`));
      this.#leave(passenger);
    }
  }

  #releasableBytes(): number {
    return this.#isVerified
      ? this.#options.sizeBytes
      : Math.min(this.#receivedBytes, this.#options.sizeBytes - HELD_BACK_BYTES);
  }

  /** Waits until the next bytes are in the window, or tells that they are only in the store. */
  async #mustChange(passenger: Passenger): Promise<boolean> {
    while (true) {
      if (this.#state === "failed") throw this.#failure;
      if (passenger.position === this.#options.sizeBytes && this.#isVerified) return false;
      const isInWindow = passenger.position >= this.#windowStart;
      if (isInWindow && passenger.position < this.#releasableBytes()) return false;
      if (this.#state === "landed") {
        this.#leave(passenger);
        return true;
      }
      if (!isInWindow && this.#state !== "flying") {
        throw new BackendError(
          "the file store",
          "put",
          `"${this.#options.filename}" is not stored`,
        );
      }
      await this.#someProgress();
    }
  }

  // On Workers a flight dies with the request that leads it, and its followers would wait for ever.
  #someProgress(): Promise<void> {
    const { clock, filename } = this.#options;
    return within(this.#progress, {
      clock,
      limitMs: STALLED_MS,
      late: () => this.#fail(new UpstreamError(filename, `nothing came for ${STALLED_MS} ms`)),
    });
  }

  #take(passenger: Passenger): Uint8Array | undefined {
    let start = this.#windowStart;
    const end = this.#releasableBytes();
    for (const chunk of this.#window) {
      const stop = Math.min(start + chunk.byteLength, end);
      if (passenger.position < stop) {
        const part = chunk.slice(passenger.position - start, stop - start);
        passenger.position = stop;
        if (stop === this.#options.sizeBytes) this.#leave(passenger);
        this.#announceProgress();
        return part;
      }
      start += chunk.byteLength;
    }
    return undefined;
  }

  #leave(passenger: Passenger): void {
    this.#passengers.delete(passenger);
    this.#announceProgress();
  }

  #fail(cause: unknown): void {
    if (this.#state === "failed") return;
    this.#failure = cause;
    this.#settle("failed");
  }

  #settle(state: State): void {
    if (this.#state !== "flying" && this.#state !== "adrift") return;
    this.#state = state;
    if (state !== "adrift") this.#emptyWindow();
    this.#announceProgress();
  }

  #emptyWindow(): void {
    this.#window = [];
    this.#windowStart = this.#receivedBytes;
  }

  #announceProgress(): void {
    this.#wake();
    this.#expectProgress();
  }

  #expectProgress(): void {
    this.#progress = new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}
