// runs on: deno
/** How answers are framed on the wire, by cairn on every runtime it is served from. */

import { equal, ok } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { startWorker } from "../clients/cairn_worker.ts";
import { packagePath } from "../core/wheels_http/house.ts";
import { nodeProgram } from "../run/toolchain.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";

const folders: string[] = [];
const WHEEL = makeWheel({ name: "demo", version: "1.0", paddingBytes: 400_000 });
const PATH = packagePath(await sha256Of(WHEEL.bytes), WHEEL.filename);
const DENO = [Deno.execPath(), "run", "-A"];

const STARTS: Readonly<Record<string, (upstream: string) => Promise<CairnServer>>> = {
  "Deno": (upstream) => startCairn(DENO, [newFolder(), "--upstream", upstream]),
  "Node 24": async (upstream) =>
    startCairn([await nodeProgram(24)], [newFolder(), "--upstream", upstream]),
  "workerd": (upstream) => startWorker({ UPSTREAM: upstream }),
};

after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

for (const [runtime, start] of Object.entries(STARTS)) {
  describe(`Answers of cairn on ${runtime}`, () => {
    it("I-172: have a length and never come in chunks", async () => {
      await using origin = await startOrigin();
      await using server = await start(`${origin.url}/simple/`);
      const requests: [string, number, Record<string, string>?][] = [
        ["/simple/", 200],
        ["/simple/demo/", 200],
        ["/simple/demo/", 200, { "accept-encoding": "gzip" }],
        ["/simple/demo/", 200, { accept: "application/vnd.pypi.simple.v1+json" }],
        ["/simple/Demo/", 301],
        ["/simple/nothing/", 404],
        [PATH, 200],
        [PATH, 200],
        [PATH, 206, { range: "bytes=-9999" }],
        [`${PATH}.metadata`, 200],
        ["/health", 200],
      ];
      for (const [path, status, headers = {}] of requests) {
        const what = `${path} ${JSON.stringify(headers)}`;
        const answer = await ask(server, path, { method: "GET", headers });
        equal(answer.status, status, what);
        equal(answer.headers.get("transfer-encoding"), undefined, what);
        equal(answer.headers.get("content-length"), String(answer.bodyBytes), what);
      }
    });

    it("I-057: to HEAD for a file are 200 with its length and no byte of it", async () => {
      await using origin = await startOrigin();
      await using server = await start(`${origin.url}/simple/`);
      for (const round of ["cold", "held"]) {
        const { status, headers, bodyBytes } = await ask(server, PATH, { method: "HEAD" });
        equal(status, 200, round);
        equal(headers.get("content-length"), String(WHEEL.bytes.length), round);
        equal(headers.get("accept-ranges"), "bytes", round);
        ok(headers.get("etag"), round);
        equal(bodyBytes, 0, round);
        await (await fetch(server.url + PATH)).arrayBuffer();
      }
    });
  });
}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly bodyBytes: number;
}

/** Asks by hand, for clients undo the framing. */
function ask(
  server: CairnServer,
  path: string,
  { method, headers = {} }: { method: string; headers?: Record<string, string> },
): Promise<Answer> {
  const { hostname, port, host } = new URL(server.url);
  const fields = Object.entries({ host, connection: "close", ...headers });
  const lines = [
    `${method} ${path} HTTP/1.1`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ];
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    });
    socket.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      // Some runtimes take their time to close a connection; what they still send is read.
      const { headers, bodyBytes } = answerIn(chunks);
      const awaited = method === "HEAD" ? 0 : Number(headers.get("content-length"));
      if (bodyBytes >= awaited) socket.end();
    });
    socket.once("error", reject);
    socket.once("close", () => resolve(answerIn(chunks)));
  });
}

function answerIn(chunks: readonly Uint8Array[]): Answer {
  const text = chunks.map((chunk) => new TextDecoder("latin1").decode(chunk)).join("");
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return { status: 0, headers: new Map(), bodyBytes: -1 };
  const [first = "", ...fields] = text.slice(0, end).split("\r\n");
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim()];
  });
  return {
    status: Number(first.split(" ")[1]),
    headers: new Map(headers),
    bodyBytes: text.length - end - 4,
  };
}

function startOrigin(): Promise<CairnServer> {
  const folder = newFolder();
  writeFileSync(join(folder, WHEEL.filename), WHEEL.bytes);
  return startCairn(DENO, [folder]);
}

function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "cairn-")));
  return folders.at(-1)!;
}
