import { deepEqual, equal, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryBackend } from "../../../src/memory/memory_backend.ts";
import { Locker } from "../../../src/patterns/lockout.ts";
import { NullLocker, NullLockout } from "../../../src/patterns/null_lockout.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { ModelStore } from "../../testing/model_store.ts";

interface Visitor {
  readonly id: string;
  readonly ip: string;
}

const ADA: Visitor = { id: "ada", ip: "10.0.0.1" };
const FORBIDDEN = "forbidden";

/** The lockouts of wheezy's own tests: by id and address, by id, by address. */
function makeLockouts() {
  const clock = new ManualClock();
  const alerts: string[] = [];
  const alert = (_: Visitor, lockout: string, counter: { name: string }): void =>
    void alerts.push(`${lockout}: ${counter.name}`);
  const locker = new Locker<Visitor, "byIdIp" | "byId" | "byIp">(memoryBackend<string>({ clock }), {
    forbidAction: () => FORBIDDEN,
    terms: { byIdIp: ({ id, ip }) => `${id}:${ip}`, byId: ({ id }) => id, byIp: ({ ip }) => ip },
    clock,
  });
  const lockout = locker.define("action", {
    byIdIp: { count: 4, periodMs: 60_000, durationMs: 60_000, alert },
    byId: { count: 6, periodMs: 120_000, durationMs: 120_000, isReset: false, alert },
    byIp: { count: 8, periodMs: 300_000, durationMs: 300_000, alert },
  });
  const action2 = locker.define("action 2", {
    byIp: { count: 4, periodMs: 60_000, durationMs: 60_000, isReset: false, alert },
  });
  return { alerts, clock, locker, lockout, action2 };
}

function makeSignIn({ lockout }: ReturnType<typeof makeLockouts>) {
  return lockout.forbidLocked(
    lockout.guard((_visitor: Visitor, isRight: boolean) => isRight),
  );
}

async function repeat(times: number, act: () => Promise<unknown>): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let time = 0; time < times; time++) answers.push(await act());
  return answers;
}

describe("Lockout", () => {
  it("W-066: four failures fire the alert of id and address, and the next call is forbidden", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    deepEqual(await repeat(4, () => signIn(ADA, false)), [false, false, false, false]);
    deepEqual(made.alerts, ["action: byIdIp"]);
    equal(await signIn(ADA, true), FORBIDDEN);
  });

  it("W-067: from another address two more failures reach the count of the id", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    await repeat(4, () => signIn(ADA, false));
    const elsewhere = { ...ADA, ip: "10.0.0.2" };
    deepEqual(await repeat(2, () => signIn(elsewhere, false)), [false, false]);
    deepEqual(made.alerts, ["action: byIdIp", "action: byId"]);
    equal(await signIn({ ...ADA, ip: "10.0.0.3" }, true), FORBIDDEN);
  });

  it("W-068: other users' failures reach the count of the address", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    await repeat(2, () => signIn(ADA, false));
    for (const id of ["bob", "cyd"]) await repeat(3, () => signIn({ ...ADA, id }, false));
    deepEqual(made.alerts, ["action: byIp"]);
    equal(await signIn({ ...ADA, id: "dan" }, true), FORBIDDEN);
  });

  it("W-069: a success sets counters back, so that four further failures are needed", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    await repeat(2, () => signIn(ADA, false));
    equal(await signIn(ADA, true), true);
    deepEqual(await repeat(3, () => signIn(ADA, false)), [false, false, false]);
    deepEqual(made.alerts, []);
    equal(await signIn(ADA, false), false);
    equal(await signIn(ADA, true), FORBIDDEN);
  });

  it("W-070: reset lifts the lock of a counter that may be reset", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    await repeat(4, () => signIn(ADA, false));
    equal(await signIn(ADA, true), FORBIDDEN);
    await made.lockout.reset(ADA);
    equal(await signIn(ADA, true), true);
  });

  it("W-071 W-072: reset leaves a lock that may not be reset, forceReset lifts both kinds", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    await repeat(4, () => signIn(ADA, false));
    await repeat(2, () => signIn({ ...ADA, ip: "10.0.0.2" }, false));
    await made.lockout.reset(ADA);
    equal(await signIn(ADA, true), FORBIDDEN);
    await made.lockout.forceReset(ADA);
    equal(await signIn(ADA, true), true);
  });

  it("W-073: forbidLocked takes another action to forbid with", async () => {
    const made = makeLockouts();
    const { lockout } = made;
    const signIn = lockout.forbidLocked(lockout.guard((_: Visitor) => false), {
      action: ({ id }) => `not you, ${id}`,
    });
    await repeat(4, () => signIn(ADA));
    equal(await signIn(ADA), "not you, ada");
  });

  it("W-074: a quota counts successes only", async () => {
    const { alerts, action2 } = makeLockouts();
    const post = action2.forbidLocked(action2.quota((_: Visitor, isPosted: boolean) => isPosted));
    deepEqual(await repeat(10, () => post(ADA, false)), Array(10).fill(false));
    deepEqual(alerts, []);
    deepEqual(await repeat(4, () => post(ADA, true)), Array(4).fill(true));
    deepEqual(alerts, ["action 2: byIp"]);
    equal(await post(ADA, true), FORBIDDEN);
  });

  it("WX-18: the window ends by the clock, whatever happens in between", async () => {
    const made = makeLockouts();
    const signIn = makeSignIn(made);
    for (let round = 0; round < 5; round++) {
      await repeat(3, () => signIn(ADA, false));
      await made.clock.advance(300_000);
    }
    deepEqual(made.alerts, []);
    await repeat(3, () => signIn(ADA, false));
    await made.clock.advance(59_999);
    await signIn(ADA, false);
    deepEqual(made.alerts, ["action: byIdIp"]);
    await made.clock.advance(60_000);
    equal(await signIn(ADA, true), true);
  });

  it("WX-19: a guard that is called while locked does not count on", async () => {
    const { alerts, lockout, clock } = makeLockouts();
    const bare = lockout.guard((_: Visitor) => false);
    await repeat(4, () => bare(ADA));
    deepEqual(alerts, ["action: byIdIp"]);
    await clock.advance(59_999);
    await repeat(100, () => bare({ ...ADA, id: "ada" }));
    deepEqual(alerts.filter((line) => line === "action: byIdIp").length, 1);
    await clock.advance(1);
    equal(await lockout.forbidLocked(() => "in")({ ...ADA, ip: "10.9.9.9", id: "eve" }), "in");
    await repeat(3, () => bare({ id: "ada", ip: "10.0.0.9" }));
    ok(!alerts.slice(3).includes("action: byIdIp"));
  });

  it("alerts once, however many callers reach the count at once", async () => {
    const { alerts, lockout } = makeLockouts();
    await Promise.all(Array.from({ length: 40 }, () => lockout.incr(ADA)));
    deepEqual(alerts.sort(), ["action: byId", "action: byIdIp", "action: byIp"]);
  });

  it("also resets in stores that keep counters apart from values", async () => {
    const clock = new ManualClock();
    const locker = new Locker<Visitor, "byId">(new ModelStore<string>(clock), {
      forbidAction: () => FORBIDDEN,
      terms: { byId: ({ id }) => id },
      keyPrefix: "p",
      clock,
    });
    const lockout = locker.define("a b", {
      byId: { count: 3, periodMs: 1_000, durationMs: 1_000 },
    });
    const enter = lockout.forbidLocked(lockout.guard((_: Visitor, isRight: boolean) => isRight));
    await repeat(2, () => enter(ADA, false));
    await enter(ADA, true);
    deepEqual(await repeat(3, () => enter(ADA, false)), [false, false, false]);
    equal(await enter(ADA, true), FORBIDDEN);
  });

  it("passes on what the action throws, and counts nothing", async () => {
    const { alerts, lockout } = makeLockouts();
    const failing = lockout.guard((_: Visitor) => {
      throw new Error("out of order");
    });
    for (let time = 0; time < 10; time++) await rejects(() => failing(ADA), /out of order/);
    deepEqual(alerts, []);
  });

  it("refuses unknown terms and counters that could never lock", () => {
    const { locker } = makeLockouts();
    const terms = { count: 1, periodMs: 1, durationMs: 1 };
    throws(() => locker.define("x", { toString: terms } as never), RangeError);
    throws(() => locker.define("x", { byId: { ...terms, count: 0 } }), RangeError);
    throws(() => locker.define("x", { byId: { ...terms, periodMs: NaN } }), RangeError);
  });
});

describe("NullLocker", () => {
  it("W-075: defines a lockout that does nothing, whatever the arguments", () => {
    ok(new NullLocker().define("name") instanceof NullLockout);
    ok(new NullLocker().define("name", { byIp: { count: 1 } }) instanceof NullLockout);
  });

  it("W-076: answers the function itself, and resets and counts nothing", async () => {
    const lockout = new NullLocker().define("name");
    const action = () => false;
    equal(lockout.guard(action), action);
    equal(lockout.quota(action), action);
    equal(lockout.forbidLocked(action), action);
    equal(lockout.forbidLocked(action, { action: () => FORBIDDEN }), action);
    equal(await lockout.reset({}), undefined);
    equal(await lockout.forceReset({}), undefined);
    equal(await lockout.incr({}), undefined);
  });
});
