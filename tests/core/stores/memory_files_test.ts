import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryFiles } from "../../../backends/memory_files.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import { bytesRead, expectedOf, streamOf, textBytes } from "../../conformance/file_bodies.ts";
import { fileFailureCase } from "../../conformance/file_store_reading.ts";
import { fileStoreSuite } from "../../conformance/file_store_suite.ts";
import { ManualClock } from "../../testing/manual_clock.ts";

fileStoreSuite("memory", (clock) => {
  const store = memoryFiles({ clock });
  return { store, other: store };
}, { skips: [{ case: fileFailureCase, reason: "memory cannot fail" }] });

describe("memoryFiles", () => {
  it("takes its capacity and not a byte more, staged or put", async () => {
    const files = memoryFiles({ capacityBytes: 10 });
    const six = textBytes("sixsix");
    equal(await files.put("six", streamOf(six), await expectedOf(six)), "stored");
    const staged = await files.stage(streamOf(textBytes("fiver")), 100);
    await rejects(() => staged.publish("five"), BackendError);
    equal(await files.head("five"), undefined);
    await files.delete("six");
    equal(await staged.publish("five"), "stored");
  });

  it("refuses a capacity that is no number of bytes", () => {
    for (const capacityBytes of [-1, 0.5, NaN]) {
      throws(() => memoryFiles({ capacityBytes }), RangeError);
    }
  });

  it("is not changed by what a reader does to its chunks", async () => {
    const files = memoryFiles();
    const bytes = textBytes("unchanged");
    await files.put("file", streamOf(bytes), await expectedOf(bytes));
    const { value } = await (await files.read("file"))!.body.getReader().read();
    value!.fill(0);
    bytes.fill(0);
    deepEqual(await bytesRead(await files.read("file")), textBytes("unchanged"));
  });

  it("takes modifiedAt from its clock", async () => {
    const clock = new ManualClock(5_000);
    const files = memoryFiles({ clock });
    const staged = await files.stage(streamOf(textBytes("x")), 1);
    await clock.advance(70);
    await staged.publish("x");
    equal((await files.head("x"))?.modifiedAt, 5_070);
  });
});
