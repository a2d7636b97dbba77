/**
 * A limit to guessing passwords, by wheezy's lockout.
 *
 * Wrong passwords are counted for each user at each address, so that nobody is locked out by those who
 * guess elsewhere; and for each address, because a guess costs a slow hash whatever name it goes with.
 * What comes from one address is judged one by one: guesses sent at once are counted like any others,
 * and an address has one hash under way at a time.
 *
 * Counts lie in this process. There are at most 20,000; those that are least in use go first.
 */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Clock } from "../../contracts/clock.ts";
import { excerpt } from "../../contracts/excerpt.ts";
import { memoryBackend } from "../../memory/memory_backend.ts";
import type { CounterOptions } from "../../patterns/counter.ts";
import { Locker, type Lockout } from "../../patterns/lockout.ts";
import type { Log } from "../log.ts";
import { within } from "../upstream/time_limit.ts";
import { networkOf } from "./client_network.ts";

/** Someone who says to be a user. */
export interface Guess {
  /** The name that was given. */
  readonly name: string;
  /** Where it comes from, where that is known. */
  readonly address: string | undefined;
}

/** What became of a guess. */
export type Verdict = "right" | "wrong" | "locked";

/** How long a lock lasts, in milliseconds. */
export const LOCKED_MS = 60_000;

const PERIOD_MS = 60_000;
const MOST_OF_USER = 10;
const MOST_OF_ADDRESS = 100;
const MOST_COUNTS = 20_000;
/** How many may wait for their turn at one address; one more is sent away. */
const MOST_WAITING = 1_000;

/**
 * A line stands still that long at most: on Workers whoever is served may vanish with its request. It is
 * longer than users wait for a check before they begin it anew.
 */
const LONGEST_TURN_MS = 45_000;

interface Line {
  waiting: number;
  last: Promise<unknown>;
}

/** What is counted: a name as its digest, for names may be long. */
interface Counted extends Guess {
  readonly digest: string;
  readonly network: string | undefined;
}

/** Judges guesses, and keeps count of the wrong ones. */
export class Guesses {
  readonly #clock: Clock;
  readonly #byUserAndAddress: Lockout<Counted>;
  readonly #byUser: Lockout<Counted>;
  readonly #lines = new Map<string, Line>();

  /** Takes what tells the time, and who is told of locks. */
  constructor({ clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    const store = memoryBackend<string>({ clock, maxEntries: MOST_COUNTS });
    const locker = new Locker<Counted, "byUser" | "byAddress">(store, {
      clock,
      forbidAction: () => "locked",
      terms: {
        byUser: ({ digest, network = "" }) => `${digest}@${network}`,
        byAddress: ({ network = "" }) => network,
      },
    });
    const times = { periodMs: PERIOD_MS, durationMs: LOCKED_MS };
    const tell = (who: string, { address }: Guess): void =>
      log("warn", `Locked out ${who} for too many wrong passwords`, { address });
    const byUser: CounterOptions<Counted> = {
      ...times,
      count: MOST_OF_USER,
      alert: (guess) => tell(`"${excerpt(guess.name)}"`, guess),
    };
    const byAddress: CounterOptions<Counted> = {
      ...times,
      count: MOST_OF_ADDRESS,
      isReset: false,
      alert: (guess) => tell("an address", guess),
    };
    this.#byUser = locker.define("passwords", { byUser });
    this.#byUserAndAddress = locker.define("passwords", { byUser, byAddress });
  }

  /** Lets `verify` judge a guess, unless too many before it were wrong. */
  async judge(guess: Guess, verify: () => Promise<boolean>): Promise<Verdict> {
    const network = guess.address === undefined ? undefined : networkOf(guess.address);
    const digest = bytesToHex(sha256(utf8ToBytes(guess.name)));
    const lockout = network === undefined ? this.#byUser : this.#byUserAndAddress;
    const judged = lockout.forbidLocked(lockout.guard(verify));
    return await this.#inLine(network ?? digest, async () => {
      const answer = await judged({ ...guess, digest, network });
      return answer === "locked" ? answer : answer === true ? "right" : "wrong";
    });
  }

  async #inLine(place: string, judge: () => Promise<Verdict>): Promise<Verdict> {
    const line = this.#lines.get(place) ?? { waiting: 0, last: Promise.resolve() };
    if (line.waiting >= MOST_WAITING) return "locked";
    this.#lines.set(place, line);
    line.waiting++;
    const before = within(line.last, {
      clock: this.#clock,
      limitMs: LONGEST_TURN_MS,
      late: () => undefined,
    });
    const turn = before.then(judge);
    // Whether it went well concerns whoever asked, not the next in line.
    line.last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      if (--line.waiting === 0) this.#lines.delete(place);
    }
  }
}
