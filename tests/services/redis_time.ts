/**
 * Time for suites over a real Redis: instead of waiting, every deadline in the server is brought
 * nearer, and the clock of the client is moved along. What passes of real time is given back before
 * each command, so that a slow machine changes nothing; what is left of it is less than the margin.
 */

import type { SuiteTime } from "../conformance/cases.ts";
import { type ManualClock, settled } from "../testing/manual_clock.ts";
import type { RedisCommands } from "../../backends/redis/commands.ts";

/** How early before a deadline a suite over Redis may still expect a value. */
export const redisMarginMs = 400;

const stepMs = 250;

// Answers the server's time, from which the next call counts.
const bringNearer = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local step = ARGV[1] - (now - (tonumber(ARGV[2]) or now))
for _, key in ipairs(redis.call('KEYS', '*')) do
  local left = redis.call('PTTL', key)
  if left >= 0 and left <= step + 200 then redis.call('DEL', key)
  elseif left >= 0 then redis.call('PEXPIRE', key, left - step) end
end
return string.format('%.0f', now)`;

/** Sends commands to one server and waits for their replies. */
export type Admin = (...command: string[]) => Promise<unknown>;

/** Moves a clock and the deadlines of servers together. */
export class RedisTime implements SuiteTime {
  readonly #clock: ManualClock;
  readonly #servers: readonly Admin[];
  readonly #traffic: Traffic;
  #last: Promise<readonly string[]> = Promise.resolve([]);

  /** For all servers that hold keys, and the traffic that must have settled between two steps. */
  constructor(clock: ManualClock, servers: readonly Admin[], traffic: Traffic) {
    this.#clock = clock;
    this.#servers = servers;
    this.#traffic = traffic;
  }

  now(): number {
    return this.#clock.now();
  }

  async advance(ms: number): Promise<void> {
    await this.#traffic.settled();
    for (let left = ms; left > 0; left -= stepMs) {
      const step = Math.min(left, stepMs);
      await this.#bringNearer(Math.round(step));
      await this.#clock.advance(step);
      await this.#traffic.settled();
    }
  }

  /** A connection for whose commands no real time passes. */
  frozen(commands: RedisCommands): RedisCommands {
    return {
      ...commands,
      send: async (batch) => {
        await this.#bringNearer(0);
        return await commands.send(batch);
      },
    };
  }

  // One after the other, for each begins where the last one ended.
  async #bringNearer(stepMs: number): Promise<void> {
    this.#last = this.#last.then((times) =>
      Promise.all(
        this.#servers.map(async (admin, server) =>
          String(await admin("EVAL", bringNearer, "0", String(stepMs), times[server] ?? ""))
        ),
      )
    );
    await this.#last;
  }
}

/** The commands on their way, counted. */
export class Traffic {
  /** How many times something was sent. */
  trips = 0;
  #underWay = new Set<Promise<unknown>>();

  /** The same connection, watched. */
  watch(commands: RedisCommands): RedisCommands {
    return {
      ...commands,
      send: (batch) => {
        this.trips++;
        const replies = commands.send(batch);
        const watched = replies.then(() => {}, () => {}).finally(() =>
          this.#underWay.delete(watched)
        );
        this.#underWay.add(watched);
        return replies;
      },
    };
  }

  /** Resolves when nothing is under way and nothing follows at once. */
  async settled(): Promise<void> {
    await settled();
    while (this.#underWay.size > 0) {
      await Promise.all(this.#underWay);
      await settled();
    }
  }
}
