/** Dogpile locks in the DynamoDB table that holds the entries. */

import { requireKeys, requireWrites } from "../../src/compose/limits.ts";
import { type Attempt, polled } from "../../src/compose/polled.ts";
import type { Write } from "../../src/contracts/backend.ts";
import type { Acquired, AcquireOptions, Lease, Locks } from "../../src/contracts/locks.ts";
import { type Random, systemRandom } from "../../src/contracts/random.ts";
import type { DynamoSigner } from "./api.ts";
import { entryItem, fenceLifeOf, idOf, type Item, liveContent, number, untilOf } from "./items.ts";
import { type Action, type DynamoOptions, DynamoTable } from "./table.ts";

/**
 * Locks for all processes that share a DynamoDB table. Give the same `table` as to
 * `dynamodbBackend`.
 *
 * An attempt is one transaction that reads entry and lease as they are at one moment, and one write
 * that takes the lease if that is still as it was read. A commit is one transaction. Who waits asks
 * again after 10 ms, and after pauses that grow to a quarter of a second.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { dynamodbLocks, type DynamoSigner } from "@cairn/cache/dynamodb";
 *
 * const heldForEver = { fence: { N: "7" }, until_ms: { N: "99999999999999" } };
 * const signer: DynamoSigner = {
 *   fetch: async () => Response.json({ Responses: [{}, { Item: heldForEver }] }),
 * };
 * const locks = dynamodbLocks(signer, { region: "eu-central-1" });
 * const options = { leaseMs: 1_000, waitMs: 0, enough: () => false };
 * equal((await locks.acquire("key", options)).lease, undefined);
 * ```
 */
export function dynamodbLocks(signer: DynamoSigner, options: DynamoOptions): Locks<Uint8Array> {
  return new DynamoLocks(signer, options);
}

const isHeld = "fence = :fence AND until_ms > :now";

class DynamoLocks implements Locks<Uint8Array> {
  readonly name: string;
  readonly #table: DynamoTable;
  readonly #random: Random;

  constructor(signer: DynamoSigner, options: DynamoOptions) {
    this.#table = new DynamoTable(signer, options);
    this.#random = options.random ?? systemRandom;
    this.name = this.#table.name;
  }

  async acquire(key: string, options: AcquireOptions<Uint8Array>): Promise<Acquired<Uint8Array>> {
    requireKeys(this.#table, [key]);
    const { waitMs, signal } = options;
    const [clock, random] = [this.#table.clock, this.#random];
    return await polled(
      () => this.#table.guard("acquire", () => this.#attempt(key, options)),
      { waitMs, signal, clock, random },
    );
  }

  async revoke(keys: readonly string[]): Promise<void> {
    requireKeys(this.#table, keys);
    await this.#table.guard("revoke", () => this.#table.remove(keys));
  }

  async #attempt(
    key: string,
    { leaseMs, enough }: AcquireOptions<Uint8Array>,
  ): Promise<Attempt<Acquired<Uint8Array>>> {
    const { entry, held } = await this.#look(key);
    const now = this.#table.clock.now();
    const value = liveContent(entry, now);
    const isFree = held?.["until_ms"] === undefined || untilOf(held) <= now;
    const fence = isFree ? await this.#take(key, held, now + leaseMs) : undefined;
    const lease = fence === undefined ? undefined : this.#leaseOf(key, fence);
    return { result: { lease, value }, isDone: lease !== undefined || enough(value) };
  }

  async #look(key: string): Promise<{ entry: Item | undefined; held: Item | undefined }> {
    const TableName = this.#table.table;
    const found = await this.#table.decide<{ Responses: { Item?: Item }[] }>("TransactGetItems", {
      TransactItems: [
        { Get: { TableName, Key: idOf("e", key) } },
        { Get: { TableName, Key: idOf("l", key) } },
      ],
    });
    const [entry, held] = found!.Responses;
    return { entry: entry!.Item, held: held!.Item };
  }

  // Whoever held the lease since it was read has left a greater fence, so that the value read with it
  // is still the one that is there.
  async #take(key: string, held: Item | undefined, until: number): Promise<number | undefined> {
    const now = this.#table.clock.now();
    const last = held?.["fence"];
    const fence = Number(last?.N ?? Math.floor(now)) + 1;
    const taken = await this.#table.decide("PutItem", {
      TableName: this.#table.table,
      Item: {
        ...idOf("l", key),
        fence: number(fence),
        until_ms: number(until),
        ttl_s: fenceLifeOf(until),
      },
      ...last
        ? {
          ConditionExpression:
            "fence = :last AND (attribute_not_exists(until_ms) OR until_ms <= :now)",
          ExpressionAttributeValues: { ":last": last, ":now": number(now) },
        }
        : { ConditionExpression: "attribute_not_exists(id)" },
    });
    return taken === undefined ? undefined : fence;
  }

  #leaseOf(key: string, fence: number): Lease<Uint8Array> {
    return Object.freeze({
      key,
      fence,
      renew: (leaseMs: number): Promise<boolean> =>
        this.#table.guard("renew", () => this.#renew(key, fence, leaseMs)),
      commit: (write: Write<Uint8Array>): Promise<boolean> => this.#commit(key, fence, write),
      release: async (): Promise<void> => {
        await this.#table.guard(
          "release",
          () => this.#table.decide("UpdateItem", this.#end(key, fence)),
        );
      },
    });
  }

  async #renew(key: string, fence: number, leaseMs: number): Promise<boolean> {
    const now = this.#table.clock.now();
    const until = now + leaseMs;
    const renewed = await this.#table.decide("UpdateItem", {
      TableName: this.#table.table,
      Key: idOf("l", key),
      UpdateExpression: "SET until_ms = :until, ttl_s = :ttl",
      ConditionExpression: isHeld,
      ExpressionAttributeValues: {
        ":fence": number(fence),
        ":now": number(now),
        ":until": number(until),
        ":ttl": fenceLifeOf(until),
      },
    });
    return renewed !== undefined;
  }

  async #commit(key: string, fence: number, write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this.#table, [write], (value) => value.length);
    const TableName = this.#table.table;
    const isLive = write.expiresAt > this.#table.clock.now();
    const store = isLive
      ? { Put: { TableName, Item: entryItem(write) } }
      : { Delete: { TableName, Key: idOf("e", write.key) } };
    return await this.#table.guard(
      "commit",
      () => this.#table.transact([{ Update: this.#end(key, fence) }, store]),
    );
  }

  /** Ends a lease if it is held, and keeps its fence. */
  #end(key: string, fence: number): Action {
    return {
      TableName: this.#table.table,
      Key: idOf("l", key),
      UpdateExpression: "REMOVE until_ms",
      ConditionExpression: isHeld,
      ExpressionAttributeValues: {
        ":fence": number(fence),
        ":now": number(this.#table.clock.now()),
      },
    };
  }
}
