/** Entries, atomics and locks on Amazon's own DynamoDB Local. */

import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AwsClient } from "aws4fetch";
import {
  dynamodbBackend,
  dynamodbLocks,
  type DynamoOptions,
  type DynamoSigner,
} from "../../backends/dynamodb.ts";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { NEVER } from "../../src/contracts/clock.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import { type AtomicsFixture, atomicsSuite } from "../conformance/atomics_suite.ts";
import { backendSuite } from "../conformance/backend_suite.ts";
import { byteSamples, entrySamples } from "../conformance/cases.ts";
import { type LocksFixture, locksSuite } from "../conformance/locks_suite.ts";
import { regionSuite } from "../conformance/region_suite.ts";
import { dynamodb } from "../services/dynamodb.ts";
import type { Server } from "../services/server.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { regionOver, StoreClock } from "../testing/store_time.ts";

/** What becomes of a call: it is made, it fails, its answer is lost, or it is answered for. */
type Fate = "made" | "before" | "after" | Response;

const client = new AwsClient({
  accessKeyId: "test",
  secretAccessKey: "test",
  region: "eu-central-1",
  service: "dynamodb",
  retries: 0,
});

/** Signs and sends calls, counted, but for those that a test has other plans with. */
class ScriptedSigner implements DynamoSigner {
  pending = 0;
  readonly names: string[] = [];
  fateOf: (call: number, body: string) => Fate = () => "made";

  async fetch(url: string, request: RequestInit): Promise<Response> {
    const target = new Headers(request.headers).get("x-amz-target")!;
    this.names.push(target.slice(target.indexOf(".") + 1));
    const fate = this.fateOf(this.names.length, String(request.body));
    if (fate instanceof Response) return fate;
    if (fate === "before") throw new Error("a fault was asked for");
    this.pending++;
    try {
      const response = await client.fetch(url, request);
      const body = await response.arrayBuffer();
      if (fate === "after") throw new Error("a fault was asked for");
      return new Response(body, { status: response.status });
    } finally {
      this.pending--;
    }
  }
}

describe("DynamoDB Local", { skip: dynamodb.missing }, () => {
  let server: Server;
  let tables = 0;
  before(async () => void (server = await dynamodb.start()));
  after(() => server.stop());

  type Fixture = AtomicsFixture<Uint8Array> & LocksFixture<Uint8Array> & {
    readonly signer: ScriptedSigner;
    readonly options: DynamoOptions;
  };

  /** Each fixture has a table of its own. */
  function fixtureOf(clock: ManualClock): Fixture {
    const [signer, others] = [new ScriptedSigner(), new ScriptedSigner()];
    const storeClock = new StoreClock(clock);
    const place = { host: "127.0.0.1", port: server.port, timeoutMs: 3_600_000 };
    const options = { ...place, table: `table.${++tables}`, clock: storeClock };
    const backend = dynamodbBackend(signer, options);
    return {
      backend,
      atomics: backend,
      locks: dynamodbLocks(signer, options),
      others: dynamodbLocks(others, options),
      time: storeClock.waitingFor([signer, others]),
      trips: () => signer.names.length,
      breakStore: () => void (signer.fateOf = () => "before"),
      signer,
      options,
    };
  }

  /** A fixture whose table is there and whose calls are counted from now on. */
  async function readyFixture(clock: ManualClock = new ManualClock()): Promise<Fixture> {
    const fixture = fixtureOf(clock);
    await fixture.backend.get(["key"]);
    fixture.signer.names.length = 0;
    return fixture;
  }

  backendSuite("dynamodb", fixtureOf, { samples: byteSamples, batchKeys: 300 });
  atomicsSuite("dynamodb", fixtureOf, { samples: byteSamples });
  locksSuite("dynamodb", fixtureOf, { samples: byteSamples });
  backendSuite("serialized(json, dynamodb)", (clock) => {
    const fixture = fixtureOf(clock);
    return { ...fixture, backend: serialized(json, fixture.backend) };
  }, { samples: entrySamples, batchKeys: 100 });
  regionSuite("dynamodb with its locks", (clock) => regionOver(fixtureOf(clock)));

  describe("dynamodb", () => {
    it("makes its table where it is missing, for several at once, with an expiry that frees space", async () => {
      const { backend, signer, options, others } = fixtureOf(new ManualClock());
      await Promise.all([
        backend.get(["key"]),
        others.acquire("other", once),
        backend.get(["key"]),
      ]);
      equal(signer.names.filter((name) => name === "UpdateTimeToLive").length <= 1, true);
      const found = await client.fetch(`http://127.0.0.1:${server.port}/`, {
        method: "POST",
        headers: {
          "content-type": "application/x-amz-json-1.0",
          "x-amz-target": "DynamoDB_20120810.DescribeTimeToLive",
        },
        body: JSON.stringify({ TableName: options.table }),
      });
      const { TimeToLiveDescription } = await found.json();
      deepEqual(TimeToLiveDescription, { AttributeName: "ttl_s", TimeToLiveStatus: "ENABLED" });
    });

    it("reads 100 keys in a call, writes 25, removes 50", async () => {
      const { backend, signer } = await readyFixture();
      const writes = Array.from({ length: 120 }, (_, index) => write(`key ${index}`, 10));
      await backend.set(writes);
      await backend.get(writes.map(({ key }) => key));
      await backend.delete(writes.map(({ key }) => key));
      const count = (name: string): number => signer.names.filter((one) => one === name).length;
      deepEqual(
        ["BatchWriteItem", "BatchGetItem", "TransactWriteItems"].map(count),
        [5, 2, 3],
      );
      equal(signer.names.length, 10);
    });

    it("costs two calls to acquire, one to commit, one to find the lock busy", async () => {
      const { locks, signer } = await readyFixture();
      const { lease } = await locks.acquire("key", once);
      await locks.acquire("key", once);
      await lease!.commit(write("key", 5));
      deepEqual(signer.names, [
        "TransactGetItems",
        "PutItem",
        "TransactGetItems",
        "TransactWriteItems",
      ]);
    });

    it("reads in pieces what is too much for one answer", async () => {
      const { backend, signer } = await readyFixture();
      const writes = Array.from({ length: 50 }, (_, index) => write(`key ${index}`, 400_000));
      for (const one of writes) await backend.set([one]);
      signer.names.length = 0;
      const found = await backend.get(writes.map(({ key }) => key));
      ok(found.every((value) => value?.length === 400_000));
      ok(signer.names.length >= 2);
    });

    it("sends again what was left undone, and gives up when nothing is done", async () => {
      const { backend, signer, options } = await readyFixture();
      const unprocessed = { UnprocessedItems: { [options.table!]: [] as unknown[] } };
      signer.fateOf = (call, body) => {
        if (call > 2) return "made";
        unprocessed.UnprocessedItems[options.table!] = itemsOf(body, options.table!).slice(1);
        return Response.json(unprocessed);
      };
      await backend.set([write("a", 1), write("b", 2), write("c", 3)]);
      deepEqual(signer.names.length, 3);
      deepEqual((await backend.get(["c"]))[0], write("c", 3).value);
      signer.fateOf = (_, body) => {
        return Response.json({
          UnprocessedItems: { [options.table!]: itemsOf(body, options.table!) },
        });
      };
      signer.names.length = 0;
      await rejects(backend.set([write("a", 1)]), /1 items were left undone/);
      equal(signer.names.length, 8);
    });

    it("makes a transaction again that met another one, and a busy call too", async () => {
      const { backend, signer } = await readyFixture();
      await backend.set([write("key", 5)]);
      signer.names.length = 0;
      signer.fateOf = (call) => {
        if (call === 1) {
          return refusal("TransactionCanceledException", "[TransactionConflict, None]");
        }
        if (call === 2) return refusal("ThrottlingException", "slow down");
        return "made";
      };
      await backend.delete(["key"]);
      equal(signer.names.length, 3);
      deepEqual(await backend.get(["key"]), [undefined]);
    });

    it("DX-10: a delete or revoke of the key ends its lease", async () => {
      const { locks, backend } = fixtureOf(new ManualClock());
      for (const remove of [locks.revoke.bind(locks), backend.delete.bind(backend)]) {
        const { lease } = await locks.acquire("key", once);
        await remove(["key"]);
        equal(await lease!.commit(write("key", 5)), false);
        deepEqual(await backend.get(["key"]), [undefined]);
      }
    });

    it("a value committed between reading and taking is seen: the attempt loses", async () => {
      const { signer, options, others, locks } = await readyFixture();
      const between = new ScriptedSigner();
      const slow = dynamodbLocks({
        fetch: async (url, request) => {
          const isPut = String(new Headers(request.headers).get("x-amz-target")).endsWith(
            "PutItem",
          );
          if (isPut && between.names.length === 0) {
            between.names.push("once");
            const { lease } = await others.acquire("key", once);
            equal(await lease!.commit(write("key", 5)), true);
          }
          return await signer.fetch(url, request);
        },
      }, options);
      equal((await slow.acquire("key", once)).lease, undefined);
      deepEqual((await locks.acquire("key", once)).value, write("key", 5).value);
    });

    it("leaves neither a wrong value nor a lasting lease, whichever call fails", async () => {
      for (const fate of ["before", "after"] as const) {
        for (let failAt = 1; failAt <= 4; failAt++) {
          const clock = new ManualClock();
          const { locks, backend, signer } = await readyFixture(clock);
          signer.fateOf = (call) => call === failAt ? fate : "made";
          await rejects(async () => {
            const { lease } = await locks.acquire("key", once);
            await lease!.renew(1_000);
            await lease!.commit(write("key", 5));
          }, BackendError);
          const [value] = await backend.get(["key"]);
          equal(value?.length, fate === "after" && failAt === 4 ? 5 : undefined);
          clock.set(clock.now() + 1_000);
          ok((await locks.acquire("key", once)).lease);
        }
      }
    });

    it("refuses options that make no sense, and to count beyond the safe integers", async () => {
      throws(() => dynamodbBackend(client, { host: "h", table: "ab" }), RangeError);
      throws(() => dynamodbBackend(client, {}), RangeError);
      throws(() => dynamodbLocks(client, { host: "h", timeoutMs: 0 }), RangeError);
      const { atomics } = fixtureOf(new ManualClock());
      await atomics.increment("key", Number.MAX_SAFE_INTEGER, NEVER);
      await rejects(() => atomics.increment("key", 1, NEVER), RangeError);
      await rejects(() => atomics.increment("key", 0.5, NEVER), RangeError);
      equal(await atomics.increment("key", 0, NEVER), Number.MAX_SAFE_INTEGER);
    });
  });
});

const once = { leaseMs: 1_000, waitMs: 0, enough: (): boolean => false };

function write(key: string, size: number): { key: string; value: Uint8Array; expiresAt: number } {
  return { key, value: new Uint8Array(size).fill(size % 251), expiresAt: NEVER };
}

function itemsOf(body: string, table: string): unknown[] {
  return JSON.parse(body).RequestItems[table];
}

function refusal(code: string, message: string): Response {
  return Response.json({ __type: `com.amazonaws.dynamodb#${code}`, message }, { status: 400 });
}
