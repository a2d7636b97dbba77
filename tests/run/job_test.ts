import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, describe, it } from "node:test";
import { type Job, noticesIn, runJob } from "./job.ts";

const folder = mkdtempSync(`${tmpdir()}/cairn-job-`);
after(() => rmSync(folder, { recursive: true }));

/** A job that runs a Deno program, given as text, which gets the report's path as its argument. */
function jobOf(program: string, extra: Partial<Job> = {}): Job {
  return {
    suite: "sample",
    runtime: "deno",
    files: ["tests/a_test.ts"],
    limitMs: 30_000,
    format: "json",
    command: (_, report) => Promise.resolve([Deno.execPath(), "eval", program, report]),
    ...extra,
  };
}

const leave = (results: unknown, code = 0): string =>
  `Deno.writeTextFileSync(Deno.args[0], ${
    JSON.stringify(JSON.stringify(results))
  }); Deno.exit(${code});`;

const passed = { name: "a", file: "", status: "passed" };
const failed = { name: "b", file: "", status: "failed", reason: "no" };

async function resultsOf(job: Job): Promise<Record<string, string>> {
  const { results } = await runJob(job, `${folder}/${crypto.randomUUID()}`);
  return Object.fromEntries(results.map(({ name, status }) => [name, status]));
}

describe("runJob", () => {
  it("gives the results that the child left", async () => {
    deepEqual(await resultsOf(jobOf(leave([passed]))), { a: "passed" });
  });

  it("does not count a failure twice", async () => {
    deepEqual(await resultsOf(jobOf(leave([passed, failed], 1))), { a: "passed", b: "failed" });
  });

  it("fails as a whole where the child fails without a failed test", async () => {
    const found = await resultsOf(jobOf(leave([passed], 3)));
    deepEqual(found, { a: "passed", "tests/a_test.ts": "failed" });
  });

  it("fails as a whole where a file got lost beside a failed test", async () => {
    const program = `console.log("./x_test.ts (uncaught error)"); ${leave([failed], 1)}`;
    deepEqual(await resultsOf(jobOf(program)), { b: "failed", "tests/a_test.ts": "failed" });
  });

  it("fails where nothing was left", async () => {
    deepEqual(await resultsOf(jobOf("")), { "tests/a_test.ts": "failed" });
    deepEqual(await resultsOf(jobOf(leave([]))), { "tests/a_test.ts": "failed" });
  });

  it("fails where the report is unreadable or the program is not there", async () => {
    const unreadable = "Deno.writeTextFileSync(Deno.args[0], '{');";
    deepEqual(await resultsOf(jobOf(unreadable)), { "tests/a_test.ts": "failed" });
    const absent = { command: () => Promise.resolve(["/nowhere/program"]) };
    deepEqual(await resultsOf(jobOf("", absent)), { "tests/a_test.ts": "failed" });
  });

  it("stops a child whose time is up", async () => {
    const { results } = await runJob(
      jobOf("console.log('begun'); await new Promise((resolve) => setTimeout(resolve, 60_000));", {
        limitMs: 1_500,
      }),
      `${folder}/late`,
    );
    equal(results.length, 1);
    match(results[0]!.reason!, /^Stopped after 1.5 s\nbegun/);
  });

  it("takes a job without report for one test", async () => {
    const check = { name: "a check", files: [], format: undefined } as unknown as Partial<Job>;
    deepEqual(await resultsOf(jobOf("", check)), { "a check": "passed" });
    deepEqual(await resultsOf(jobOf("Deno.exit(1)", check)), { "a check": "failed" });
  });

  it("collects what was left out, each line once", () => {
    const output = "skipped: no redis\nx skipped: y\nskipped: no redis\r\nskipped: no java\n";
    deepEqual(noticesIn(output.replace("\r", "")), ["skipped: no redis", "skipped: no java"]);
  });
});
