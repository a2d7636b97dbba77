import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { nullBackend } from "../../../backends/null.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { isEqualData } from "../../../src/memory/equality.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { atomicsFailureCase, atomicsSuite } from "../../conformance/atomics_suite.ts";
import { backendSuite, failureCase, ioCase } from "../../conformance/backend_suite.ts";
import { byteSamples, entrySamples } from "../../conformance/cases.ts";
import { listingFailureCase, listingSuite } from "../../conformance/listing_suite.ts";

const reason = "there is nothing outside this process that could be asked or fail";
const backendSkips = [{ case: ioCase, reason }, { case: failureCase, reason }];
const atomicsSkips = [{ case: atomicsFailureCase, reason }];
const listingSkips = [{ case: listingFailureCase, reason }];

for (const [kind, samples] of [["bytes", byteSamples], ["entries", entrySamples]] as const) {
  backendSuite<unknown>(
    `memory, ${kind}`,
    (clock) => ({ backend: memoryBackend({ clock }) }),
    { samples, skips: backendSkips },
  );
  atomicsSuite<unknown>(`memory, ${kind}`, (clock) => {
    const store = memoryBackend<unknown>({ clock });
    return { backend: store, atomics: store };
  }, { samples, skips: atomicsSkips });
  listingSuite<unknown>(`memory, ${kind}`, (clock) => {
    const store = memoryBackend<unknown>({ clock });
    const clutter = async (key: string): Promise<void> => void await store.increment(key, 1, NEVER);
    return { backend: store, listing: store, clutter };
  }, { samples, skips: listingSkips });
}

describe("memoryBackend", () => {
  it("removes a counter with its key", async () => {
    const store = memoryBackend<string>();
    await store.increment("k", 5, NEVER);
    await store.delete(["k"]);
    equal(await store.increment("k", 0, NEVER), 0);
  });
});

describe("nullBackend", () => {
  it("stores nothing and says so", async () => {
    const store = nullBackend<string>();
    const write = { key: "k", value: "v", expiresAt: NEVER };
    await store.set([write]);
    deepEqual(await store.get(["k", "k"]), [undefined, undefined]);
    await store.delete(["k"]);
    deepEqual([await store.add(write), await store.add(write)], [true, true]);
    equal(await store.replace(write), false);
    deepEqual([await store.increment("k", 2, NEVER), await store.increment("k", 2, NEVER)], [2, 2]);
    equal(await store.touch("k", NEVER), false);
    equal(await store.deleteIf("k", "v"), false);
  });
});

describe("isEqualData", () => {
  const same: [unknown, unknown][] = [
    [NaN, NaN],
    [{ a: [1, { b: null }] }, { a: [1, { b: null }] }],
    [Uint8Array.of(1, 2), Uint8Array.of(1, 2)],
    [new Date(5), new Date(5)],
    [new Map([["a", [1]]]), new Map([["a", [1]]])],
    [new Set([1, 2]), new Set([1, 2])],
  ];
  const different: [unknown, unknown][] = [
    [0, -0],
    [1, "1"],
    [null, {}],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: undefined }, { b: undefined }],
    [[1], [1, 2]],
    [[], {}],
    [Uint8Array.of(1), Uint8Array.of(2)],
    [new Date(5), new Date(6)],
    [new Map([["a", 1]]), new Map([["a", 2]])],
    [new URL("http://a/"), new URL("http://a/")],
  ];

  it("compares plain data by its content", () => {
    for (const [a, b] of same) equal(isEqualData(a, b), true, String(a));
    for (const [a, b] of different) equal(isEqualData(a, b), false, String(a));
  });
});
