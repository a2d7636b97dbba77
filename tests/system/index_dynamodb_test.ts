/** The index on Amazon's own DynamoDB Local. */

import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { AwsClient } from "aws4fetch";
import { dynamodbIndex, type DynamoIndexOptions } from "../../backends/index_dynamodb.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { IndexCache, PackageFile, ProjectSummary } from "../../src/contracts/index_cache.ts";
import {
  fullRecord,
  type IndexCacheFixture,
  recordOf,
} from "../conformance/index_cache_fixture.ts";
import { indexCacheSuite } from "../conformance/index_cache_suite.ts";
import { dynamodb } from "../services/dynamodb.ts";
import type { Server } from "../services/server.ts";

/** What a request to read says of its consistency. */
interface DynamoRead {
  readonly ConsistentRead?: boolean;
  readonly IndexName?: string;
  readonly RequestItems?: Readonly<Record<string, DynamoRead>>;
}

describe("DynamoDB Local", { skip: dynamodb.missing }, () => {
  let server: Server;
  let spaces = 0;
  before(async () => void (server = await dynamodb.start()));
  after(() => server.stop());

  const signer = (): AwsClient =>
    new AwsClient({
      accessKeyId: "test",
      secretAccessKey: "test",
      region: "eu-central-1",
      service: "dynamodb",
      retries: 0,
    });
  const place = (namespace: string): DynamoIndexOptions => ({
    host: "127.0.0.1",
    port: server.port,
    namespace,
    timeoutMs: 60_000,
  });
  const call = async (name: string, input: unknown): Promise<Record<string, unknown>> => {
    const response = await signer().fetch(`http://127.0.0.1:${server.port}/`, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `DynamoDB_20120810.${name}`,
      },
      body: JSON.stringify(input),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(JSON.stringify(answer));
    return answer;
  };
  const fresh = (): string => `space${++spaces}.`;

  indexCacheSuite("dynamodb", (): IndexCacheFixture => {
    const options = place(fresh());
    let isDown = false;
    const breakable = signer();
    const fetch: AwsClient["fetch"] = (...args) =>
      isDown ? Promise.reject(new Error("connection refused")) : breakable.fetch(...args);
    return {
      index: dynamodbIndex({ fetch }, options),
      other: dynamodbIndex(signer(), options),
      breakStore: () => void (isDown = true),
    };
  }, { layout: "dynamodb" });

  it("P-053: writes PyPICloud's items to the letter, and leaves none of what is cleared", async () => {
    const namespace = fresh();
    const index = dynamodbIndex(signer(), place(namespace));
    const record = { ...fullRecord, uploadedAt: 1_700_000_000_500 };
    await index.save(record);
    const files = { TableName: `${namespace}DynamoPackage` };
    const summaries = { TableName: `${namespace}PackageSummary` };
    const { Items } = await call("Query", {
      ...files,
      IndexName: "name-index",
      KeyConditionExpression: "#name = :name",
      ExpressionAttributeNames: { "#name": "name" },
      ExpressionAttributeValues: { ":name": { S: "demo" } },
    });
    const [{ data, ...item }] = Items as [Record<string, { M: Record<string, unknown> }>];
    deepEqual(item, {
      filename: { S: record.filename },
      name: { S: "demo" },
      version: { S: "2.0rc1" },
      last_modified: { N: "1700000000.5" },
      summary: { S: record.summary },
    });
    deepEqual(data!.M.hash_sha256, { S: record.sha256 });
    deepEqual(data!.M.requires_python, { S: record.requiresPython });
    const [summary] = (await call("Scan", summaries)).Items as [Record<string, unknown>];
    deepEqual(summary.last_modified, { N: "1700000000.5" });
    deepEqual(summary.summary, { S: record.summary });
    await index.clear(record.filename);
    deepEqual((await call("Scan", files)).Items, []);
    deepEqual((await call("Scan", summaries)).Items, []);
  });

  /** An index whose calls are named, and held up by what a test does before they are made. */
  function watched(namespace: string): {
    readonly index: IndexCache;
    readonly names: string[];
    before: (name: string) => Promise<void>;
  } {
    const real = signer();
    const names: string[] = [];
    const watching = { names, before: (_: string): Promise<void> => Promise.resolve() };
    const fetch: AwsClient["fetch"] = async (address, init) => {
      const target = new Headers(init?.headers).get("x-amz-target")!;
      const name = target.slice(target.indexOf(".") + 1);
      names.push(name);
      await watching.before(name);
      return await real.fetch(address, init);
    };
    return Object.assign(watching, { index: dynamodbIndex({ fetch }, place(namespace)) });
  }

  const versionsOf = (count: number): PackageFile[] =>
    Array.from({ length: count }, (_, at) => recordOf("demo", `1.${at}`));

  it("reads a project and its files once for all the transactions of a save", async () => {
    const { index, names } = watched(fresh());
    await index.serial();
    for (const files of [versionsOf(200), versionsOf(200)]) {
      names.length = 0;
      await index.saveMany(files);
      const count = (name: string): number => names.filter((one) => one === name).length;
      deepEqual(["BatchGetItem", "Query", "TransactWriteItems"].map(count), [2, 1, 5]);
    }
    deepEqual(await index.project("demo"), { serial: 10, isClaimed: false });
    equal((await index.all("demo")).files.length, 200);
  });

  it("thinks a save out anew where somebody else changes the project in its midst", async () => {
    const namespace = fresh();
    const watching = watched(namespace);
    const other = dynamodbIndex(signer(), place(namespace));
    let transactions = 0;
    watching.before = async (name) => {
      if (name !== "TransactWriteItems" || ++transactions !== 3) return;
      await other.saveMany([recordOf("demo", "9.0"), recordOf("demo", "1.150")]);
      await other.clear(recordOf("demo", "1.10").filename);
    };
    await watching.index.saveMany(versionsOf(200));
    const { files, serial } = await other.all("demo");
    deepEqual([files.length, serial], [200, 7]);
    const [{ version }] = await other.summary() as [ProjectSummary];
    equal(version, "9.0");
    equal(await other.fetch(recordOf("demo", "1.10").filename), undefined);
    // One is refused for the project, and one for the file that it was to find as it was not.
    equal(transactions, 5 + 2);
  });

  it("PX-06: what is read is never late: no index by name, and every read consistent", async () => {
    const real = signer();
    const late: string[] = [];
    const reads: Record<string, number> = {};
    const fetch: AwsClient["fetch"] = (address, init) => {
      const name = new Headers(init?.headers).get("x-amz-target")!.replace(/^.*\./, "");
      const input = JSON.parse(String(init?.body)) as DynamoRead;
      const asked = name === "BatchGetItem" ? Object.values(input.RequestItems ?? {}) : [input];
      if (/^(Query|Scan|GetItem|BatchGetItem)$/.test(name)) {
        reads[name] = (reads[name] ?? 0) + 1;
        for (const { ConsistentRead, IndexName } of asked) {
          if (!ConsistentRead || IndexName !== undefined) late.push(`${name} ${init?.body}`);
        }
      }
      return real.fetch(address, init);
    };
    const index = dynamodbIndex({ fetch }, place(fresh()));
    await index.saveMany([recordOf("demo"), recordOf("demo", "2.0"), recordOf("other")]);
    for (const version of ["1.0", "2.0"]) await index.clear(recordOf("demo", version).filename);
    deepEqual((await index.summary()).map(({ project }) => project), ["other"]);
    deepEqual([(await index.all("demo")).files, await index.distinct()], [[], ["other"]]);
    await index.search({ names: ["o"], operator: "or" });
    await index.list({ limit: 10 });
    await index.project("demo");
    deepEqual(late, []);
    deepEqual(Object.keys(reads).sort(), ["BatchGetItem", "GetItem", "Query", "Scan"]);
  });

  it("P-063 PX-19: tables that are there keep their settings, whatever is cleared", async () => {
    const namespace = fresh();
    const throughput = { readUnits: 7, writeUnits: 7 };
    await dynamodbIndex(signer(), { ...place(namespace), throughput }).save(recordOf("demo"));
    const index = dynamodbIndex(signer(), place(namespace));
    const described = async (): Promise<string> =>
      JSON.stringify(
        await Promise.all(["DynamoPackage", "PackageSummary", "CairnProjects"].map(async (name) => {
          const { Table } = await call("DescribeTable", { TableName: namespace + name });
          const { TableId, CreationDateTime, ProvisionedThroughput, GlobalSecondaryIndexes } =
            Table as Record<string, unknown>;
          const [byName] = (GlobalSecondaryIndexes ?? [{}]) as Record<string, unknown>[];
          const units = byName?.ProvisionedThroughput;
          return { TableId, CreationDateTime, ProvisionedThroughput, units };
        })),
      );
    const before = await described();
    equal(before.match(/"WriteCapacityUnits":7/g)?.length, 4);
    await index.saveMany([recordOf("demo", "2.0"), recordOf("other")]);
    await index.clearAll();
    deepEqual(await index.distinct(), []);
    equal(await described(), before);
  });

  it("reads PyPICloud's tables and completes their items in place", async () => {
    const namespace = fresh();
    const index = dynamodbIndex(signer(), place(namespace));
    await index.serial();
    const filename = "demo-1.0.tar.gz";
    const item = { filename: { S: filename }, name: { S: "demo" }, version: { S: "1.0" } };
    const old = { ...item, last_modified: { N: "5.5" }, data: { M: { uploader: { S: "zoe" } } } };
    await call("PutItem", { TableName: `${namespace}DynamoPackage`, Item: old });
    const summary = { name: { S: "demo" }, last_modified: { N: "5.5" } };
    await call("PutItem", { TableName: `${namespace}PackageSummary`, Item: summary });
    deepEqual(await index.distinct(), []);
    equal(await index.fetch(filename), undefined);
    deepEqual(await index.summary(), []);
    const given = recordOf("demo", "1.0", { filename, summary: "new" });
    const complete = { ...given, uploader: "zoe" };
    deepEqual(await index.add(given), complete);
    deepEqual(await index.add({ ...given, sizeBytes: 1 }), complete);
    deepEqual((await index.all("demo")).files, [complete]);
    equal((await index.summary())[0]?.summary, "new");
    await call("PutItem", { TableName: `${namespace}PackageSummary`, Item: summary });
    deepEqual(await index.distinct(), ["demo"]);
    equal((await index.summary())[0]?.summary, "new");
  });

  it("refuses a table of a newer schema and names both versions", async () => {
    const namespace = fresh();
    await dynamodbIndex(signer(), place(namespace)).save(recordOf("demo"));
    await call("UpdateItem", {
      TableName: `${namespace}CairnProjects`,
      Key: { name: { S: "#index" }, filename: { S: "#state" } },
      UpdateExpression: "SET schema_version = :newer",
      ExpressionAttributeValues: { ":newer": { N: "2" } },
    });
    const index = dynamodbIndex(signer(), place(namespace));
    await rejects(() => index.all("demo"), BackendError);
    match((await index.checkHealth()).reason, /schema 2, .* knows 1/);
  });

  it("refuses options that make no sense, at once", () => {
    const refused: DynamoIndexOptions[] = [
      {},
      { region: "" },
      { region: "eu-central-1", tableNames: ["One"] },
      { region: "eu-central-1", tableNames: ["One", "Two", "Three", "Four"] },
      { region: "eu-central-1", tableNames: ["One!", "Two"] },
      { region: "eu-central-1", timeoutMs: 0 },
    ];
    for (const options of refused) throws(() => dynamodbIndex(signer(), options), RangeError);
    ok(dynamodbIndex(signer(), { region: "eu-central-1", tableNames: ["One", "Two"] }));
  });
});
