/** Marks lie in the store of a region's values, whatever its codec and framing take. */

import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { bytes } from "../../../src/compose/bytes_codec.ts";
import { rawFraming } from "../../../src/compose/raw_frame.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { makeRegion } from "../../../src/region/region.ts";

const VALUE = Uint8Array.of(1, 2, 3);

describe("marks beside values of any kind", () => {
  it("an invalidation reaches another process through a codec that takes nothing but bytes", async () => {
    const store = memoryBackend<Uint8Array>();
    const unread: unknown[] = [];
    const backend = serialized(bytes, store, { onUnreadable: (report) => unread.push(report) });
    const one = makeRegion({ backend, marksMaxAgeMs: 0 });
    const other = makeRegion({ backend, marksMaxAgeMs: 0 });
    await one.getOrCreate("key", () => VALUE);
    deepEqual(await other.get("key"), VALUE);
    await one.invalidate();
    equal(await other.get("key"), undefined);
    deepEqual(unread, []);
  });

  it("values without any metadata go on being read beside marks", async () => {
    const backend = serialized(bytes, memoryBackend<Uint8Array>(), { framing: rawFraming() });
    const region = makeRegion({ backend, marksMaxAgeMs: 0 });
    await region.getOrCreate("key", () => VALUE);
    deepEqual(await region.get("key"), VALUE);
  });
});
