/** One DynamoDB table of items by `id`: made where it is missing, read and written in batches. */

import { type Limits, UNLIMITED } from "../../src/contracts/backend.ts";
import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { randomId } from "../../src/contracts/random.ts";
import { DynamoApi, type DynamoApiOptions, DynamoError, type DynamoSigner } from "./api.ts";
import { fenceLifeOf, idOf, type Item, number } from "./items.ts";
import { groupsOf, sideBySide } from "../../src/compose/side_by_side.ts";

/** Where the entries are, and how long to wait for them. */
export interface DynamoOptions extends DynamoApiOptions {
  /** The name of the table, of at least three characters. Default: `"cairn"`. */
  readonly table?: string;
}

// An item has at most 400 KB with the names of its attributes, and its key 2,048 bytes.
const keyBytes = 2_000;
const limits: Limits = Object.freeze({
  ...UNLIMITED,
  keyBytes,
  valueBytes: 409_600 - keyBytes - 100,
});

const keysAtOnce = 100;
const writesAtOnce = 25;
/** Each key that is removed takes two of the 100 actions of a transaction. */
const removalsAtOnce = 50;

/** How often a transaction is made again that met another one. */
const conflictAttempts = 64;
/** How often a new table is asked whether it is ready; with the pauses, for a minute and more. */
const readyAttempts = 100;

/** An action of a transaction, or one change. */
export type Action = Readonly<Record<string, unknown>>;

/** What can be done with the table. Errors are DynamoDB's own but for {@linkcode guard}. */
export class DynamoTable {
  readonly name = "dynamodb";
  readonly limits: Limits = limits;
  readonly table: string;
  readonly clock: Clock;
  readonly #api: DynamoApi;

  /** A `RangeError` for a name that DynamoDB does not take. */
  constructor(signer: DynamoSigner, options: DynamoOptions) {
    const { table = "cairn", clock = systemClock } = options;
    if (!/^[A-Za-z0-9_.-]{3,255}$/.test(table)) {
      throw new RangeError(`Cannot use DynamoDB: "table" is "${table}"`);
    }
    this.table = table;
    this.clock = clock;
    this.#api = new DynamoApi(signer, options);
  }

  /** Runs `work`; whatever it throws becomes a `BackendError`. */
  async guard<T>(operation: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw new BackendError(this.name, operation, error);
    }
  }

  /** The items at `ids`, which are different, as they are now; in no order. */
  async read(ids: readonly Item[]): Promise<Item[]> {
    const found: Item[] = [];
    await sideBySide(groupsOf(ids, keysAtOnce), async (group) => {
      await this.#api.untilDone(group, async (Keys) => {
        const { Responses, UnprocessedKeys } = await this.call<BatchOfItems>("BatchGetItem", {
          RequestItems: { [this.table]: { Keys, ConsistentRead: true } },
        });
        found.push(...Responses[this.table] ?? []);
        return UnprocessedKeys?.[this.table]?.Keys ?? [];
      });
    });
    return found;
  }

  /** Makes puts and deletes of different items. */
  async write(requests: readonly Action[]): Promise<void> {
    await sideBySide(groupsOf(requests, writesAtOnce), async (group) => {
      await this.#api.untilDone(group, async (left) => {
        const { UnprocessedItems } = await this.call<BatchOfWrites>("BatchWriteItem", {
          RequestItems: { [this.table]: left },
        });
        return UnprocessedItems?.[this.table] ?? [];
      });
    });
  }

  /** Removes entries and ends their leases, in one step for each fifty. */
  async remove(keys: readonly string[]): Promise<void> {
    await sideBySide(groupsOf([...new Set(keys)], removalsAtOnce), async (group) => {
      await this.transact(group.flatMap((key) => this.#removal(key)));
    });
  }

  #removal(key: string): Action[] {
    const now = this.clock.now();
    return [
      { Delete: { TableName: this.table, Key: idOf("e", key) } },
      {
        Update: {
          TableName: this.table,
          Key: idOf("l", key),
          UpdateExpression:
            "SET fence = if_not_exists(fence, :now) + :one, ttl_s = :ttl REMOVE until_ms",
          ExpressionAttributeValues: {
            ":now": number(Math.floor(now)),
            ":one": number(1),
            ":ttl": fenceLifeOf(now),
          },
        },
      },
    ];
  }

  /** Takes actions all or none; answers whether every condition held. */
  async transact(actions: readonly Action[]): Promise<boolean> {
    // The token keeps a repetition from being refused by what the first time has done.
    const input = { TransactItems: actions, ClientRequestToken: randomId() };
    return await this.decide("TransactWriteItems", input) !== undefined;
  }

  /** Makes a change that has conditions; answers `undefined` if they did not hold. */
  async decide<T>(name: string, input: Action): Promise<T | undefined> {
    for (let attempt = 1;; attempt++) {
      try {
        return await this.call<T>(name, input);
      } catch (error) {
        if (isRefusal(error)) return undefined;
        if (!isConflict(error) || attempt === conflictAttempts) throw error;
      }
      await this.#api.pause(attempt);
    }
  }

  /** Makes a call, and the table before it if that is missing. */
  async call<T>(name: string, input: unknown): Promise<T> {
    try {
      return await this.#api.call<T>(name, input);
    } catch (error) {
      if (!hasCode(error, "ResourceNotFoundException")) throw error;
      await this.#create();
      return await this.#api.call<T>(name, input);
    }
  }

  async #create(): Promise<void> {
    const TableName = this.table;
    let isOurs = true;
    try {
      await this.#api.call("CreateTable", {
        TableName,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
        KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      });
    } catch (error) {
      if (!hasCode(error, "ResourceInUseException")) throw error;
      isOurs = false;
    }
    await this.#ready();
    if (!isOurs) return;
    const TimeToLiveSpecification = { AttributeName: "ttl_s", Enabled: true };
    await this.#api.call("UpdateTimeToLive", { TableName, TimeToLiveSpecification });
  }

  async #ready(): Promise<void> {
    for (let attempt = 1; attempt <= readyAttempts; attempt++) {
      if (await this.#isActive()) return;
      await this.#api.pause(attempt);
    }
    throw new Error(`table "${this.table}" is still not ready`);
  }

  async #isActive(): Promise<boolean> {
    try {
      const { Table } = await this.#api.call<Description>("DescribeTable", {
        TableName: this.table,
      });
      return Table.TableStatus === "ACTIVE";
    } catch (error) {
      // What has just been made is not known everywhere at once.
      if (hasCode(error, "ResourceNotFoundException")) return false;
      throw error;
    }
  }
}

interface BatchOfItems {
  readonly Responses: Readonly<Record<string, readonly Item[] | undefined>>;
  readonly UnprocessedKeys?: Readonly<Record<string, { readonly Keys: readonly Item[] }>>;
}

interface BatchOfWrites {
  readonly UnprocessedItems?: Readonly<Record<string, readonly Action[]>>;
}

interface Description {
  readonly Table: { readonly TableStatus: string };
}

function hasCode(error: unknown, code: string): error is DynamoError {
  return error instanceof DynamoError && error.code === code;
}

/** Whether a condition did not hold. A transaction's message ends with the reasons of its actions. */
function isRefusal(error: unknown): boolean {
  return hasCode(error, "ConditionalCheckFailedException") ||
    (hasCode(error, "TransactionCanceledException") &&
      error.message.includes("ConditionalCheckFailed"));
}

function isConflict(error: unknown): boolean {
  return hasCode(error, "TransactionConflictException") ||
    hasCode(error, "TransactionInProgressException") ||
    (hasCode(error, "TransactionCanceledException") &&
      /TransactionConflict|ThrottlingError/.test(error.message));
}
