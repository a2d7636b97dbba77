/** Opening DynamoDB by an address. */

import { AwsClient } from "aws4fetch";
import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { dynamodbBackend, dynamodbLocks, type DynamoOptions } from "../dynamodb.ts";

/**
 * Opens `dynamodb:TABLE?region=REGION` at Amazon, or `dynamodb://HOST[:PORT]/TABLE?region=REGION`
 * elsewhere. The credentials are the arguments `accessKeyId`, `secretAccessKey` and, where there is
 * one, `sessionToken`; a `TypeError` says which is missing. It needs the package `aws4fetch`.
 */
export function openDynamodb(args: OpenerArguments): OpenedStore {
  const { url } = args;
  const region = textOf(args, "region") ?? url?.searchParams.get("region") ?? undefined;
  const table = textOf(args, "table") ?? url?.pathname.replace(/^\//, "");
  const sessionToken = textOf(args, "sessionToken");
  const client = new AwsClient({
    accessKeyId: required(args, "accessKeyId"),
    secretAccessKey: required(args, "secretAccessKey"),
    service: "dynamodb",
    region: region ?? "us-east-1",
    // Calls are made again by the backend, which knows which of them may be.
    retries: 0,
    ...sessionToken === undefined ? {} : { sessionToken },
  });
  const options: DynamoOptions = {
    ...region === undefined ? {} : { region },
    ...table ? { table } : {},
    ...url?.hostname ? { host: url.hostname, port: Number(url.port || 8_000) } : {},
    ...args["secure"] === true ? { secure: true } : {},
  };
  return {
    backend: serialized(json, dynamodbBackend(client, options)),
    locks: serializedLocks(json, dynamodbLocks(client, options)),
    close: async () => {},
  };
}

function textOf(args: OpenerArguments, name: string): string | undefined {
  const value = args[name];
  return typeof value === "string" ? value : undefined;
}

function required(args: OpenerArguments, name: string): string {
  const value = textOf(args, name);
  if (value === undefined) throw new TypeError(`Cannot open DynamoDB: "${name}" is missing`);
  return value;
}
