// runs on: deno, node22, node24, bun, workerd
// A browser sets some of the headers itself, so a page cannot send them.
/** Uploads that come in parts: put, finalized or dropped. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { sha256Of } from "../../testing/make_wheel.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { bytesOf, packagePath, postOf, uploadForm } from "./house.ts";
import {
  COUNT,
  failingCall,
  failingReads,
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
  rest,
  untilTaken,
  WHEEL,
} from "./parts_house.ts";

describe("an upload in parts", () => {
  it("is published as any upload, its parts in any order", async () => {
    const house = newHouse();
    const { id, upload_url, part_size, parts } = await reserved(house, WHEEL);
    equal(upload_url, `https://cairn.test/upload/${id}`);
    deepEqual([part_size, parts], [PART, COUNT]);
    await putParts(house, WHEEL, { id, parts: [3, 1, ...rest(4), 2] });
    const response = await finalize(house, WHEEL, { id });
    equal(await response.text(), "OK\n");
    equal(response.status, 200);
    deepEqual(await pathsIn(house), PUBLISHED);
    const sha256 = await sha256Of(WHEEL.bytes);
    const record = await house.index.fetch(WHEEL.filename);
    deepEqual([record?.sha256, record?.sizeBytes], [sha256, WHEEL.bytes.length]);
    ok(record?.md5 && record.blake2b);
    ok((await house.index.project("demo")).isClaimed);
    const served = await house.fetch(packagePath(sha256, WHEEL.filename));
    deepEqual(await bytesOf(served), WHEEL.bytes);
    equal((await house.page("demo")).files.length, 1);
  });

  it("a part that is sent again takes the place of the former", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    equal((await putBytes(house, { id, part: 2 }, partOf(OTHER, 1))).status, 204);
    equal((await putBytes(house, { id, part: 2 }, partOf(WHEEL, 2))).status, 204);
    equal((await finalize(house, WHEEL, { id })).status, 200);
  });

  it("of two attempts at a part at once one is there afterwards", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    const attempt = () => putBytes(house, { id, part: 2 }, partOf(WHEEL, 2));
    deepEqual((await Promise.all([attempt(), attempt()])).map(({ status }) => status), [204, 204]);
    equal((await finalize(house, WHEEL, { id })).status, 200);
  });

  it("a missing part is named, and may be put then", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id, parts: [2, ...rest(4)] });
    await refusal(
      await finalize(house, WHEEL, { id }),
      400,
      new RegExp(`^Parts 1, 3 are missing, of ${COUNT}\\.$`, "m"),
    );
    await putParts(house, WHEEL, { id, parts: [3] });
    await refusal(await finalize(house, WHEEL, { id }), 400, /^Part 1 is missing/);
    await putParts(house, WHEEL, { id, parts: [1] });
    equal((await finalize(house, WHEEL, { id })).status, 200);
  });

  it("other bytes than were promised are refused, and swept with all parts", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, OTHER, { id });
    await refusal(await finalize(house, WHEEL, { id }), 400, /^The digest supplied does not match/);
    deepEqual(await pathsIn(house), []);
    deepEqual(await house.index.distinct(), []);
    await refusal(await finalize(house, WHEEL, { id }), 404, /no such upload/);
  });

  it("so are bytes that the form has another digest of, and those that are no wheel", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    const fields = { md5_digest: "0".repeat(32) };
    await refusal(await finalize(house, WHEEL, { id, fields }), 400, /^The digest supplied/);
    const junk = { ...WHEEL, bytes: WHEEL.bytes.slice().reverse() };
    const again = await reserved(house, junk);
    await putParts(house, junk, { id: again.id });
    await refusal(await finalize(house, junk, { id: again.id }), 400, /^Invalid distribution file/);
    deepEqual(await pathsIn(house), []);
  });

  it("a form that is wrong by itself leaves the parts for another one", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    const action = { ":action": "submit" };
    await refusal(await finalize(house, WHEEL, { id, fields: action }), 410, /retired/);
    const protocol = { protocol_version: "2" };
    await refusal(await finalize(house, WHEEL, { id, fields: protocol }), 400, /protocol version/);
    const whole = await postOf(await uploadForm(WHEEL));
    await refusal(await house.fetch(`/upload/${id}/finalize`, whole), 400, /more than one file/);
    const bare = { ":action": "", sha256_digest: "", protocol_version: "" };
    equal((await finalize(house, WHEEL, { id, fields: bare })).status, 200);
  });

  it("a store that fails meanwhile leaves the parts for another try", async () => {
    const { files, fail } = failingReads();
    const house = newHouse({ files: () => files });
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    fail(true);
    equal((await finalize(house, WHEEL, { id })).status, 503);
    fail(false);
    equal((await finalize(house, WHEEL, { id })).status, 200);
    deepEqual(await pathsIn(house), PUBLISHED);
  });

  it("survives the failure of any call to the store, and leaves nothing behind", async () => {
    let calls = 0;
    for (let failAt = 1; failAt === 1 || calls >= failAt; failAt++) {
      calls = 0;
      const { files, isOver } = failingCall(() => ++calls === failAt);
      const house = newHouse({ files: () => files });
      let id = "";
      const reserving = async (): Promise<Response> => {
        const response = await reserve(house, await promiseOf(WHEEL));
        if (response.status === 201) id = (await response.clone().json()).id;
        return response;
      };
      equal(await untilTaken(reserving), 201);
      for (let part = 1; part <= COUNT; part++) {
        equal(await untilTaken(() => putBytes(house, { id, part }, partOf(WHEEL, part))), 204);
      }
      equal(await untilTaken(() => finalize(house, WHEEL, { id })), 200);
      isOver();
      // What could not be removed at once is swept a day later.
      await house.clock.advance(24 * 3_600_000);
      await house.wheelhouse.scan();
      deepEqual(await pathsIn(house), PUBLISHED, `call ${failAt}`);
      equal((await house.page("demo")).files.length, 1);
    }
    ok(calls > 20);
  });

  it("two ends at once publish it once", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    const both = await Promise.all([
      finalize(house, WHEEL, { id }),
      finalize(house, WHEEL, { id }),
    ]);
    ok(both.some(({ status }) => status === 200));
    ok(both.every(({ status }) => [200, 400, 404].includes(status)));
    deepEqual(await pathsIn(house), PUBLISHED);
    equal((await reserve(house, await promiseOf(WHEEL))).status, 200);
  });

  it("goes on in another process", async () => {
    const [clock, one] = [new ManualClock(), newHouse()];
    const other = newHouse({ clock, files: () => one.files, index: one.index });
    const { id } = await reserved(one, WHEEL);
    await putParts(one, WHEEL, { id, parts: [1, 2] });
    await putParts(other, WHEEL, { id, parts: [3, ...rest(4)] });
    equal((await finalize(other, WHEEL, { id })).status, 200);
    equal((await finalize(one, WHEEL, { id })).status, 404);
  });

  it("is dropped on demand", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    equal((await remove(house, id)).status, 204);
    deepEqual(await pathsIn(house), []);
    equal((await remove(house, id)).status, 404);
    equal((await putBytes(house, { id, part: 1 }, partOf(WHEEL, 1))).status, 404);
    deepEqual(await pathsIn(house), []);
  });

  it("a part that comes while its upload is dropped does not stay", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    const reservation = await house.wheelhouse.reservations.find(undefined, id);
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await remove(house, id);
        controller.enqueue(partOf(WHEEL, 1));
        controller.close();
      },
    }, { highWaterMark: 0 });
    equal(await house.wheelhouse.reservations.put(reservation!, 1, body), false);
    deepEqual(await pathsIn(house), []);
  });
});

describe("a part", () => {
  it("must be one of the upload's, and have its length", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    for (const part of [0, COUNT + 1, -1, 1.5, "", "one", 99_999_999]) {
      const response = await putBytes(house, { id, part }, partOf(WHEEL, 1));
      await refusal(response, 400, new RegExp(`must be a number from 1 to ${COUNT}`));
    }
    for (const bytes of [partOf(WHEEL, 1).slice(1), WHEEL.bytes, new Uint8Array(0)]) {
      const response = await putBytes(house, { id, part: 1 }, bytes);
      await refusal(response, 400, /must have 1000 bytes|There is no part/);
    }
    const last = WHEEL.bytes.length - (COUNT - 1) * PART;
    const whole = await putBytes(house, { id, part: COUNT }, partOf(WHEEL, 1));
    await refusal(whole, 400, new RegExp(`^Part ${COUNT} must have ${last} bytes`));
    equal((await pathsIn(house)).length, 1);
  });

  it("that breaks off leaves the former one", async () => {
    const house = newHouse();
    const { id } = await reserved(house, WHEEL);
    await putParts(house, WHEEL, { id });
    const reservation = await house.wheelhouse.reservations.find(undefined, id);
    const broken = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("the line is dead")),
    });
    const failed = house.wheelhouse.reservations.put(reservation!, 1, broken);
    match(await failed.then(String, String), /the line is dead/);
    equal((await finalize(house, WHEEL, { id })).status, 200);
  });
});
