// runs on: node24
/** What a push makes of a curdling server, which overwrites what it has and reports little. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import process from "node:process";
import { after, afterEach, before, beforeEach, describe, it } from "node:test";
import { filesToPush } from "../../src/apps/push_files.ts";
import { CurdlingListings } from "../../src/apps/push_listings.ts";
import { Poster } from "../../src/apps/push_post.ts";
import { Push } from "../../src/apps/push_run.ts";
import { targetOf } from "../../src/apps/push_target.ts";
import { curdlingWay } from "../../src/apps/push_way.ts";
import { type Clock, systemClock } from "../../src/contracts/clock.ts";
import { startCairn } from "../clients/cairn_process.ts";
import { run } from "../clients/command.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";

/** Answers a request in place of the server; `false` leaves it to the server. */
type Fault = (request: IncomingMessage, response: ServerResponse) => boolean;

/**
 * What curdling's server does, by its description: names are lower case with dashes and their dots,
 * whatever is put is kept, over what was there, and every answer is said to be HTML.
 */
class CurdlingServer {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly asked: string[] = [];
  readonly authorizations = new Set<string | undefined>();
  fault: Fault = () => false;
  #server: Server | undefined;

  get puts(): string[] {
    return this.asked.filter((line) => line.startsWith("PUT "));
  }

  async start(): Promise<string> {
    this.#server = createServer((request, response) => {
      this.asked.push(`${request.method} ${request.url}`);
      this.authorizations.add(request.headers.authorization);
      response.setHeader("content-type", "text/html; charset=utf-8");
      if (this.fault(request, response)) return;
      void this.#answer(request, response);
    });
    await new Promise<void>((resolve) => this.#server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, root, name = ""] = decodeURIComponent(request.url!).split("/");
    if (request.method === "PUT" && root === "p") {
      const file = (await formOf(request)).get(name);
      if (!(file instanceof File)) return void response.writeHead(400).end();
      this.files.set(name, new Uint8Array(await file.arrayBuffer()));
      response.end("ok");
    } else if (root === "api") {
      const urls = await this.#urlsOf(name, request.headers.host!);
      if (urls.length === 0) response.writeHead(404).end('{"status": "error"}');
      else response.end(JSON.stringify([{ name, version: "any", urls }]));
    } else response.writeHead(404).end();
  }

  async #urlsOf(name: string, host: string): Promise<{ url: string; sha256: string }[]> {
    const found = [...this.files].filter(([filename]) => {
      return filename.slice(0, filename.search(/-\d/)).toLowerCase().replaceAll("_", "-") === name;
    });
    return await Promise.all(found.map(async ([filename, bytes]) => ({
      url: `http://${host}/p/${filename}`,
      sha256: await sha256Of(bytes),
    })));
  }
}

async function formOf(request: IncomingMessage): Promise<FormData> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of request) pieces.push(new Uint8Array(piece));
  const headers = { "content-type": request.headers["content-type"]! };
  return await new Response(new Blob(pieces), { headers }).formData();
}

/** Takes no time to wait. */
const hurried: Clock = { now: () => systemClock.now(), sleep: () => Promise.resolve() };

interface Told {
  readonly ends: Record<string, string>;
  readonly reasons: string[];
  readonly error: unknown;
}

let base = "";
let folder = "";
let server: CurdlingServer;
before(async () => {
  base = await mkdtemp(`${tmpdir()}/cairn-curdling-`);
});
beforeEach(async () => {
  folder = await mkdtemp(`${base}/`);
  server = new CurdlingServer();
});
afterEach(() => server.stop());
after(() => rm(base, { recursive: true }));

async function keep(
  file: { readonly filename: string; readonly bytes: Uint8Array },
): Promise<string> {
  await writeFile(`${folder}/${file.filename}`, file.bytes);
  return file.filename;
}

/** Pushes what the folder, or the paths given, have. */
async function push(paths: readonly string[] = [folder]): Promise<Told> {
  const login = { user: undefined, passwordFile: undefined };
  const root = await server.start();
  const address = root.replace("//", "//ann:s3cret@");
  const target = await targetOf(`${address}/p/`, { login, index: undefined });
  const fetcher = (url: string, init: RequestInit) => fetch(url, init);
  const poster = new Poster({
    url: target.uploadUrl,
    authorization: target.authorization,
    connections: 1,
    clock: systemClock,
  });
  const ends: Record<string, string> = {};
  const reasons: string[] = [];
  const pushing = new Push({
    poster,
    pages: new CurdlingListings({ url: target.indexUrl, fetch: fetcher, clock: systemClock }),
    way: curdlingWay(target.uploadUrl),
    isAsked: true,
    user: target.user,
    clock: hurried,
    random: () => 0.5,
    watch: {
      signal: new AbortController().signal,
      onRead: () => {},
      onSent: () => {},
      onDone: ({ filename }, end, reason) => {
        ends[filename] = end;
        if (reason !== undefined) reasons.push(reason);
      },
      onAgain: () => {},
      onUnasked: () => {},
    },
  });
  const error = await pushing.run(await filesToPush(paths), 1).then(() => undefined, (e) => e);
  poster.close();
  return { ends, reasons, error };
}

describe("a push to a curdling server", () => {
  it("CX-02: brings newer versions of what it has, and what it has not again", async () => {
    const [old, next] = ["1.0", "1.1"].map((version) => makeWheel({ name: "Some_Demo", version }));
    server.files.set(old!.filename, old!.bytes);
    await keep(old!);
    await keep(next!);
    const source = await makeSdist({ name: "Some_Demo", version: "1.0" });
    await keep(source);
    const { ends, error } = await push();
    equal(error, undefined);
    deepEqual(ends, {
      [old!.filename]: "there",
      [next!.filename]: "pushed",
      [source.filename]: "pushed",
    });
    deepEqual(server.puts, [`PUT /p/${next!.filename}`, `PUT /p/${source.filename}`]);
    deepEqual(server.files.get(next!.filename), next!.bytes);
    deepEqual(server.files.get(source.filename), source.bytes);
    deepEqual([...server.authorizations], [`Basic ${btoa("ann:s3cret")}`]);
  });

  it("CX-03: brings everything that lies in a folder, however it got there", async () => {
    const wheels = ["one", "two", "three"].map((name) => makeWheel({ name, version: "1.0" }));
    for (const wheel of wheels) await keep(wheel);
    server.files.set(wheels[0]!.filename, wheels[0]!.bytes);
    const { ends } = await push();
    deepEqual(Object.values(ends).sort(), ["pushed", "pushed", "there"]);
    for (const { filename, bytes } of wheels) deepEqual(server.files.get(filename), bytes);
  });

  it("asks by the name that curdling files packages under, dots and all", async () => {
    const { bytes } = makeWheel({ name: "zope.interface", version: "1.0" });
    const dotted = { filename: "zope.interface-1.0-py3-none-any.whl", bytes };
    server.files.set(await keep(dotted), bytes);
    const told = await push();
    deepEqual(server.asked, ["GET /api/zope.interface"], JSON.stringify(told));
    deepEqual(told.ends, { [dotted.filename]: "there" });
  });

  it("never overwrites other bytes, which the server would take", async () => {
    const theirs = makeWheel({ name: "demo", version: "1.0", seed: 1 });
    server.files.set(theirs.filename, theirs.bytes);
    await keep(makeWheel({ name: "demo", version: "1.0" }));
    const { ends, reasons } = await push();
    deepEqual(ends, { [theirs.filename]: "other" });
    match(reasons.join(), /^the index has other bytes by this name, with SHA-256 [0-9a-f]{64}$/);
    deepEqual(server.files.get(theirs.filename), theirs.bytes);
    deepEqual(server.puts, []);
  });

  it("CX-04: takes no failed lookup for a miss, and no failed upload for a success", async () => {
    for (const name of ["one", "two"]) await keep(makeWheel({ name, version: "1.0" }));
    server.fault = (request, response) => {
      if (request.method === "GET") response.writeHead(500).end("oh");
      return request.method === "GET";
    };
    const unasked = await push();
    deepEqual(Object.values(unasked.ends), ["failed", "failed"]);
    match(unasked.reasons[0]!, /\/api\/\w+: its status is 500$/);
    deepEqual(server.puts, []);
    await server.stop();

    server = new CurdlingServer();
    server.fault = (request, response) => {
      request.resume().on("end", () => response.writeHead(401).end("Login Required"));
      return true;
    };
    const unknown = await push();
    match(String(unknown.error), /its status is 401/);
    deepEqual([unknown.ends, server.asked.length], [{}, 1]);
    await server.stop();

    for (const [status, end] of [[400, "failed"], [413, "failed"], [500, "failed"]] as const) {
      server = new CurdlingServer();
      server.fault = (request, response) => {
        if (request.method === "PUT") {
          request.resume().on("end", () => response.writeHead(status).end("no"));
        }
        return request.method === "PUT";
      };
      const refused = await push();
      deepEqual(Object.values(refused.ends), [end, end]);
      ok(refused.reasons.every((reason) => reason.startsWith(`${status} `)));
      await server.stop();
    }
  });

  it("CX-05: ends when an upload breaks or a name is taken, and sends no file twice", async () => {
    const names = ["broken", "conflict", "fine"].map((name) => `${name}-1.0-py3-none-any.whl`);
    for (const name of ["broken", "conflict", "fine"]) {
      await keep(makeWheel({ name, version: "1.0", paddingBytes: 200_000 }));
    }
    server.fault = (request, response) => {
      if (request.url === `/p/${names[0]}` && request.method === "PUT") {
        request.resume().on("end", () => response.writeHead(503).end());
        return true;
      }
      if (request.url !== `/p/${names[1]}` || request.method !== "PUT") return false;
      request.resume().on("end", () => response.writeHead(409).end("conflict"));
      return true;
    };
    const { ends, error } = await push([folder, folder, `${folder}/${names[2]}`]);
    equal(error, undefined);
    deepEqual(ends, { [names[0]!]: "failed", [names[1]!]: "other", [names[2]!]: "pushed" });
    equal(server.puts.filter((line) => line.endsWith(names[2]!)).length, 1);
    await server.stop();

    server = new CurdlingServer();
    server.fault = (request) => {
      if (request.method === "PUT") request.once("data", () => request.socket.destroy());
      return request.method === "PUT";
    };
    const lost = await push();
    match(String(lost.error), /the index cannot be reached/);
  });
});

describe("cairn push to an address that ends in /p/", () => {
  it("puts files into a cairn, and tells what was there", async () => {
    await using cairn = await startCairn([process.execPath], [
      `${folder}/served`,
      "--open",
      "list,download,update",
    ]);
    const wheels = ["1.0", "1.1"].map((version) => makeWheel({ name: "demo", version }));
    await keep(wheels[0]!);
    const command = [
      "src/apps/cli.ts",
      "push",
      ...[`${folder}/${wheels[0]!.filename}`, `${folder}/${wheels[1]!.filename}`],
      ...["--to", `${cairn.url}/p/`],
    ];
    await keep(wheels[1]!);
    const env = { ...process.env as Record<string, string>, NO_COLOR: "1", CAIRN_PASSWORD: "" };
    const first = await run(process.execPath, command, { env });
    equal(first.code, 0, first.output);
    match(first.output, / {2}2 pushed {3}0 there already/);
    match(first.output, /cairn pushed to http:\S+\/p\/ after/);
    equal(cairn.output().match(/PUT \/p\/\S+ 200/g)?.length, 2);
    const again = await run(process.execPath, command, { env });
    match(again.output, / {2}0 pushed {3}2 there already/);
    equal(cairn.output().match(/PUT \/p\/\S+ 200/g)?.length, 2);
  });
});
