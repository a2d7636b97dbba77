import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryIndex } from "../../../backends/index_memory.ts";
import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { IndexCache } from "../../../src/contracts/index_cache.ts";
import { House } from "./house.ts";
import { bound } from "./upstreams.ts";

const SECRET = "connect ECONNREFUSED 10.1.2.3:5432 as admin";
const PATHS = ["/health", "/-/ready"];

const failing = (): Promise<never> => Promise.reject(new BackendError("store", "head", SECRET));

function sickIndex(): IndexCache {
  const sick = { isHealthy: false, reason: SECRET };
  return new Proxy(memoryIndex(), {
    get: (_, name) => name === "checkHealth" ? () => Promise.resolve(sick) : failing,
  });
}

describe("health", () => {
  it("I-220: is never cached, and fails when the table or the files are gone", async () => {
    const houses: [House, number][] = [
      [new House(), 200],
      [new House({ index: sickIndex() }), 503],
      [new House({ files: (clock) => ({ ...bound(memoryFiles({ clock })), head: failing }) }), 503],
    ];
    for (const [house, status] of houses) {
      for (const path of PATHS) {
        for (const method of ["GET", "HEAD"]) {
          const response = await house.fetch(path, { method });
          equal(response.status, status, path);
          equal(response.headers.get("cache-control"), "no-store");
          const isText = method === "GET" && status === 200;
          equal((await response.text()) === "Ok\n", isText, `${method} ${path} ${status}`);
        }
      }
    }
  });

  it("tells the public which part fails, and only the log why", async () => {
    const index = new House({ index: sickIndex() });
    const files = new House({
      files: (clock) => ({ ...bound(memoryFiles({ clock })), head: failing }),
    });
    const texts: string[] = [];
    for (const house of [index, files]) {
      const response = await house.fetch("/health");
      ok(!response.statusText.includes(SECRET));
      texts.push(await response.text());
      ok(house.logged.some(({ level, message }) => level === "error" && message.includes(SECRET)));
    }
    deepEqual(texts, ["The index does not answer.\n", "The file store does not answer.\n"]);
  });
});
