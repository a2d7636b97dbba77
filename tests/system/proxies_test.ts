// runs on: node24
/** Going through a proxy that the environment names, with its password. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { request } from "node:http";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { run } from "../clients/command.ts";
import { makeWheel } from "../testing/make_wheel.ts";

const WHEEL = makeWheel({ name: "demo", version: "1.0", paddingBytes: 200_000 });
const BASIC = `Basic ${btoa("who:p w")}`;

/** A proxy behind which one server has every name there is. */
class Proxy {
  /** What came, and the password it came with. */
  readonly asked: [string, string | undefined][] = [];
  readonly #server: Server;

  constructor(origin: URL) {
    this.#server = createServer((incoming, outgoing) => {
      this.asked.push([incoming.method!, incoming.headers["proxy-authorization"]]);
      const { pathname, search } = new URL(incoming.url!);
      const { method, headers } = incoming;
      const options = { host: origin.hostname, port: origin.port, method, headers };
      const passed = request({ ...options, path: pathname + search }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(outgoing);
      });
      passed.on("error", () => outgoing.destroy());
      incoming.pipe(passed);
    });
    this.#server.on("connect", ({ headers }, socket) => {
      this.asked.push(["CONNECT", headers["proxy-authorization"]]);
      const through = connect(Number(origin.port), origin.hostname, () => {
        socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
        socket.pipe(through).pipe(socket);
      });
      for (const end of [socket, through]) end.on("error", () => end.destroy());
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://who:p%20w@127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Starts a process with more in its environment. */
async function withEnvironment<T>(
  more: Readonly<Record<string, string>>,
  start: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(more).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, more);
  try {
    return await start();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

describe("a proxy", () => {
  let base = "";
  let origin: CairnServer;
  let proxy: Proxy;
  let address = "";
  const environment = (more: Record<string, string>): Record<string, string> => ({
    ...process.env as Record<string, string>,
    ...{ NO_COLOR: "1", CAIRN_PASSWORD: "", NO_PROXY: "", no_proxy: "" },
    ...more,
  });
  before(async () => {
    base = await mkdtemp(`${tmpdir()}/cairn-proxy-`);
    await writeFile(`${base}/${WHEEL.filename}`, WHEEL.bytes);
    const open = ["--open", "list,download,update"];
    origin = await startCairn([process.execPath], [`${base}/origin`, ...open]);
    proxy = new Proxy(new URL(origin.url));
    address = await proxy.start();
  });
  after(async () => {
    await proxy.stop();
    await origin.stop();
    await rm(base, { recursive: true });
  });

  for (const path of ["/p/", "/legacy/"]) {
    it(`C-023 C-053: that is named is gone through, as somebody, to push to ${path}`, async () => {
      const command = ["src/apps/cli.ts", "push", `${base}/${WHEEL.filename}`];
      proxy.asked.length = 0;
      const env = environment({ NODE_USE_ENV_PROXY: "1", HTTP_PROXY: address });
      const there = [...command, "--to", `http://ann:s3cret@index.invalid${path}`];
      const pushed = await run(process.execPath, there, { env });
      equal(pushed.code, 0, pushed.output);
      match(pushed.output, /1 (?:pushed|there already)|0 pushed {3}1 there already/);
      ok(proxy.asked.length >= 1);
      deepEqual([...new Set(proxy.asked.map(([, user]) => user))], [BASIC]);
      proxy.asked.length = 0;
      const direct = [...command, "--no-check", "--to", `${origin.url}${path}`];
      const plain = await run(process.execPath, direct, { env: environment({}) });
      equal(plain.code, 0, plain.output);
      deepEqual(proxy.asked, []);
    });
  }

  it("C-023: that is named is gone through to read an upstream", async () => {
    const wheel = makeWheel({ name: "behind", version: "1.0", paddingBytes: 100_000 });
    const form = { method: "PUT", body: wheel.bytes };
    equal((await fetch(`${origin.url}/p/${wheel.filename}`, form)).status, 200);
    proxy.asked.length = 0;
    const cairn = await withEnvironment({ NODE_USE_ENV_PROXY: "1", HTTP_PROXY: address }, () => {
      const upstream = ["--upstream", "http://index.invalid/simple/"];
      return startCairn([process.execPath], [`${base}/through`, ...upstream]);
    });
    await using _ = cairn;
    const response = await fetch(`${cairn.url}/s/behind`);
    equal(response.status, 200, cairn.output());
    deepEqual(new Uint8Array(await response.arrayBuffer()), wheel.bytes);
    ok(proxy.asked.length >= 1);
    deepEqual([...new Set(proxy.asked.map(([, user]) => user))], [BASIC]);
  });
});
