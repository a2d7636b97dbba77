import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import * as shim from "./test_shim.ts";

/** Records tests as a file would and runs them. */
async function outcomesOf(record: () => void): Promise<Record<string, string>> {
  const file = crypto.randomUUID();
  shim.enterFile(file);
  record();
  const outcomes = await shim.runFile(file);
  for (const outcome of outcomes) equal(outcome.file, file);
  return Object.fromEntries(outcomes.map(({ name, status }) => [name, status]));
}

const broken = (): never => {
  throw new Error("broken");
};

describe("test_shim", () => {
  it("runs tests and groups, nested ones too", async () => {
    const found = await outcomesOf(() => {
      shim.it("a", () => {});
      shim.describe("b", () => {
        shim.test("c", async () => await Promise.resolve());
        shim.describe("d", () => shim.it("e", broken));
      });
    });
    deepEqual(found, { "a": "passed", "b > c": "passed", "b > d > e": "failed" });
  });

  it("tells of each test before it runs, so that one that hangs has a name", async () => {
    const log: string[] = [];
    shim.enterFile("told");
    shim.describe("a", () => shim.it("b", () => void log.push("run")));
    await shim.runFile("told", (name) => void log.push(name));
    deepEqual(log, ["a > b", "run"]);
  });

  it("runs hooks around tests, the outer ones first before and last after", async () => {
    const log: string[] = [];
    const note = (text: string) => (): void => void log.push(text);
    await outcomesOf(() => {
      shim.before(note("before"));
      shim.beforeEach(note("outer"));
      shim.afterEach(note("outer after"));
      shim.describe("a", () => {
        shim.beforeEach(note("inner"));
        shim.afterEach(note("inner after"));
        shim.it("b", note("test"));
      });
      shim.after(note("after"));
    });
    const each = ["outer", "inner", "test", "inner after", "outer after"];
    deepEqual(log, ["before", ...each, "after"]);
  });

  it("fails tests whose hooks fail, and says where clearing up failed", async () => {
    const found = await outcomesOf(() => {
      shim.describe("a", () => {
        shim.before(broken);
        shim.it("b", () => {});
      });
      shim.describe("c", () => {
        shim.beforeEach(broken);
        shim.it("d", () => {});
      });
      shim.describe("e", () => {
        shim.after(broken);
        shim.it("f", () => {});
      });
      shim.describe("g", broken);
    });
    const failed = { "a > b": "failed", "c > d": "failed", "e > after": "failed", g: "failed" };
    deepEqual(found, { ...failed, "e > f": "passed" });
  });

  it("leaves out what is to be skipped, and says why", async () => {
    const found = await outcomesOf(() => {
      shim.it("a", { skip: "no server" }, broken);
      shim.it.skip("b", broken);
      shim.describe("c", { skip: true }, broken);
      shim.it("d", { skip: false }, () => {});
    });
    deepEqual(found, { a: "skipped", b: "skipped", c: "skipped", d: "passed" });
    shim.enterFile("reasons");
    shim.it("a", { skip: "no server" }, broken);
    deepEqual(await shim.runFile("reasons"), [
      { name: "a", file: "reasons", status: "skipped", reason: "no server" },
    ]);
  });

  it("counts subtests instead of their test", async () => {
    const found = await outcomesOf(() => {
      shim.it("a", async (context) => {
        await context.test("b", () => {});
        await context.test("c", broken);
      });
    });
    deepEqual(found, { "a > b": "passed", "a > c": "failed" });
  });

  it("stops waiting for a test that hangs", async () => {
    shim.enterFile("hanging");
    shim.it("a", { timeout: 5 }, () => new Promise(() => {}));
    const [outcome] = await shim.runFile("hanging");
    equal(outcome?.status, "failed");
    match(outcome?.reason ?? "", /longer than 5 ms/);
  });

  it("refuses a file that was not loaded", async () => {
    await rejects(shim.runFile("unknown"), RangeError);
  });
});
