/** What `cairn push` sends, and says to the person who starts it. */

import { deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, before, beforeEach, describe, it } from "node:test";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { interrupted, type Ran, run } from "../clients/command.ts";
import { PythonTools } from "../clients/python.ts";
import { pythonTool } from "../services/python.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";

const RUNTIME = [process.execPath, ...("Deno" in globalThis ? ["run", "-A"] : [])];
const PASSWORD = "correct horse";
const USERS = `ada:{SHA}${createHash("sha1").update(PASSWORD).digest("base64")}\n`;
const env: Record<string, string> = {
  ...process.env as Record<string, string>,
  NO_COLOR: "1",
  CAIRN_PASSWORD: "",
};
const asAda: Record<string, string> = { ...env, CAIRN_PASSWORD: PASSWORD };

const python = pythonTool("python");

let base = "";
let folder = "";
let folders = 0;
let cairn: CairnServer;
before(async () => {
  base = await mkdtemp(`${tmpdir()}/cairn-push-`);
  await writeFile(`${base}/users`, USERS);
  cairn = await startCairn(RUNTIME, [`${base}/served`, "--users", `${base}/users`]);
});
beforeEach(async () => {
  folder = `${base}/${++folders}`;
  await mkdir(folder);
});
after(async () => {
  await cairn.stop();
  await rm(base, { recursive: true });
});

async function push(args: readonly string[], environment = asAda): Promise<Ran> {
  const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", "push", ...args];
  return await run(program!, rest, { env: environment });
}

/** What is pushed as ada to the cairn. */
function pushed(...args: string[]): Promise<Ran> {
  return push([...args, "--to", cairn.url, "--user", "ada"]);
}

async function put(path: string, bytes: Uint8Array): Promise<string> {
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(`${folder}/${path}`, bytes);
  return `${folder}/${path}`;
}

/** The digests of a project's files at the cairn. */
async function served(project: string): Promise<Record<string, string>> {
  const accept = "application/vnd.pypi.simple.v1+json";
  const response = await fetch(`${cairn.url}/simple/${project}/`, { headers: { accept } });
  if (response.status === 404) {
    await response.body?.cancel();
    return {};
  }
  const { files } = await response.json() as {
    files: { filename: string; hashes: { sha256: string } }[];
  };
  return Object.fromEntries(files.map(({ filename, hashes }) => [filename, hashes.sha256]));
}

/** How many uploads the cairn has answered. */
const uploads = (): number => cairn.output().match(/POST \/legacy\/ \d+/g)?.length ?? 0;

describe("cairn push", () => {
  it("sends the packages of folders, byte for byte, and sends none twice", async () => {
    const small = makeWheel({ name: "Some.Demo", version: "1.0", metadata: ["Summary: Ünï “x”"] });
    const large = makeWheel({ name: "some-demo", version: "1.1", paddingBytes: 9_000_001 });
    const source = await makeSdist({ name: "some-demo", version: "1.0" });
    await put(small.filename, small.bytes);
    await put(`deeper/${large.filename}`, large.bytes);
    await put(`deeper/${source.filename}`, source.bytes);
    await put(".hidden/some_demo-6-py3-none-any.whl", new Uint8Array());
    await put("upstream.main/x/some_demo-7-py3-none-any.whl", new Uint8Array());
    await put("README.md", new Uint8Array(9));
    const first = await pushed(folder, `${folder}/${small.filename}`);
    equal(first.code, 0, first.output);
    match(first.output, /\n {2}pushed {2}some_demo-1\.1-py3-none-any\.whl {3}9\.0 MB\n/);
    match(first.output, /\n {2}cairn pushed to http:\S+\/legacy\/ after [\d.]+ s\n/);
    match(first.output, / {2}3 pushed {3}0 there already {3}0 other bytes there {3}0 failed\n/);
    const expected = Object.fromEntries(
      await Promise.all([small, large, source].map(async ({ filename, bytes }) => {
        return [filename, await sha256Of(bytes)];
      })),
    );
    deepEqual(await served("some-demo"), expected);
    const before = uploads();
    const again = await pushed(folder, "--verbose");
    equal(again.code, 0, again.output);
    match(again.output, / {2}there {3}some_demo-1\.0-py3-none-any\.whl/);
    match(again.output, / {2}0 pushed {3}3 there already {3}0 other bytes there {3}0 failed\n/);
    equal(uploads(), before);
    const unasked = await pushed(folder, "--no-check");
    equal(unasked.code, 0, unasked.output);
    equal(uploads(), before + 3);
  });

  it("reports what is not taken, and goes on with the rest", async () => {
    const held = makeWheel({ name: "held", version: "1.0" });
    equal((await pushed(await put(held.filename, held.bytes))).code, 0);
    const other = makeWheel({ name: "held", version: "1.0", seed: 1 });
    const next = makeWheel({ name: "held", version: "1.1" });
    await put(other.filename, other.bytes);
    await put(next.filename, next.bytes);
    await put("held-0.9-py3-none-any.whl", new TextEncoder().encode("no archive"));
    for (
      const [options, reason] of [
        [
          [],
          /other {3}held-1\.0\S+: the index has other bytes by this name, with SHA-256 [0-9a-f]{64}\n/,
        ],
        [["--no-check"], /other {3}held-1\.0\S+: 400 File already exists \('held-1\.0/],
      ] as const
    ) {
      const { code, output } = await pushed(folder, ...options);
      equal(code, 1, output);
      match(output, reason);
      match(output, /failed {2}held-0\.9\S+: Invalid distribution file: it is not a zip archive\n/);
      match(output, / {3}1 other bytes there {3}1 failed\n/);
    }
    const files = await served("held");
    deepEqual(Object.keys(files), [held.filename, next.filename]);
    equal(files[held.filename], await sha256Of(held.bytes));
  });

  it("judges the second file of a name by the first", async () => {
    const one = makeWheel({ name: "twice", version: "1.0" });
    const two = makeWheel({ name: "twice", version: "1.0", seed: 2 });
    await put(`a/${one.filename}`, one.bytes);
    await put(`b/${one.filename}`, one.bytes);
    await put(`c/${two.filename}`, two.bytes);
    const before = uploads();
    const { code, output } = await pushed(folder);
    equal(code, 1, output);
    match(output, / {2}1 pushed {3}1 there already {3}1 other bytes there {3}0 failed\n/);
    equal(uploads(), before + 1);
    deepEqual(await served("twice"), { [one.filename]: await sha256Of(one.bytes) });
  });

  it("sends nothing in a dry run, and tells what it would", async () => {
    const wheel = makeWheel({ name: "dry", version: "1.0" });
    await put(wheel.filename, wheel.bytes);
    const { code, output } = await pushed(folder, "--dry-run");
    equal(code, 0, output);
    match(output, /^ {2}to push {2}dry-1\.0-py3-none-any\.whl/);
    match(output, /\n {2}1 to push {3}0 there already/);
    deepEqual(await served("dry"), {});
  });

  it("tells a wrong user, and never a password", async () => {
    const wheel = makeWheel({ name: "closed", version: "1.0" });
    const path = await put(wheel.filename, wheel.bytes);
    const wrong = `${base}/wrong`;
    await writeFile(wrong, "battery staple\n");
    const { host } = new URL(cairn.url);
    const ways: (readonly [string[], RegExp])[] = [
      [["--to", cairn.url], /the index wants to know who pushes: give "--user"\n/],
      [["--to", cairn.url, "-u", "eve"], /the index does not know the user "eve" with this/],
      [["--to", cairn.url, "-u", "ada", "--password-file", wrong], /the user "ada" with this/],
      [["--to", `http://ada:battery%20staple@${host}/legacy/`], /the user "ada" with this/],
    ];
    for (const [args, reason] of ways) {
      const isOurs = !args.some((arg) => arg.includes("battery"));
      const { code, output } = await push([path, ...args], isOurs ? asAda : env);
      equal(code, 2, output);
      match(output, reason);
      doesNotMatch(output, /battery|staple|correct horse|Basic/);
      match(output, /^cairn: Cannot push to http:\/\/127\.0\.0\.1:\d+\/legacy\/: /m);
    }
    deepEqual(await served("closed"), {});
  });

  it("takes the password from a file or the address", async () => {
    const file = `${base}/password`;
    await writeFile(file, `${PASSWORD}\r\n`);
    const { host } = new URL(cairn.url);
    for (
      const [version, args] of [
        ["1.0", ["--to", cairn.url, "-u", "ada", "--password-file", file]],
        ["1.1", ["--to", `http://ada:${encodeURIComponent(PASSWORD)}@${host}`]],
      ] as const
    ) {
      const wheel = makeWheel({ name: "opened", version });
      const { code, output } = await push([await put(wheel.filename, wheel.bytes), ...args], env);
      equal(code, 0, output);
    }
    equal(Object.keys(await served("opened")).length, 2);
  });

  it("ends at Ctrl+C, and leaves nothing half done", async () => {
    const posts: string[] = [];
    const silent = createServer((request, response) => {
      if (request.method === "GET") return void response.writeHead(404).end();
      request.resume().on("end", () => {
        posts.push(request.url!);
        if (posts.length === 1) response.end();
      });
    });
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    for (const version of ["1.0", "1.1", "1.2"]) {
      const wheel = makeWheel({ name: "slow", version });
      await put(wheel.filename, wheel.bytes);
    }
    const [program, ...rest] = [...RUNTIME, "src/apps/cli.ts", "push", folder, "-j", "1"];
    const args = [...rest, "--to", `http://127.0.0.1:${port}`];
    const { code, output } = await interrupted(program!, args, { env, once: /pushed/ });
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    equal(code, 130, output);
    match(output, /\n {2}cairn stopped pushing to /);
    match(output, / {2}1 pushed {3}0 there already .* 0 failed {3}2 left\n/);
    match(output, /\n {2}The same command goes on from here\n/);
  });

  it("refuses what it cannot do, and says why", async () => {
    const wheel = makeWheel({ name: "refused", version: "1.0" });
    const path = await put(wheel.filename, wheel.bytes);
    const to = ["--to", cairn.url];
    await mkdir(`${folder}/empty`);
    await put("notes.txt", new Uint8Array(1));
    const refusals: (readonly [string[], RegExp])[] = [
      [[`${folder}/none.whl`, ...to], /Cannot push ".*none\.whl": there is no such file\n/],
      [[`${folder}/empty`, ...to], /Cannot push: no wheel or source distribution is in ".*empty"/],
      [[`${folder}/notes.txt`, ...to], /Cannot push ".*notes\.txt": it is no wheel or source/],
      [to, /Cannot push: give files or folders\n/],
      [[path], /Cannot push: give the address with "--to"\n/],
      [[path, "--to", "ftp://ada:secret@x"], /what "--to" gives is no address with http: or/],
      [[path, ...to, "-j", "0"], /Cannot push with "0" jobs: it is no number from 1 to 32/],
      [[path, ...to, "-q", "-v"], /"--quiet" and "--verbose" exclude each other/],
      [[path, ...to, "--no-check", "--index", "http://x/"], /"--no-check" and "--index" exclude/],
      [[path, ...to, "--password-file", path], /"--password-file" needs "--user"/],
      [[path, ...to, "-u", "ada"], /Cannot push as "ada": there is no password; give/],
      [[path, ...to, "-u", "ada", "--password-file", `${folder}/x`], /Cannot read password file/],
      [[path, "--to", `${cairn.url}/simple/`], /takes no uploads at this address: 405/],
      [[path, "--to", `${cairn.url}/nowhere/`], /takes no uploads at this address: 40[45]/],
    ];
    for (const [args, reason] of refusals) {
      const { code, output } = await push(args, env);
      equal(code, 2, output);
      match(output, reason);
      doesNotMatch(output, /secret|\n {4}at /);
    }
    const help = await push(["--help"], env);
    equal(help.code, 0);
    match(help.output, /^Usage: cairn push FILE\|DIR\.\.\. --to URL \[options\]/);
    ok(help.output.split("\n").every((line) => line.length <= 80));
  });
});

describe("what was pushed", { skip: python.missing }, () => {
  it("is installed by pip", async () => {
    const wheel = makeWheel({ name: "installed", version: "3.1" });
    equal((await pushed(await put(wheel.filename, wheel.bytes))).code, 0);
    using tools = new PythonTools(join(python.path, ".."));
    const index = ["--index-url", `${cairn.url}/simple/`];
    const { code, output } = await tools.pip("install", ...index, "--target", "t", "installed");
    equal(code, 0, output);
    match(output, /Successfully installed installed-3\.1/);
  });
});
