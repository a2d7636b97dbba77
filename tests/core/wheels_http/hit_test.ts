import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryIndex } from "../../../backends/index_memory.ts";
import type { PackageFile } from "../../../src/contracts/index_cache.ts";
import { bytesOf, House, JSON_TYPE } from "./house.ts";

/** Runs something, and answers how often JSON was read and written meanwhile. */
async function jsonCalls(work: () => Promise<unknown>): Promise<number> {
  const { parse, stringify } = JSON;
  let calls = 0;
  JSON.parse = (...args: Parameters<typeof parse>) => {
    calls++;
    return parse(...args);
  };
  JSON.stringify = ((...args: Parameters<typeof stringify>) => {
    calls++;
    return stringify(...args);
  }) as typeof stringify;
  try {
    await work();
    return calls;
  } finally {
    Object.assign(JSON, { parse, stringify });
  }
}

function recordsOf(count: number): PackageFile[] {
  return Array.from({ length: count }, (_, at) => {
    const filename = `demo-1.${at}-py3-none-any.whl`;
    return {
      ...{ filename, project: "demo", version: `1.${at}`, uploadedAt: 1_700_000_000_000 + at },
      ...{ sizeBytes: 1, sha256: at.toString(16).padStart(64, "0"), path: `demo/${filename}` },
    };
  });
}

describe("a page of 5,000 files that is kept", () => {
  it("I-165: is sent without reading or writing any JSON, in every form and packing", async () => {
    const index = memoryIndex();
    await index.saveMany(recordsOf(5_000));
    await index.claim("demo", true);
    const house = new House({ index });
    for (const accept of [JSON_TYPE, "text/html"]) {
      for (const packing of ["gzip", "identity"]) {
        const headers = { accept, "accept-encoding": packing };
        let first = new Uint8Array();
        equal(
          await jsonCalls(async () => {
            first = await bytesOf(await house.fetch("/simple/demo/", { headers }));
          }) > 0,
          accept === JSON_TYPE && packing === "gzip",
          "the JSON is written once, and packed from that",
        );
        const again = async (): Promise<void> => {
          const response = await house.fetch("/simple/demo/", { headers });
          equal(response.headers.get("content-encoding") ?? "identity", packing);
          deepEqual(await bytesOf(response), first);
        };
        equal(await jsonCalls(again), 0, `${accept}, ${packing}`);
      }
    }
  });
});
