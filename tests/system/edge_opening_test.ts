/** Opening SQLite, Deno KV, DynamoDB and nothing by address, as configurations do. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openers } from "../../backends/openers.ts";
import type { FlatConfig } from "../../src/region/config.ts";
import { readConfig } from "../../src/region/config_reader.ts";
import { registerBackend } from "../../src/region/registry.ts";
import { makeRegion } from "../../src/region/region.ts";
import { dynamodb } from "../services/dynamodb.ts";

for (const [name, load] of openers) registerBackend(name, load);

/** Two regions over one address find what the other has made, and their creations exclude each other. */
async function shares(config: FlatConfig): Promise<void> {
  const [one, other] = [makeRegion(), makeRegion()];
  await one.configureFromConfig(config);
  await other.configureFromConfig(config);
  let creations = 0;
  const create = (): number => ++creations;
  equal(await one.getOrCreate("key", create), 1);
  equal(await other.getOrCreate("key", create), 1);
  await other.delete("key");
  equal(await one.get("key"), undefined);
  ok((await readConfig(config, "")).locks, "it has locks of its own");
}

describe("opening by address", () => {
  let folder: string;
  before(async () => void (folder = await mkdtemp(join(tmpdir(), "cairn-opening-"))));
  after(() => rm(folder, { recursive: true }));

  it("an SQLite file", async () => {
    await shares({ "backend": `sqlite:${join(folder, "entries.db")}` });
    await rejects(() => makeRegion().configureFromConfig({ "backend": "sqlite:" }), TypeError);
  });

  it("a Deno KV file", async () => {
    await shares({ "backend": `deno-kv:${join(folder, "kv.db")}` });
  });

  it("nothing", async () => {
    const region = makeRegion();
    await region.configureFromConfig({ "backend": "null:" });
    await region.set("key", 1);
    deepEqual([region.backend.name, await region.get("key")], ["null", undefined]);
  });

  it("a DynamoDB table", { skip: dynamodb.missing }, async () => {
    const server = await dynamodb.start();
    const credentials = {
      "arguments.accessKeyId": "test",
      "arguments.secretAccessKey": "test",
    };
    try {
      const backend = `dynamodb://127.0.0.1:${server.port}/pages?region=eu-central-1`;
      await shares({ backend, ...credentials });
      await rejects(
        () => makeRegion().configureFromConfig({ backend }),
        /"accessKeyId" is missing/,
      );
    } finally {
      await server.stop();
    }
  });
});
