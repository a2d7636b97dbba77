/**
 * DynamoDB's JSON protocol: one POST for each call, signed by whoever makes the requests.
 *
 * DynamoDB refuses calls when it is busy, and says so by name; those are made again after a while, a
 * few times. Nothing else is.
 */

import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { type Random, systemRandom } from "../../src/contracts/random.ts";

/** The part of an `AwsClient` of `aws4fetch` that cairn uses. Its service has to be `dynamodb`. */
export interface DynamoSigner {
  /** Signs a request and sends it. */
  fetch(url: string, request: RequestInit): Promise<Response>;
}

/** Where DynamoDB is, and how long to wait for it. */
export interface DynamoApiOptions {
  /** The region, e.g. `"eu-central-1"`. Needed unless there is a host. */
  readonly region?: string;
  /** A host to use instead of Amazon's, e.g. that of DynamoDB Local. */
  readonly host?: string;
  /** The port on that host. Default: 8,000. */
  readonly port?: number;
  /** Whether that host speaks TLS. Default: no. */
  readonly secure?: boolean;
  /** A call that takes longer fails, in milliseconds. Default: 5,000. */
  readonly timeoutMs?: number;
  /** Measures waits. Default: the platform's. */
  readonly clock?: Clock;
  /** Spreads waits. Default: the platform's. */
  readonly random?: Random;
}

/** An error that DynamoDB answered. */
export class DynamoError extends Error {
  /** The class name. */
  override readonly name: string = "DynamoError";
  /** DynamoDB's own name for it, e.g. `"ResourceNotFoundException"`. */
  readonly code: string;

  /** Takes over the name and the text. */
  constructor(code: string, message: string) {
    super(`${code}: ${message}`);
    this.code = code;
  }
}

const busyCodes = new Set([
  "InternalServerError",
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ServiceUnavailable",
  "ThrottlingException",
]);
const attempts = 6;
/** How often what was left undone is sent again when none of it is done. */
const idleAttempts = 8;
const firstPauseMs = 25;

/** Calls DynamoDB. */
export class DynamoApi {
  readonly #signer: DynamoSigner;
  readonly #url: string;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #random: Random;

  /** A `RangeError` for options that make no sense. */
  constructor(signer: DynamoSigner, options: DynamoApiOptions) {
    const { timeoutMs = 5_000, clock = systemClock, random = systemRandom } = options;
    if (!(timeoutMs > 0)) throw new RangeError(`Cannot use DynamoDB: "timeoutMs" is ${timeoutMs}`);
    this.#signer = signer;
    this.#url = addressOf(options);
    this.#timeoutMs = timeoutMs;
    this.#clock = clock;
    this.#random = random;
  }

  /** Makes a call by its name, e.g. `"GetItem"`, and answers its result. */
  async call<T>(name: string, input: unknown): Promise<T> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.#once(name, input) as T;
      } catch (error) {
        const isBusy = error instanceof DynamoError && busyCodes.has(error.code);
        if (!isBusy || attempt === attempts) throw error;
      }
      await this.pause(attempt);
    }
  }

  /** Waits before an attempt is made again: up to twice as long each time, at most 1.6 s. */
  async pause(attempt: number): Promise<void> {
    await this.#clock.sleep(firstPauseMs * 2 ** Math.min(attempt, 6) * this.#random());
  }

  /** Sends items until none is left undone; DynamoDB says which are, when it is busy or they are many. */
  async untilDone<T>(
    items: readonly T[],
    send: (items: readonly T[]) => Promise<readonly T[]>,
  ): Promise<void> {
    let [left, idle] = [items, 0];
    while (left.length > 0) {
      const undone = await send(left);
      idle = undone.length < left.length ? 0 : idle + 1;
      if (idle === idleAttempts) throw new Error(`${undone.length} items were left undone`);
      if (undone.length > 0) await this.pause(idle + 1);
      left = undone;
    }
  }

  async #once(name: string, input: unknown): Promise<unknown> {
    const ended = new AbortController();
    const timeout = this.#clock.sleep(this.#timeoutMs, ended.signal).then(() => {
      if (!ended.signal.aborted) ended.abort(new Error(`no answer after ${this.#timeoutMs} ms`));
    });
    try {
      return await answerOf(
        await this.#signer.fetch(this.#url, {
          method: "POST",
          headers: {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": `DynamoDB_20120810.${name}`,
          },
          body: JSON.stringify(input),
          signal: ended.signal,
        }),
      );
    } finally {
      ended.abort();
      await timeout;
    }
  }
}

async function answerOf(response: Response): Promise<unknown> {
  const text = await response.text();
  if (response.ok) return JSON.parse(text);
  const { __type = "", message, Message } = errorOf(text, response.status);
  throw new DynamoError(
    __type.slice(__type.lastIndexOf("#") + 1),
    message ?? Message ?? "no reason",
  );
}

function errorOf(text: string, status: number): Record<string, string | undefined> {
  try {
    return JSON.parse(text);
  } catch {
    // A proxy on the way answers in words of its own.
    return { __type: status >= 500 ? "ServiceUnavailable" : `HTTP ${status}`, message: text };
  }
}

function addressOf({ region, host, port = 8_000, secure = false }: DynamoApiOptions): string {
  if (host !== undefined) return `${secure ? "https" : "http"}://${host}:${port}/`;
  if (!region) throw new RangeError('Cannot use DynamoDB: "region" is missing, and so is "host"');
  return `https://dynamodb.${region}.amazonaws.com/`;
}
