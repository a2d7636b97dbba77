/** What `cairn reload` does with a folder, and says to the person who starts it. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { after, before, beforeEach, describe, it } from "node:test";
import { sqliteIndex } from "../../backends/index_sql.ts";
import { startCairn } from "../clients/cairn_process.ts";
import { interrupted, type Ran, run } from "../clients/command.ts";
import { makeWheel } from "../testing/make_wheel.ts";

const RUNTIME = [process.execPath, ...("Deno" in globalThis ? ["run", "-A"] : [])];
const env = { ...process.env as Record<string, string>, NO_COLOR: "1" };

describe("cairn reload", () => {
  let base = "";
  let folders = 0;
  let folder = "";
  before(async () => {
    base = await mkdtemp(`${tmpdir()}/cairn-reload-`);
  });
  beforeEach(async () => {
    folder = `${base}/${++folders}`;
    await mkdir(folder);
  });
  after(() => rm(base, { recursive: true }));

  async function reload(...args: string[]): Promise<Ran> {
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", "reload", ...args];
    return await run(program!, rest, { env });
  }

  async function put(version: string, seed = 0): Promise<string> {
    const { filename, bytes } = makeWheel({ name: "demo", version, seed });
    await writeFile(`${folder}/${filename}`, bytes);
    return filename;
  }

  it("takes in what came or changed, lets go what went, and tells how much", async () => {
    const gone = await put("1.0");
    await put("1.1");
    await put("1.2");
    const first = await reload(folder);
    equal(first.code, 0);
    match(first.output, /\n {2}cairn reloaded \S+ after [\d.]+ s\n/);
    match(first.output, /\n {2}0 unchanged {3}3 taken in {3}0 let go {3}0 skipped\n/);
    await unlink(`${folder}/${gone}`);
    await put("1.1", 1_000);
    const second = await reload("--verbose", folder);
    equal(second.code, 0);
    match(second.output, /info {3}Took in "demo-1\.1-py3-none-any\.whl"/);
    match(second.output, /info {3}Removed the record of "demo-1\.0-py3-none-any\.whl"/);
    match(second.output, /\n {2}1 unchanged {3}1 taken in {3}1 let go {3}0 skipped\n/);
    const third = await reload("--thorough", folder);
    match(third.output, /\n {2}0 unchanged {3}2 taken in {3}0 let go {3}0 skipped\n/);
  });

  it("reports bad files and skips them; only if it is strict they are a failure", async () => {
    const good = await put("1.0");
    await writeFile(`${folder}/README.md`, "");
    await writeFile(`${folder}/broken-1.0-py3-none-any.whl`, "no archive");
    const { code, output } = await reload("--quiet", folder);
    equal(code, 0);
    deepEqual(output.split("\n").map((line) => line.slice(10)), [
      'warn   Skipped "README.md": it is no wheel or source distribution by its name',
      'warn   Skipped "broken-1.0-py3-none-any.whl": ' +
      "Invalid distribution file: it is not a zip archive",
      "",
    ]);
    const strict = await reload("--strict", folder);
    equal(strict.code, 1);
    match(strict.output, / {2}1 unchanged {3}0 taken in {3}0 let go {3}2 skipped\n/);
    ok((await readdir(folder)).includes(`${good}.metadata`));
  });

  it("stops at Ctrl+C, and goes on there the next time", async () => {
    const count = 400;
    for (let at = 0; at < count; at++) await put(`1.${at}`);
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", "reload", "--verbose", folder];
    const { code, output } = await interrupted(program!, rest, { env, once: /Took in/ });
    equal(code, 130, output);
    match(output, /\n {2}Stops as soon as the files at hand are done/);
    match(output, /\n {2}The same command goes on from here\n/);
    const before = [...output.matchAll(/Took in "(.*)"/g)].map(([, name]) => name);
    const { output: rest2 } = await reload("--verbose", folder);
    const after = [...rest2.matchAll(/Took in "(.*)"/g)].map(([, name]) => name);
    ok(before.length > 0 && after.length > 0, `${before.length} and ${after.length}`);
    equal(new Set([...before, ...after]).size, count);
    equal(before.length + after.length, count);
    match(rest2, new RegExp(`  0 unchanged   ${count} taken in   0 let go   0 skipped\n`));
  });

  it("waits for another one, and takes over when its lease has ended", async () => {
    await put("1.0");
    equal((await reload("-q", folder)).code, 0);
    const database = new DatabaseSync(`${folder}/.cairn/index.sqlite`);
    const index = sqliteIndex(database);
    const found = (await index.cursor())!;
    const held = { ...JSON.parse(found), phase: "files", until: Date.now() + 2_000 };
    ok(await index.moveCursor(found, JSON.stringify(held)));
    database.close();
    const { code, output } = await reload(folder);
    equal(code, 0, output);
    match(output, /Waits for another reload/);
  });

  it("is seen at once by a server of the folder", async () => {
    await using cairn = await startCairn(RUNTIME, [folder]);
    const page = async (): Promise<string> =>
      await (await fetch(`${cairn.url}/simple/demo/`)).text();
    await put("1.0");
    equal((await reload("-q", folder)).code, 0);
    match(await page(), /demo-1\.0-py3-none-any\.whl/);
    await put("1.1");
    equal((await reload("-q", folder)).code, 0);
    match(await page(), /demo-1\.1-py3-none-any\.whl/);
  });

  it("refuses what it cannot do, and says why", async () => {
    const refused = async (args: readonly string[], reason: RegExp): Promise<void> => {
      const { code, output } = await reload(...args);
      equal(code, 2, output);
      match(output, reason);
    };
    await refused([`${folder}/none`], /^cairn: Cannot reload ".*\/none": .*ENOENT|os error 2/);
    await writeFile(`${folder}/file`, "");
    await refused([`${folder}/file`], /^cairn: Cannot reload ".*\/file": it is no folder\n/);
    await refused([folder, folder], /^cairn: Cannot reload 2 folders: give one\n/);
    await refused(["-q", "-v"], /^cairn: Cannot reload: "--quiet" and "--verbose" exclude/);
    await refused(["--fast"], /^cairn: .*--fast/);
    const help = await reload("--help");
    equal(help.code, 0);
    match(help.output, /^Usage: cairn reload \[DIR\]/);
  });
});
