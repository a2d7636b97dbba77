// runs on: deno
/** curdling's client against cairn on every runtime it is served from, as it speaks on the wire. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { startWorker } from "../clients/cairn_worker.ts";
import { CurdlingClient } from "../clients/curdling_client.ts";
import { PythonTools } from "../clients/python.ts";
import { nodeProgram } from "../run/toolchain.ts";
import { pythonTool } from "../services/python.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { makeWheel } from "../testing/make_wheel.ts";

/** Who may use a server: everybody, or those with a password. */
type Users = "everybody" | "ada";

const RUNTIMES: Readonly<Record<string, (users: Users) => Promise<CairnServer>>> = {
  "Deno": (users) => startOnMachine([Deno.execPath(), "run", "-A"], users),
  "Node 24": async (users) => startOnMachine([await nodeProgram(24)], users),
  "workerd": (users) => startWorker({ OPEN: openFor(users), ...users === "ada" && { USERS } }),
};

const PASSWORD = "correct horse";
const USERS = `ada:{SHA}${createHash("sha1").update(PASSWORD).digest("base64")}\n`;

/** What a client with nothing in its cache builds and brings, and then finds. */
const OLD = makeWheel({ name: "gherkin", version: "0.1.9" });
const NEW = makeWheel({
  name: "gherkin",
  version: "0.1.10",
  metadata: ["Requires-Python: >=3.8"],
  paddingBytes: 1_500_000,
});
const SOURCE = await makeSdist({ name: "gherkin", version: "0.1.10" });

const python = pythonTool("python");
const folders: string[] = [];
let tools: PythonTools;

before(() => {
  tools = new PythonTools(join(python.path, ".."));
});
after(() => {
  tools[Symbol.dispose]();
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

for (const [runtime, start] of Object.entries(RUNTIMES)) {
  describe(`curdling's client with cairn on ${runtime}`, () => {
    for (const users of ["everybody", "ada"] as const) {
      const how = users === "ada" ? "with a password" : "without a password";
      it(`I-207 CX-11: looks up, uploads, finds and fetches, ${how}`, async () => {
        await using server = await start(users);
        if (users === "ada") await isLocked(server);
        const client = clientOf(server, users);
        await findsNothing(client);
        for (const { filename, bytes } of [SOURCE, OLD, NEW, NEW, NEW]) {
          const answer = await client.put(filename, bytes);
          deepEqual([answer.status, answer.text], [200, "ok"], server.output());
        }
        await findsAll(client, server.url);
        await fetchesByQuery(client);
        const other = makeWheel({ name: "gherkin", version: "0.1.10", seed: 1 });
        equal((await client.put(other.filename, other.bytes)).status, 409);
        await findsAll(client, server.url);
      });
    }

    it("I-213 C-058: what it puts is installed by pip, and is told to be there then", {
      skip: python.missing,
    }, async () => {
      await using server = await start("ada");
      const client = clientOf(server, "ada");
      for (const { filename, bytes } of [OLD, NEW, SOURCE]) {
        equal((await client.put(filename, bytes)).status, 200);
      }
      const target = newFolder();
      const index = server.url.replace("//", `//ada:${encodeURIComponent(PASSWORD)}@`);
      const options = ["--target", target, "--index-url", `${index}/simple/`];
      const installed = await tools.pip("install", ...options, "gherkin");
      equal(installed.code, 0, installed.output);
      match(installed.output, /Successfully installed gherkin-0\.1\.10/);
      ok(readdirSync(target).includes("gherkin-0.1.10.dist-info"));
      const listed = await tools.pip("list", "--path", target, "--format", "freeze");
      match(listed.output, /^gherkin==0\.1\.10$/m);
    });
  });
}

async function isLocked(server: CairnServer): Promise<void> {
  for (const client of [new CurdlingClient(server.url), new CurdlingClient(server.url, "ada:x")]) {
    for (const path of ["/api/", "/api/gherkin", "/s/gherkin", `/p/${NEW.filename}`]) {
      const answer = await client.get(path);
      equal(answer.status, 401, path);
      match(answer.headers["www-authenticate"] ?? "", /^Basic realm=/);
    }
    equal((await client.put(OLD.filename, OLD.bytes)).status, 401);
  }
}

/** The name is remembered as missing by any status but 200. */
async function findsNothing(client: CurdlingClient): Promise<void> {
  const missing = await client.get("/api/gherkin");
  deepEqual([missing.status, JSON.parse(missing.text)], [404, { status: "error" }]);
  equal((await client.get(`/p/${NEW.filename}`)).status, 404);
  deepEqual(JSON.parse((await client.get("/api/")).text), []);
}

/** The client takes the highest version, and of it the first address. */
async function findsAll(client: CurdlingClient, root: string): Promise<void> {
  deepEqual(JSON.parse((await client.get("/api/")).text), ["gherkin"]);
  const { status, text } = await client.get("/api/gherkin");
  equal(status, 200);
  const file = ({ filename, bytes }: { filename: string; bytes: Uint8Array }) => ({
    url: `${root}/p/${filename}`,
    sha256: createHash("sha256").update(bytes).digest("hex"),
  });
  deepEqual(JSON.parse(text), [
    { name: "gherkin", version: "0.1.10", urls: [file(NEW), file(SOURCE)] },
    { name: "gherkin", version: "0.1.9", urls: [file(OLD)] },
  ]);
  const [{ urls: [best] }] = JSON.parse(text);
  const fetched = await client.get(best.url);
  equal(fetched.status, 200);
  equal(fetched.headers["content-length"], String(NEW.bytes.length));
  deepEqual(fetched.bytes, NEW.bytes);
}

async function fetchesByQuery(client: CurdlingClient): Promise<void> {
  const found = [
    ["gherkin", NEW],
    ["gherkin (< 0.1.10)", OLD],
    ["gherkin;~whl", SOURCE],
    ["gherkin==0.1.10;gz", SOURCE],
  ] as const;
  for (const [query, { filename, bytes }] of found) {
    const answer = await client.get(`/s/${encodeURIComponent(query)}`);
    equal(answer.status, 200, query);
    equal(answer.headers["content-disposition"], `attachment; filename="${filename}"`);
    deepEqual(answer.bytes, new Uint8Array(bytes));
  }
  const none = await client.get("/s/gherkin%3D%3D9");
  deepEqual([none.status, none.text], [404, "package not found\n"]);
  const wrong = await client.get("/s/gherkin%3D%3E9");
  deepEqual([wrong.status, wrong.text], [400, "your query is wrong\n"]);
}

function clientOf(server: CairnServer, users: Users): CurdlingClient {
  return new CurdlingClient(server.url, users === "ada" ? `ada:${PASSWORD}` : undefined);
}

function openFor(users: Users): string {
  return users === "ada" ? "none" : "list,download,update";
}

function startOnMachine(runtime: readonly string[], users: Users): Promise<CairnServer> {
  const args = [newFolder(), "--open", openFor(users)];
  if (users === "ada") {
    const path = join(newFolder(), "users");
    writeFileSync(path, USERS);
    args.push("--users", path);
  }
  return startCairn(runtime, args);
}

function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "cairn-curdling-")));
  return folders.at(-1)!;
}
