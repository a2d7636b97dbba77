/**
 * The tables of the index in DynamoDB: PyPICloud's two, and one of cairn's own.
 *
 * Tables are made where they are missing and never removed, so that encryption, throughput, scaling
 * and tags of those there are stay as their owner has set them.
 */

import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { type DynamoApi, type DynamoApiOptions, DynamoError } from "../dynamodb/api.ts";

/** Which tables, and how they are made where they are missing. */
export interface DynamoIndexOptions extends DynamoApiOptions {
  /** What every table's name begins with. Default: nothing. */
  readonly namespace?: string;
  /**
   * The tables of files, of summaries and of cairn's own, or only the first two. Default:
   * `["DynamoPackage", "PackageSummary", "CairnProjects"]`.
   */
  readonly tableNames?: readonly string[];
  /** Units for new tables, or none to pay by request. Default: none. */
  readonly throughput?: { readonly readUnits: number; readonly writeUnits: number };
  /** The KMS key by which new tables are encrypted. Default: Amazon's own key. */
  readonly kmsKeyId?: string;
}

/** The names of the tables. */
export interface TableNames {
  /** PyPICloud's, of files. */
  readonly files: string;
  /** PyPICloud's, of projects' summaries. */
  readonly summaries: string;
  /** cairn's. */
  readonly projects: string;
}

const usualNames = ["DynamoPackage", "PackageSummary", "CairnProjects"] as const;
const pauseMs = 500;
const polls = 600;

/** The names that options give. A `RangeError` for a wrong number of them, or names DynamoDB refuses. */
export function tableNamesOf(options: DynamoIndexOptions): TableNames {
  const { namespace = "", tableNames = usualNames } = options;
  if (tableNames.length !== 2 && tableNames.length !== 3) {
    throw new RangeError(
      `Cannot use DynamoDB: "tableNames" has ${tableNames.length} names, not 2 or 3`,
    );
  }
  const [files, summaries, projects] = [...tableNames, usualNames[2]]
    .map((name) => namespace + name) as [string, string, string];
  for (const name of [files, summaries, projects]) {
    if (/^[a-zA-Z0-9_.-]{3,255}$/.test(name)) continue;
    throw new RangeError(`Cannot use DynamoDB: it takes no table of the name "${name}"`);
  }
  return Object.freeze({ files, summaries, projects });
}

/** Makes the tables that are missing, and waits until all can be used. */
export async function openTables(
  api: DynamoApi,
  names: TableNames,
  options: DynamoIndexOptions,
): Promise<void> {
  for (const definition of definitionsOf(names, options)) {
    if (await statusOf(api, definition.TableName) === undefined) await create(api, definition);
  }
  const { clock = systemClock } = options;
  for (const name of Object.values(names)) await isActive(api, name, clock);
}

interface Definition {
  readonly TableName: string;
  readonly [setting: string]: unknown;
}

async function create(api: DynamoApi, definition: Definition): Promise<void> {
  try {
    await api.call("CreateTable", definition);
  } catch (error) {
    // Somebody else was faster.
    if (!(error instanceof DynamoError && error.code === "ResourceInUseException")) throw error;
  }
}

async function isActive(api: DynamoApi, name: string, clock: Clock): Promise<void> {
  for (let poll = 0; poll < polls; poll++) {
    const status = await statusOf(api, name);
    if (status === "ACTIVE" || status === "UPDATING") return;
    await clock.sleep(pauseMs);
  }
  throw new Error(`The table "${name}" did not come up within ${polls * pauseMs} ms`);
}

async function statusOf(api: DynamoApi, name: string): Promise<string | undefined> {
  try {
    const described = await api.call<{ Table: { TableStatus: string } }>("DescribeTable", {
      TableName: name,
    });
    return described.Table.TableStatus;
  } catch (error) {
    if (error instanceof DynamoError && error.code === "ResourceNotFoundException") {
      return undefined;
    }
    throw error;
  }
}

function definitionsOf(names: TableNames, options: DynamoIndexOptions): Definition[] {
  const { throughput, kmsKeyId } = options;
  const units = throughput && {
    ReadCapacityUnits: throughput.readUnits,
    WriteCapacityUnits: throughput.writeUnits,
  };
  const paid = units ? { ProvisionedThroughput: units } : {};
  const made = {
    BillingMode: units ? "PROVISIONED" : "PAY_PER_REQUEST",
    ...paid,
    ...kmsKeyId && {
      SSESpecification: { Enabled: true, SSEType: "KMS", KMSMasterKeyId: kmsKeyId },
    },
  };
  const byName = {
    IndexName: "name-index",
    KeySchema: keys("name"),
    Projection: { ProjectionType: "ALL" },
    ...paid,
  };
  return [
    {
      TableName: names.files,
      KeySchema: keys("filename"),
      AttributeDefinitions: texts("filename", "name"),
      GlobalSecondaryIndexes: [byName],
      ...made,
    },
    {
      TableName: names.summaries,
      KeySchema: keys("name"),
      AttributeDefinitions: texts("name"),
      ...made,
    },
    {
      TableName: names.projects,
      KeySchema: keys("name", "filename"),
      AttributeDefinitions: texts("name", "filename"),
      ...made,
    },
  ];
}

function keys(hash: string, range?: string): unknown[] {
  const first = { AttributeName: hash, KeyType: "HASH" };
  return range === undefined ? [first] : [first, { AttributeName: range, KeyType: "RANGE" }];
}

function texts(...names: string[]): unknown[] {
  return names.map((name) => ({ AttributeName: name, AttributeType: "S" }));
}
