// runs on: deno
/** pip, uv and twine against cairn on every runtime it is served from. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { configuredIndex, fileHostsOf } from "../clients/configured_index.ts";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { startWorker } from "../clients/cairn_worker.ts";
import { PythonTools } from "../clients/python.ts";
import { nodeProgram } from "../run/toolchain.ts";
import { pythonTool } from "../services/python.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { makeWheel } from "../testing/make_wheel.ts";

/** What a server of the tests is started with. */
interface Settings {
  /** The text of its htpasswd file. */
  readonly users?: string;
  /** The index it reads through. */
  readonly upstream?: string;
  /** Hosts of the upstream's files. */
  readonly fileHosts?: readonly string[];
  /** Files that lie in its folder from the start; not for the Worker. */
  readonly files?: readonly { readonly filename: string; readonly bytes: Uint8Array }[];
}

const RUNTIMES: Readonly<Record<string, (settings: Settings) => Promise<CairnServer>>> = {
  "Deno": (settings) => startOnMachine([Deno.execPath(), "run", "-A"], settings),
  "Node 24": async (settings) => startOnMachine([await nodeProgram(24)], settings),
  "workerd": startAsWorker,
};

// "ada" with the password "correct horse", as `htpasswd -s` writes it.
const USERS = `ada:{SHA}${createHash("sha1").update("correct horse").digest("base64")}\n`;
const TOOL = makeWheel({
  name: "Acme.Tool",
  version: "1.2.0",
  metadata: ["Requires-Python: >=3.8", "Requires-Dist: acme-base>=2"],
  paddingBytes: 300_000,
});
const BASE = makeWheel({ name: "acme-base", version: "2.1" });
const SOURCE = await makeSdist({ name: "acme-base", version: "2.0" });

const python = pythonTool("python");
const registry = await configuredIndex();
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
  describe(`Installers with cairn on ${runtime}`, { skip: python.missing }, () => {
    it("twine uploads, and pip and uv install what it uploaded", async () => {
      await using server = await start({ users: USERS });
      const dist = folderWith([TOOL, BASE, SOURCE]);
      const upload = [
        `${dist}/${TOOL.filename}`,
        `${dist}/${BASE.filename}`,
        `${dist}/${SOURCE.filename}`,
      ];
      await twine(server, upload);
      await twine(server, upload);
      const target = newFolder();
      const installed = await tools.pip(
        "install",
        "-v",
        "--target",
        target,
        "--index-url",
        `${server.url}/simple/`,
        "acme-tool",
      );
      equal(installed.code, 0, installed.output);
      ok(readdirSync(target).includes("acme_tool-1.2.0.dist-info"), installed.output);
      ok(readdirSync(target).includes("acme_base-2.1.dist-info"), installed.output);
      deepEqual(filesServed(server), [BASE.filename, TOOL.filename].sort());
      const other = newFolder();
      const byUv = await tools.uv(
        "pip",
        "install",
        "--target",
        other,
        "--index-url",
        `${server.url}/simple/`,
        "acme-tool",
      );
      equal(byUv.code, 0, byUv.output);
      ok(readdirSync(other).includes("acme_base-2.1.dist-info"), byUv.output);
    });

    it("a wrong password and other content under a taken name are refused", async () => {
      await using server = await start({ users: USERS });
      const dist = folderWith([BASE]);
      const stranger = await upload(server, [`${dist}/${BASE.filename}`], "wrong");
      equal(stranger.code, 1, stranger.output);
      match(stranger.output, /401/);
      await twine(server, [`${dist}/${BASE.filename}`]);
      const changed = folderWith([makeWheel({ name: "acme-base", version: "2.1", seed: 1 })]);
      const second = await upload(server, [`${changed}/${BASE.filename}`], "correct horse");
      equal(second.code, 1, second.output);
      match(second.output, /400/);
    });

    it("pip downloads a project read through a second cairn, also after that one has ended", async () => {
      await using origin = await startOnMachine([Deno.execPath(), "run", "-A"], {
        files: [TOOL, BASE],
      });
      await using server = await start({ upstream: `${origin.url}/simple/` });
      const first = await downloaded(server, ["acme-tool"]);
      deepEqual(first, {
        [BASE.filename]: digest(BASE.bytes),
        [TOOL.filename]: digest(TOOL.bytes),
      });
      deepEqual(filesServed(server), [BASE.filename, TOOL.filename].sort());
      deepEqual(filesServed(origin), [BASE.filename, TOOL.filename].sort());
      await origin.stop();
      deepEqual(await downloaded(server, ["acme-tool"]), first);
    });

    it("pip downloads a real package read through the configured registry", {
      skip: registry === undefined && "no Python package registry answers",
    }, async () => {
      const fileHosts = await fileHostsOf(registry!, "six");
      await using server = await start({ upstream: registry!, fileHosts });
      const files = await downloaded(server, ["six==1.17.0"]);
      deepEqual(Object.keys(files), ["six-1.17.0-py2.py3-none-any.whl"]);
      deepEqual(filesServed(server), ["six-1.17.0-py2.py3-none-any.whl"]);
    });
  });
}

async function startOnMachine(
  runtime: readonly string[],
  settings: Settings,
): Promise<CairnServer> {
  const root = folderWith(settings.files ?? []);
  const args = [root];
  if (settings.users !== undefined) {
    const path = join(newFolder(), "users");
    writeFileSync(path, settings.users);
    args.push("--users", path);
  }
  if (settings.upstream !== undefined) args.push("--upstream", settings.upstream);
  for (const host of settings.fileHosts ?? []) args.push("--upstream-files", host);
  return await startCairn(runtime, args);
}

async function startAsWorker(settings: Settings): Promise<CairnServer> {
  const { users, upstream, fileHosts = [] } = settings;
  return await startWorker({
    ...(users === undefined ? {} : { USERS: users }),
    ...(upstream === undefined ? {} : { UPSTREAM: upstream }),
    UPSTREAM_FILES: fileHosts.join(","),
  });
}

function upload(server: CairnServer, files: readonly string[], password: string) {
  const where = ["--repository-url", `${server.url}/legacy/`, "--username", "ada"];
  return tools.twine("upload", ...where, "--password", password, ...files);
}

async function twine(server: CairnServer, files: readonly string[]): Promise<void> {
  const { code, output } = await upload(server, files, "correct horse");
  equal(code, 0, output);
}

async function downloaded(
  server: CairnServer,
  requirements: readonly string[],
): Promise<Record<string, string>> {
  const folder = newFolder();
  const index = ["--index-url", `${server.url}/simple/`];
  const { code, output } = await tools.pip(
    "download",
    "-v",
    "--dest",
    folder,
    ...index,
    ...requirements,
  );
  equal(code, 0, `${output}\n${server.output()}`);
  const names = readdirSync(folder).sort();
  return Object.fromEntries(names.map((name) => [name, digest(readFileSync(join(folder, name)))]));
}

/** The names of the files that a server's access log says it has sent. */
function filesServed(server: CairnServer): string[] {
  const sent = server.output().matchAll(/GET \/packages\/\S+\/([^/\s]+\.(?:whl|tar\.gz)) 200/g);
  return [...new Set([...sent].map(([, name]) => name!))].sort();
}

function folderWith(files: NonNullable<Settings["files"]>): string {
  const folder = newFolder();
  for (const { filename, bytes } of files) writeFileSync(join(folder, filename), bytes);
  return folder;
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "cairn-"));
  mkdirSync(folder, { recursive: true });
  folders.push(folder);
  return folder;
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
