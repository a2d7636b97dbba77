// runs on: deno, node22, node24, bun, workerd
// A browser sets some of the headers itself, so a page cannot send them.
/** What is reserved for uploads in parts, for whom, and for how long. */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryFiles } from "../../../backends/memory_files.ts";
import { makeWheel } from "../../testing/make_wheel.ts";
import {
  COUNT,
  finalize,
  newHouse,
  OTHER,
  PART,
  partOf,
  pathsIn,
  promiseOf,
  PUBLISHED,
  putBytes,
  putParts,
  refusal,
  remove,
  reserve,
  reserved,
  WHEEL,
} from "./parts_house.ts";
import { bound } from "./upstreams.ts";
import { as, houseWith } from "./rights_house.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe("a reservation", () => {
  it("of a file that is there needs no parts; of other bytes by its name there is none", async () => {
    const house = newHouse();
    await house.upload(WHEEL);
    const response = await reserve(house, await promiseOf(WHEEL));
    equal(response.status, 200);
    deepEqual(await response.json(), await promiseOf(WHEEL));
    await refusal(await reserve(house, await promiseOf(OTHER)), 400, /^File already exists/);
    deepEqual(await pathsIn(house), PUBLISHED);
  });

  it("the first writer wins also against parts that are all there", async () => {
    const house = newHouse();
    const { id } = await reserved(house, OTHER);
    await putParts(house, OTHER, { id });
    await house.upload(WHEEL);
    await refusal(await finalize(house, OTHER, { id }), 400, /^File already exists/);
    deepEqual(await pathsIn(house), PUBLISHED);
  });

  it("needs a name, a digest and a length", async () => {
    const house = newHouse();
    const promise = await promiseOf(WHEEL);
    const wrong = [
      [{ ...promise, filename: "demo.exe" }, /^Invalid filename/],
      [{ ...promise, filename: "../demo-1.0.tar.gz" }, /^Invalid filename/],
      [{ ...promise, filename: undefined }, /"filename"/],
      [{ ...promise, sha256: "abc" }, /"sha256"/],
      [{ ...promise, size: 0 }, /"size"/],
      [{ ...promise, size: 1.5 }, /"size"/],
      [{ ...promise, size: "1000" }, /"size"/],
      [{ ...promise, more: "x".repeat(5_000) }, /too long/],
      ["text", /"filename"/],
      [null, /"filename"/],
    ] as const;
    for (const [stated, reason] of wrong) await refusal(await reserve(house, stated), 400, reason);
    const text = { method: "POST", body: "{" };
    await refusal(await house.fetch("/upload/reserve", text), 400, /^Malformed/);
    await refusal(await house.fetch("/upload/reserve", { method: "POST" }), 400, /as JSON/);
    deepEqual(await pathsIn(house), []);
  });

  it("keeps to the largest file of its project, and to its status", async () => {
    const rules = {
      maxUploadBytes: { demo: 2_000 },
      statuses: { old: { status: "archived" } },
    } as const;
    const house = newHouse({ rules, app: { uploads: { partBytes: PART, maxBytes: 100_000 } } });
    await refusal(
      await reserve(house, await promiseOf(WHEEL)),
      413,
      /^File too large. Limit for project 'demo' is 2000 bytes/,
    );
    const promise = await promiseOf(WHEEL);
    const large = { ...promise, filename: "free-1.0.tar.gz", size: 100_001 };
    await refusal(await reserve(house, large), 413, /^File too large. The limit is 100000 bytes/);
    const closed = { ...promise, filename: "old-1.0.tar.gz" };
    await refusal(await reserve(house, closed), 403, /'old' is archived/);
    equal((await reserve(house, { ...large, size: 100_000 })).status, 201);
  });

  it("has 10,000 parts at most", async () => {
    const house = newHouse();
    const promise = await promiseOf(WHEEL);
    equal((await reserve(house, { ...promise, size: 10_000 * PART })).status, 201);
    await refusal(await reserve(house, { ...promise, size: 10_000 * PART + 1 }), 413, /too large/);
  });

  it("a user has 16 of them at most, and another one after one has ended", async () => {
    const house = newHouse();
    const ids: string[] = [];
    for (let count = 0; count < 16; count++) ids.push((await reserved(house, WHEEL)).id);
    await refusal(await reserve(house, await promiseOf(WHEEL)), 429, /16 uploads under way/);
    equal((await pathsIn(house)).length, 16);
    equal((await remove(house, ids[3]!)).status, 204);
    await reserved(house, WHEEL);
    equal((await reserve(house, await promiseOf(WHEEL))).status, 429);
    await house.clock.advance(DAY_MS);
    await reserved(house, WHEEL);
  });

  it("many at once are never more than 16, too", async () => {
    const house = newHouse();
    const promise = await promiseOf(WHEEL);
    const all = await Promise.all(Array.from({ length: 24 }, () => reserve(house, promise)));
    const taken = all.filter(({ status }) => status === 201).length;
    equal(all.filter(({ status }) => status === 429).length, 24 - taken);
    equal((await pathsIn(house)).length, taken);
    ok(taken <= 16);
  });

  it("a length of parts that makes no sense is refused at once", () => {
    for (const partBytes of [0, -1, 1.5, NaN, 67_108_865]) {
      throws(() => newHouse({ app: { uploads: { partBytes } } }), RangeError);
    }
  });
});

describe("rights", () => {
  const rights = { projects: { demo: { write: ["user:anna", "user:bert"] } }, write: [] } as const;
  const options = { app: { uploads: { partBytes: PART } } };

  it("an upload is there only for the user who reserved it", async () => {
    const house = houseWith(rights, options);
    const [anna, bert] = [as("anna"), as("bert")];
    const { id } = await reserved(house, WHEEL, anna);
    equal((await putBytes(house, { id, part: 1 }, partOf(WHEEL, 1), bert)).status, 404);
    equal((await finalize(house, WHEEL, { id, headers: bert })).status, 404);
    equal((await remove(house, id, bert)).status, 404);
    await putParts(house, WHEEL, { id, headers: anna });
    equal((await finalize(house, WHEEL, { id, headers: anna })).status, 200);
    equal((await house.index.fetch(WHEEL.filename))?.uploader, "anna");
  });

  it("are those of uploads", async () => {
    const house = houseWith(rights, options);
    equal((await reserve(house, await promiseOf(WHEEL))).status, 401);
    const foreign = makeWheel({ name: "other", version: "1.0" });
    await refusal(await reserve(house, await promiseOf(foreign), as("anna")), 403, /not allowed/);
    equal((await reserve(house, await promiseOf(WHEEL), as("carl"))).status, 403);
    equal((await putBytes(house, { id: "x", part: 1 }, partOf(WHEEL, 1))).status, 401);
    // What the archive says of itself counts, not the name that was reserved.
    const disguised = { ...foreign, filename: WHEEL.filename };
    const { id } = await reserved(house, disguised, as("anna"));
    for (let part = 1; part <= Math.ceil(foreign.bytes.length / PART); part++) {
      await putBytes(house, { id, part }, partOf(foreign, part), as("anna"));
    }
    const response = await finalize(house, disguised, { id, headers: as("anna") });
    equal(response.status, 400, await response.text());
    deepEqual(await pathsIn(house), []);
  });
});

describe("parts on their way", () => {
  it("are no packages: nothing lists, reloads or counts them", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    const report = { unchanged: 0, taken: 0, removed: 0, skipped: 0 };
    deepEqual(await house.wheelhouse.scan(), report);
    deepEqual(await house.index.distinct(), []);
    equal((await finalize(house, WHEEL, { id })).status, 200);
  });

  it("are stale after 24 hours, and swept by the next reservation", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    await house.clock.advance(DAY_MS - 1);
    equal((await putBytes(house, { id, part: 1 }, partOf(WHEEL, 1))).status, 204);
    await house.clock.advance(1);
    equal((await finalize(house, WHEEL, { id })).status, 404);
    const young = await reserved(house, WHEEL);
    await Promise.all(house.background);
    const paths = await pathsIn(house);
    equal(paths.length, 1);
    ok(paths[0]!.endsWith(young.id));
  });

  it("or by the next scan, which leaves those that are not", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    await house.clock.advance(20 * HOUR_MS);
    const young = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id: young.id });
    await house.clock.advance(4 * HOUR_MS);
    deepEqual(await house.wheelhouse.scan(), { unchanged: 0, taken: 0, removed: 0, skipped: 0 });
    const paths = await pathsIn(house);
    equal(paths.length, 1 + COUNT);
    ok(paths.every((path) => path.includes(young.id)));
    equal((await finalize(house, WHEEL, { id: young.id })).status, 200);
  });

  it("a sweep that fails is logged and hinders nobody", async () => {
    const files = memoryFiles();
    const house = newHouse({
      files: () => ({
        ...bound(files),
        list: (options) =>
          options.cursor === "uploads.pending/"
            ? Promise.reject(new Error("no listing"))
            : files.list(options),
      }),
    });
    await reserved(house, WHEEL);
    await Promise.all(house.background);
    ok(house.logged.some(({ message }) => message.startsWith("Cannot sweep uploads")));
  });
});
