/** What stands between a store and its connection: scripts, deadlines, errors. */

import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { RedisArgument, RedisCommand, RedisCommands, RedisReply } from "./commands.ts";
import { decodeArguments, type RedisScript } from "./scripts.ts";
import { ReplyTimeout } from "./reply_timeout.ts";

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

  /** Whether commands may hold bytes. */
  get takesBytes(): boolean {
    return this.#commands.arguments === "bytes";
  }

  /** Whether a command must keep to keys of one slot. */
  get isCluster(): boolean {
    return this.#commands.isCluster;
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
    return calls.some(isScript) ? this.#runScripts(calls) : this.#send(calls);
  }

  #send(commands: readonly (RedisCommand | ScriptCall)[]): Promise<RedisReply[]> {
    return this.#commands.send(commands as readonly RedisCommand[]);
  }

  async #runScripts(calls: readonly (RedisCommand | ScriptCall)[]): Promise<RedisReply[]> {
    const replies = await this.#send(
      await Promise.all(calls.map((call) => isScript(call) ? this.#bySha(call) : call)),
    );
    const unknown = calls.flatMap((call, index) =>
      isScript(call) && isUnknownScript(replies[index]!) ? [{ call, index }] : []
    );
    if (unknown.length > 0) {
      const again = await this.#send(unknown.map(({ call }) => this.#bySource(call)));
      unknown.forEach(({ index }, position) => replies[index] = again[position]!);
    }
    return replies;
  }

  async #bySha(call: ScriptCall): Promise<RedisCommand> {
    return ["evalsha", await shaOf(this.#sourceOf(call.script)), ...this.#rest(call)];
  }

  #bySource(call: ScriptCall): RedisCommand {
    return ["eval", this.#sourceOf(call.script), ...this.#rest(call)];
  }

  #sourceOf({ source }: RedisScript): string {
    return this.takesBytes ? source : `${decodeArguments.trim()}\n${source}`;
  }

  #rest({ keys, args }: ScriptCall): RedisArgument[] {
    return [String(keys.length), ...keys, ...(this.takesBytes ? args : args.map(byteText))];
  }
}

function refusalIn(replies: readonly RedisReply[]): Error | undefined {
  for (const reply of replies) if (reply instanceof Error) return reply;
  return undefined;
}

function isScript(call: RedisCommand | ScriptCall): call is ScriptCall {
  return "script" in call;
}

function isUnknownScript(reply: RedisReply): boolean {
  return reply instanceof Error && reply.message.includes("NOSCRIPT");
}

const encoder = new TextEncoder();
const latin1Chunk = 0x6000;

/** A text with one character for each byte of an argument. */
function byteText(argument: RedisArgument): string {
  const bytes = typeof argument === "string" ? encoder.encode(argument) : argument;
  let text = "";
  for (let offset = 0; offset < bytes.length; offset += latin1Chunk) {
    text += String.fromCharCode(...bytes.subarray(offset, offset + latin1Chunk));
  }
  return text;
}

const shas = new Map<string, Promise<string>>();

/** The name by which Redis knows a script: its SHA-1. There are only the few scripts of cairn's. */
function shaOf(source: string): Promise<string> {
  let sha = shas.get(source);
  if (sha === undefined) shas.set(source, sha = sha1Hex(source));
  return sha;
}

async function sha1Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-1", encoder.encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
