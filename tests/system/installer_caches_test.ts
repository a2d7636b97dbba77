// runs on: deno
/** What pip and uv ask for when they may keep what they have got. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { PythonTools } from "../clients/python.ts";
import { postOf, uploadForm } from "../core/wheels_http/house.ts";
import { pythonTool } from "../services/python.ts";
import { makeWheel } from "../testing/make_wheel.ts";

const RUNTIME = [Deno.execPath(), "run", "-A"];
const python = pythonTool("python");

describe("Installers with caches", { skip: python.missing }, () => {
  let tools: PythonTools;
  const folders: string[] = [];
  const newFolder = (): string => {
    folders.push(mkdtempSync(join(tmpdir(), "cairn-")));
    return folders.at(-1)!;
  };
  before(() => {
    tools = new PythonTools(join(python.path, ".."));
  });
  after(() => {
    tools[Symbol.dispose]();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  /** What was installed by a run of an installer that keeps its cache in a folder. */
  async function installed(
    server: CairnServer,
    installer: "pip" | "uv",
    cache: string,
  ): Promise<string[]> {
    const target = newFolder();
    const { host } = new URL(server.url);
    // pip keeps what comes without TLS only of hosts that it is told to trust.
    const program = {
      pip: ["python", "-m", "pip", "--isolated", "--trusted-host", host],
      uv: ["uv", "--no-config", "--no-python-downloads", "pip"],
    }[installer];
    const [command = "", ...args] = [...program, "install", "--cache-dir", cache];
    const where = ["--target", target, "--index-url", `${server.url}/simple/`, "acme-tool"];
    const { code, output } = await tools.run(command, ...args, ...where);
    equal(code, 0, output);
    return readdirSync(target).filter((name) => name.endsWith(".dist-info"));
  }

  const publish = async (server: CairnServer, version: string): Promise<void> => {
    const form = await uploadForm(makeWheel({ name: "acme-tool", version, paddingBytes: 9_000 }));
    const response = await fetch(`${server.url}/legacy/`, await postOf(form));
    equal(response.status, 200, await response.text());
  };

  for (const installer of ["pip", "uv"] as const) {
    it(`${installer} sees an upload at once, though it keeps pages`, async () => {
      await using server = await start(newFolder());
      const cache = newFolder();
      await publish(server, "1.0");
      deepEqual(await installed(server, installer, cache), ["acme_tool-1.0.dist-info"]);
      await publish(server, "2.0");
      deepEqual(await installed(server, installer, cache), ["acme_tool-2.0.dist-info"]);
    });
  }

  it("I-219: pip asks a second time only whether pages have changed, and for no file", async () => {
    await using origin = await start(newFolder());
    await using mirror = await start(newFolder(), ["--upstream", `${origin.url}/simple/`]);
    await publish(origin, "1.0");
    for (const server of [origin, mirror]) {
      const cache = newFolder();
      // Someone's first download fills the mirror, which gives its page another serial.
      await installed(server, "pip", newFolder());
      await installed(server, "pip", cache);
      const before = server.output().length;
      await installed(server, "pip", cache);
      const asked = server.output().slice(before).match(/(?:GET|HEAD) \S+ \d+/g) ?? [];
      deepEqual(asked.filter((each) => !each.includes("/simple/pip/")), [
        "GET /simple/acme-tool/ 304",
      ]);
    }
    ok(mirror.output().includes("GET /packages/"));
  });
});

function start(folder: string, args: readonly string[] = []): Promise<CairnServer> {
  return startCairn(RUNTIME, [folder, "--open", "list,download,update", ...args]);
}
