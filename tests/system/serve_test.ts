/** What `cairn serve` says to the person who starts it. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { startCairn } from "../clients/cairn_process.ts";
import { interrupted, run } from "../clients/command.ts";
import { makeWheel } from "../testing/make_wheel.ts";
import { postOf, uploadForm } from "../core/wheels_http/house.ts";

const isDeno = "Deno" in globalThis;
const RUNTIME = [process.execPath, ...(isDeno ? ["run", "-A"] : [])];

describe("cairn serve", () => {
  let folder = "";
  before(async () => {
    folder = await mkdtemp(`${tmpdir()}/cairn-serve-`);
  });
  after(() => rm(folder, { recursive: true }));

  async function refusal(...args: string[]): Promise<string> {
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", "serve", ...args];
    const env = { ...process.env as Record<string, string>, NO_COLOR: "1" };
    const { code, output } = await run(program!, rest, { env });
    equal(code, 2, output);
    return output;
  }

  it("names the address that is taken", async () => {
    await using cairn = await startCairn(RUNTIME, [`${folder}/taken`]);
    const { port } = new URL(cairn.url);
    const said = await refusal(`${folder}/other`, "--port", port);
    ok(said.startsWith(`cairn: Cannot listen on ${cairn.url}: `), said);
  });

  it("names the users file that is not there or is none, and makes no folder then", async () => {
    const users = `${folder}/users`;
    const start = () => refusal(`${folder}/unmade`, "--users", users, "--port", "0");
    match(await start(), /^cairn: Cannot open users file ".*\/users": ENOENT/);
    await writeFile(users, "no colon\n");
    match(await start(), /^cairn: Cannot open users file ".*\/users": .*line 1 is not "name:hash"/);
    ok(!(await readdir(folder)).includes("unmade"));
  });

  it("names the folder that cannot be had", async () => {
    await writeFile(`${folder}/file`, "");
    match(await refusal(`${folder}/file`, "--port", "0"), /^cairn: Cannot serve ".*\/file": E/);
  });

  it("says that an upstream's address is none, and not what it holds", async () => {
    const said = await refusal(`${folder}/up`, "--upstream", "https//ann:s3cret@x/", "--port", "0");
    equal(said, "cairn: Cannot use upstream: its address is no URL\n");
  });

  it("P-008: keeps files and index where its settings say", async () => {
    const told = `${folder}/told`;
    const wheel = makeWheel({ name: "demo", version: "1.0" });
    {
      await using cairn = await startCairn(RUNTIME, [told, "--open", "list,download,update"]);
      const response = await fetch(`${cairn.url}/legacy/`, await postOf(await uploadForm(wheel)));
      equal(response.status, 200, await response.text());
    }
    deepEqual(new Uint8Array(await readFile(`${told}/demo/${wheel.filename}`)), wheel.bytes);
    ok((await readdir(`${told}/.cairn`)).length > 0);
    await using again = await startCairn(RUNTIME, [told]);
    match(await (await fetch(`${again.url}/simple/demo/`)).text(), /demo-1\.0-py3-none-any\.whl/);
    await using other = await startCairn(RUNTIME, [`${folder}/empty`]);
    equal((await fetch(`${other.url}/simple/demo/`)).status, 404);
  });

  it("can be interrupted while it takes files in, and goes on with them when it is started again", async () => {
    const house = `${folder}/many`;
    await mkdir(house);
    for (let at = 0; at < 300; at++) {
      const { filename, bytes } = makeWheel({ name: "demo", version: `1.${at}` });
      await writeFile(`${house}/${filename}`, bytes);
    }
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", "serve", house, "--port", "0"];
    const env = { ...process.env as Record<string, string>, NO_COLOR: "1" };
    const { code, output } = await interrupted(program!, rest, { env, once: /Took in/ });
    equal(code, 130, output);
    match(output, /Stops as soon as the files at hand are done/);
    await using cairn = await startCairn(RUNTIME, [house]);
    const taken = cairn.output().match(/Took in/g)?.length ?? 0;
    ok(taken > 0 && taken < 300, `${taken} were taken in`);
    const page = await (await fetch(`${cairn.url}/simple/demo/`)).text();
    equal(page.match(/<a /g)?.length, 300);
    match(cairn.output(), /cairn serves 300 files/);
  });

  it("logs why an upload was refused, and that it waits at its end", async () => {
    const cairn = await startCairn(RUNTIME, [`${folder}/house`, "--open", "list,download,update"]);
    const wheel = { ...makeWheel({ name: "demo", version: "1.0" }), filename: "demo.whl" };
    const response = await fetch(`${cairn.url}/legacy/`, await postOf(await uploadForm(wheel)));
    const reason = await response.text();
    match(reason, /^Invalid filename: "demo.whl"/);
    // Deno sends no reason phrase but the usual one.
    equal(response.statusText, isDeno ? "Bad Request" : reason.slice(0, 200).trimEnd());
    await cairn.stop();
    match(cairn.output(), /POST \/legacy\/ 400 {2}reason="Invalid filename: /);
    match(cairn.output(), /Lets what is running end/);
  });
});
