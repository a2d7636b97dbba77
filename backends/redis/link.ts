/** What stands between a store and its connection: scripts, deadlines, errors. */

import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { RedisArgument, RedisCommand, RedisCommands, RedisReply } from "./commands.ts";
import { ReplyTimeout } from "./reply_timeout.ts";
import type { RedisScript } from "./scripts.ts";

/** A script with what it works on. */
export interface ScriptCall {
  /** The script. */
  readonly script: RedisScript;
  /** Its keys. */
  readonly keys: readonly string[];
  /** Its arguments. */
  readonly args: readonly RedisArgument[];
}

/** How long to wait for a reply. */
export interface LinkOptions {
  /** An operation that takes longer fails, in milliseconds, a tenth of a second late at most. Default: 5,000. */
  readonly timeoutMs?: number;
  /** Measures the wait. Default: the platform's. */
  readonly clock?: Clock;
}

/** Runs commands and scripts; whatever goes wrong is a `BackendError`. */
export class RedisLink {
  readonly #commands: RedisCommands;
  readonly #timeout: ReplyTimeout;

  /** Over a connection. */
  constructor(commands: RedisCommands, options: LinkOptions) {
    const { timeoutMs = 5_000, clock = systemClock } = options;
    if (!(timeoutMs > 0)) throw new RangeError(`Cannot use Redis: "timeoutMs" is ${timeoutMs}`);
    this.#commands = commands;
    this.#timeout = new ReplyTimeout(timeoutMs, clock);
  }

  /**
   * Runs all in one trip; in a second one, the scripts that the server did not know yet.
   *
   * It does without `await`: every promise more is a fortieth of what a reply costs.
   */
  run(
    operation: string,
    calls: readonly (RedisCommand | ScriptCall)[],
  ): Promise<RedisReply[]> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => reject(new BackendError("redis", operation, error));
      const wait = this.#timeout.begin(fail);
      this.#sent(calls).then((replies) => {
        wait.end();
        const refusal = refusalIn(replies);
        if (refusal === undefined) resolve(replies);
        else fail(refusal);
      }, (error) => {
        wait.end();
        fail(error);
      });
    });
  }

  #sent(calls: readonly (RedisCommand | ScriptCall)[]): Promise<RedisReply[]> {
    return calls.some(isScript)
      ? this.#runScripts(calls)
      : this.#commands.send(calls as readonly RedisCommand[]);
  }

  async #runScripts(calls: readonly (RedisCommand | ScriptCall)[]): Promise<RedisReply[]> {
    const commands = calls.map((call) => isScript(call) ? this.#bySha(call) : call);
    const replies = await this.#commands.send(await Promise.all(commands));
    const unknown = [...calls.keys()].filter((index) => isUnknownScript(replies[index]!));
    if (unknown.length > 0) {
      const again = unknown.map((index) => this.#bySource(calls[index] as ScriptCall));
      const found = await this.#commands.send(again);
      unknown.forEach((index, position) => replies[index] = found[position]!);
    }
    return replies;
  }

  async #bySha(call: ScriptCall): Promise<RedisCommand> {
    return ["evalsha", await shaOf(this.#sourceOf(call)), ...this.#rest(call)];
  }

  #bySource(call: ScriptCall): RedisCommand {
    return ["eval", this.#sourceOf(call), ...this.#rest(call)];
  }

  #sourceOf({ script: { source } }: ScriptCall): string {
    const { arguments: form } = this.#commands;
    return form === "bytes" ? source : form.decoding + source;
  }

  #rest({ keys, args }: ScriptCall): RedisArgument[] {
    const { arguments: form } = this.#commands;
    return [String(keys.length), ...keys, ...(form === "bytes" ? args : args.map(form.encode))];
  }
}

function refusalIn(replies: readonly RedisReply[]): Error | undefined {
  for (const reply of replies) if (reply instanceof Error) return reply;
  return undefined;
}

function isScript(call: RedisCommand | ScriptCall): call is ScriptCall {
  return !Array.isArray(call);
}

function isUnknownScript(reply: RedisReply): boolean {
  return reply instanceof Error && reply.message.includes("NOSCRIPT");
}

const shas = new Map<string, Promise<string>>();

/** The name by which Redis knows a script: its SHA-1. There are only the few scripts of cairn's. */
function shaOf(source: string): Promise<string> {
  let sha = shas.get(source);
  if (sha === undefined) shas.set(source, sha = sha1Hex(source));
  return sha;
}

async function sha1Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
