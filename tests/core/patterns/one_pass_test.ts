import { deepEqual, equal, notEqual, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import type { Write } from "../../../src/contracts/backend.ts";
import { NEVER } from "../../../src/contracts/clock.ts";
import { OnePass } from "../../../src/patterns/one_pass.ts";
import { OnePassHandler } from "../../../src/patterns/one_pass_handler.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

const TEN_SECONDS = 10_000;

function makeDoor() {
  const clock = new ManualClock();
  const store = new ModelStore<string>(clock);
  const makePass = () => new OnePass(store, "door", { ttlMs: TEN_SECONDS, clock });
  return { clock, store, makePass };
}

describe("OnePass", () => {
  it("W-090: enter answers the pass itself, acquired, under the key for ten seconds", async () => {
    const { clock, store, makePass } = makeDoor();
    const adds: Write<string>[] = [];
    const recording = {
      ...store,
      add: (write: Write<string>) => {
        adds.push(write);
        return store.add(write);
      },
    } as typeof store;
    const pass = new OnePass(recording, "door", { ttlMs: TEN_SECONDS, clock });
    equal(await pass.enter(), pass);
    equal(pass.isAcquired, true);
    deepEqual(adds.map(({ key, expiresAt }) => ({ key, expiresAt })), [
      { key: "door", expiresAt: clock.now() + TEN_SECONDS },
    ]);
    equal((await makePass().enter()).isAcquired, false);
    equal(adds.length, 1);
  });

  it("W-091: exit when acquired deletes the key and clears acquired", async () => {
    const { store, makePass } = makeDoor();
    const pass = await makePass().enter();
    await pass.exit();
    equal(pass.isAcquired, false);
    deepEqual(store.keys, []);
  });

  it("W-092: exit when not acquired deletes nothing", async () => {
    const { store, makePass } = makeDoor();
    const first = await makePass().enter();
    const second = await makePass().enter();
    await second.exit();
    deepEqual(store.keys, ["door"]);
    equal(first.isAcquired, true);
  });

  it("W-093 WX-13: wait with nobody inside answers true at once", async () => {
    const { clock, makePass } = makeDoor();
    equal(await makePass().wait(), true);
    equal(clock.sleeping, 0);
  });

  it("W-094: wait answers false after the timeout while the pass is held", async () => {
    const { clock, store, makePass } = makeDoor();
    await store.set([{ key: "door", value: "someone", expiresAt: NEVER }]);
    let answer: boolean | undefined;
    const waiting = makePass().wait(5_000).then((isOut) => answer = isOut);
    await clock.advance(4_999);
    equal(answer, undefined);
    await clock.advance(1);
    await waiting;
    equal(answer, false);
    ok(store.trips <= 14, `${store.trips} reads in five seconds`);
  });

  it("wait ends when the pass is given back or runs out", async () => {
    for (const leave of [true, false]) {
      const { clock, makePass } = makeDoor();
      const first = await makePass().enter();
      let answer: boolean | undefined;
      const waiting = makePass().wait(60_000).then((isOut) => answer = isOut);
      await clock.advance(3_000);
      if (leave) await first.exit();
      else await clock.advance(TEN_SECONDS);
      await clock.advance(800);
      await waiting;
      equal(answer, true);
    }
  });

  it("WX-12: a pass that changed hands was given back, however fast that was", async () => {
    const { clock, makePass } = makeDoor();
    const first = await makePass().enter();
    let answer: boolean | undefined;
    const waiting = makePass().wait().then((isOut) => answer = isOut);
    await clock.advance(60);
    await first.exit();
    const second = await makePass().enter();
    equal(second.isAcquired, true);
    await clock.advance(800);
    await waiting;
    equal(answer, true);
  });

  it("WX-14: who overstays cannot let go of a stranger's pass", async () => {
    const { clock, store, makePass } = makeDoor();
    const slow = await makePass().enter();
    await clock.advance(TEN_SECONDS);
    const stranger = await makePass().enter();
    equal(stranger.isAcquired, true);
    await slow.exit();
    deepEqual(store.keys, ["door"]);
    equal((await makePass().enter()).isAcquired, false);
  });

  it("refuses to wait for itself, and bad times", async () => {
    const { store, makePass } = makeDoor();
    const pass = await makePass().enter();
    await rejects(() => pass.wait(), TypeError);
    throws(() => new OnePass(store, "door", { ttlMs: NaN }), RangeError);
    throws(() => new OnePass(store, "door", { ttlMs: 0 }), RangeError);
  });

  it("gives back what a block borrowed", async () => {
    const { makePass } = makeDoor();
    const pass = await makePass().enter();
    await pass[Symbol.asyncDispose]();
    const next = await makePass().enter();
    equal(next.isAcquired, true);
    notEqual(next, pass);
  });
});

describe("OnePassHandler", () => {
  it("W-077 W-078: passes a record on once, and not again within its time", async () => {
    const clock = new ManualClock();
    const told: string[] = [];
    const handler = new OnePassHandler(
      new ModelStore<string>(clock),
      (record: string) => void told.push(record),
      { ttlMs: TEN_SECONDS, keyOf: (record) => record, clock },
    );
    equal(await handler.emit("disk full"), true);
    equal(await handler.emit("disk full"), false);
    equal(await handler.emit("disk on fire"), true);
    deepEqual(told, ["disk full", "disk on fire"]);
    await clock.advance(TEN_SECONDS);
    equal(await handler.emit("disk full"), true);
  });
});
