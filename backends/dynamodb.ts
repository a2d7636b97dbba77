/** Entries in DynamoDB, in a table of their own. */

import { requireKeys, requireWrites } from "../src/compose/limits.ts";
import type { Atomics } from "../src/contracts/atomics.ts";
import type { Backend, Limits, Write } from "../src/contracts/backend.ts";
import type { DynamoSigner } from "./dynamodb/api.ts";
import {
  binary,
  deadlineOf,
  entryItem,
  idOf,
  type Item,
  liveContent,
  number,
} from "./dynamodb/items.ts";
import { type Action, type DynamoOptions, DynamoTable } from "./dynamodb/table.ts";

export type { DynamoApiOptions, DynamoSigner } from "./dynamodb/api.ts";
export { dynamodbLocks } from "./dynamodb/locks.ts";
export type { DynamoOptions } from "./dynamodb/table.ts";

/**
 * A store of bytes in a DynamoDB table, through an `AwsClient` of `aws4fetch` whose service is
 * `"dynamodb"`.
 *
 * The table is made on demand where it is missing, billed by request. Reads are consistent, 100 keys
 * in a call; writes are 25 in a call, and removals 50 in a transaction. What DynamoDB leaves undone is
 * sent again, some times. An item holds 400 KB.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { dynamodbBackend, type DynamoSigner } from "@cairn/cache/dynamodb";
 *
 * // Elsewhere: new AwsClient({ accessKeyId, secretAccessKey, region, service: "dynamodb" })
 * const signer: DynamoSigner = {
 *   fetch: async () => Response.json({ Responses: { cairn: [] }, UnprocessedKeys: {} }),
 * };
 * const backend = dynamodbBackend(signer, { region: "eu-central-1" });
 * deepEqual(await backend.get(["nowhere"]), [undefined]);
 * ```
 */
export function dynamodbBackend(
  signer: DynamoSigner,
  options: DynamoOptions,
): Backend<Uint8Array> & Atomics<Uint8Array> {
  return new DynamoBackend(signer, options);
}

const isLive = "(attribute_not_exists(until_ms) OR until_ms > :now)";
const isPresent = `attribute_exists(id) AND ${isLive}`;
const isAbsent = "(attribute_not_exists(id) OR until_ms <= :now)";

/** How often counting begins anew when the counter ends or begins meanwhile. */
const attempts = 100;

class DynamoBackend implements Backend<Uint8Array>, Atomics<Uint8Array> {
  readonly name: string;
  readonly limits: Limits;
  readonly #table: DynamoTable;

  constructor(signer: DynamoSigner, options: DynamoOptions) {
    this.#table = new DynamoTable(signer, options);
    this.name = this.#table.name;
    this.limits = this.#table.limits;
  }

  async get(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    requireKeys(this, keys);
    const ids = [...new Set(keys)].map((key) => idOf("e", key));
    const items = await this.#table.guard("get", () => this.#table.read(ids));
    const now = this.#table.clock.now();
    const values = new Map(items.map((item) => [item["id"]!.S, liveContent(item, now)]));
    return keys.map((key) => values.get(idOf("e", key)["id"]!.S));
  }

  async set(writes: readonly Write<Uint8Array>[]): Promise<void> {
    requireWrites(this, writes, (value) => value.length);
    const now = this.#table.clock.now();
    const last = [...new Map(writes.map((write) => [write.key, write])).values()];
    const requests = last.map((write) =>
      write.expiresAt > now
        ? { PutRequest: { Item: entryItem(write) } }
        : { DeleteRequest: { Key: idOf("e", write.key) } }
    );
    await this.#table.guard("set", () => this.#table.write(requests));
  }

  async delete(keys: readonly string[]): Promise<void> {
    requireKeys(this, keys);
    await this.#table.guard("delete", () => this.#table.remove(keys));
  }

  async add(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    return await this.#put("add", entryItem(write), isAbsent);
  }

  async replace(write: Write<Uint8Array>): Promise<boolean> {
    requireWrites(this, [write], (value) => value.length);
    return await this.#put("replace", entryItem(write), isPresent);
  }

  async touch(key: string, expiresAt: number): Promise<boolean> {
    requireKeys(this, [key]);
    const { until_ms, ttl_s } = deadlineOf(expiresAt);
    const isEndless = until_ms === undefined;
    return await this.#change("touch", "UpdateItem", {
      Key: idOf("e", key),
      UpdateExpression: isEndless
        ? "REMOVE until_ms, ttl_s"
        : "SET until_ms = :until, ttl_s = :ttl",
      ConditionExpression: isPresent,
      ExpressionAttributeValues: {
        ...this.#now(),
        ...isEndless ? {} : { ":until": until_ms, ":ttl": ttl_s! },
      },
    });
  }

  async deleteIf(key: string, expected: Uint8Array): Promise<boolean> {
    requireKeys(this, [key]);
    return await this.#change("deleteIf", "DeleteItem", {
      Key: idOf("e", key),
      ConditionExpression: `content = :expected AND ${isLive}`,
      ExpressionAttributeValues: { ":expected": binary(expected), ...this.#now() },
    });
  }

  async increment(key: string, delta: number, expiresAt: number): Promise<number> {
    requireKeys(this, [key]);
    const count = Number.isSafeInteger(delta)
      ? await this.#table.guard("increment", () => this.#count(key, delta, expiresAt))
      : NaN;
    if (Number.isSafeInteger(count)) return count;
    throw new RangeError(`Cannot increment "${key}" by ${delta}: it leaves the safe integers`);
  }

  /** Counts on from what is there, or begins; `NaN` if the count would not be a safe integer. */
  async #count(key: string, delta: number, expiresAt: number): Promise<number> {
    const first: Item = { ...idOf("c", key), counted: number(delta), ...deadlineOf(expiresAt) };
    for (let left = attempts; left > 0; left--) {
      const next = await this.#countOn(key, delta);
      if (next !== undefined) return next;
      if (await this.#store(first, isAbsent)) return delta;
      const [held] = await this.#table.read([idOf("c", key)]);
      const isOver = held && !Number.isSafeInteger(Number(held["counted"]!.N) + delta);
      if (isOver) return NaN;
    }
    throw new Error(`the counter began and ended ${attempts} times`);
  }

  async #countOn(key: string, delta: number): Promise<number | undefined> {
    const updated = await this.#table.decide<{ Attributes: Item }>("UpdateItem", {
      TableName: this.#table.table,
      Key: idOf("c", key),
      UpdateExpression: "SET counted = counted + :delta",
      ConditionExpression: `${isPresent} AND counted BETWEEN :least AND :most`,
      ExpressionAttributeValues: {
        ...this.#now(),
        ":delta": number(delta),
        ":least": number(Number.MIN_SAFE_INTEGER - Math.min(delta, 0)),
        ":most": number(Number.MAX_SAFE_INTEGER - Math.max(delta, 0)),
      },
      ReturnValues: "UPDATED_NEW",
    });
    return updated && Number(updated.Attributes["counted"]!.N);
  }

  async #put(operation: string, item: Item, condition: string): Promise<boolean> {
    return await this.#table.guard(operation, () => this.#store(item, condition));
  }

  async #store(item: Item, condition: string): Promise<boolean> {
    const done = await this.#table.decide("PutItem", {
      TableName: this.#table.table,
      Item: item,
      ConditionExpression: condition,
      ExpressionAttributeValues: this.#now(),
    });
    return done !== undefined;
  }

  async #change(operation: string, name: string, input: Action): Promise<boolean> {
    const whole = { TableName: this.#table.table, ...input };
    const done = await this.#table.guard(operation, () => this.#table.decide(name, whole));
    return done !== undefined;
  }

  #now(): Item {
    return { ":now": number(this.#table.clock.now()) };
  }
}
