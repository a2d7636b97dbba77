// runs on: node24
/** What a push makes of an index that fails: every n-th request in every way. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { after, afterEach, before, describe, it } from "node:test";
import { reasonIn, verdictOf } from "../../src/apps/push_answer.ts";
import { filesToPush, type PushFile } from "../../src/apps/push_files.ts";
import { IndexPages } from "../../src/apps/push_pages.ts";
import { Poster } from "../../src/apps/push_post.ts";
import { PushProgress, sizeText } from "../../src/apps/push_progress.ts";
import { Push } from "../../src/apps/push_run.ts";
import { targetOf } from "../../src/apps/push_target.ts";
import { twineWay } from "../../src/apps/push_way.ts";
import type { Clock } from "../../src/contracts/clock.ts";
import { systemClock } from "../../src/contracts/clock.ts";
import { ManualClock } from "../testing/manual_clock.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../testing/make_wheel.ts";

/** One way to fail: it answers, or drops the connection. */
type Fault = (exchange: Exchange) => void | Promise<void>;

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Reads the form and keeps its file. */
  readonly take: () => Promise<void>;
}

/** An index of the plainest kind, whose n-th upload fails. */
class FailingIndex {
  readonly files = new Map<string, Uint8Array<ArrayBuffer>>();
  readonly forms: FormData[] = [];
  readonly pages = new Map<string, string>();
  posts = 0;
  fault: Fault = () => {};
  failing: (post: number) => boolean = () => false;
  #server: Server | undefined;

  async start(): Promise<string> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server!.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET") {
      const page = this.pages.get(request.url!);
      if (page !== undefined) response.setHeader("content-type", "text/html");
      response.writeHead(page === undefined ? 404 : 200).end(page);
      return;
    }
    const take = () => this.#take(request);
    if (this.failing(++this.posts)) return void await this.fault({ request, response, take });
    await take();
    response.end("OK");
  }

  async #take(request: IncomingMessage): Promise<void> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for await (const piece of request) pieces.push(new Uint8Array(piece));
    const headers = { "content-type": request.headers["content-type"]! };
    const form = await new Response(new Blob(pieces), { headers }).formData();
    const file = form.get("content") as File;
    this.forms.push(form);
    this.files.set(file.name, new Uint8Array(await file.arrayBuffer()));
  }
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "500": ({ request, response }) => {
    request.resume().on("end", () => response.writeHead(500).end());
  },
  "503 before the form has come": ({ response }) => {
    response.writeHead(503, { connection: "close" }).end("busy");
  },
  "429": ({ request, response }) => {
    request.resume().on("end", () => response.writeHead(429, { "retry-after": "7" }).end());
  },
  "a connection that breaks at once": ({ request }) => void request.socket.destroy(),
  "a connection that breaks within the form": ({ request }) => {
    request.once("data", () => request.socket.destroy());
  },
  "a connection that breaks when all is taken": async ({ request, take }) => {
    await take();
    request.socket.destroy();
  },
  "an answer that breaks off": async ({ request, response, take }) => {
    await take();
    response.writeHead(500, { "content-length": "100" });
    response.write("half", () => request.socket.destroy());
  },
};

/** Sleeps no time, and notes how long it would have; a connection's waits it leaves to time. */
class NotedClock implements Clock {
  readonly slept: number[] = [];
  now(): number {
    return systemClock.now();
  }
  sleep(ms: number): Promise<void> {
    this.slept.push(ms);
    return Promise.resolve();
  }
}

interface Told {
  readonly ends: Record<string, string>;
  readonly reasons: string[];
  readonly slept: readonly number[];
  readonly error: unknown;
}

let base = "";
let wheels: MadeWheel[] = [];
let files: PushFile[] = [];
let index: FailingIndex;
before(async () => {
  base = await mkdtemp(`${tmpdir()}/cairn-push-`);
  const sizes = [0, 700_000, 0, 100_000];
  wheels = sizes.map((paddingBytes, at) => {
    return makeWheel({
      name: "demo",
      version: `1.${at}`,
      paddingBytes,
      metadata: ["Requires-Dist: a", "Requires-Dist: b>1", "Classifier: X :: Y", "License: Ü"],
    });
  });
  for (const { filename, bytes } of wheels) await writeFile(`${base}/${filename}`, bytes);
  files = await filesToPush([base]);
});
afterEach(() => index?.stop());
after(() => rm(base, { recursive: true }));

/** Pushes the wheels to a new index. */
async function push(
  prepare: (index: FailingIndex) => void,
  { jobs = 2, url }: { readonly jobs?: number; readonly url?: string } = {},
): Promise<Told> {
  await index?.stop();
  index = new FailingIndex();
  prepare(index);
  const root = url ?? await index.start();
  const login = { user: undefined, passwordFile: undefined };
  const target = await targetOf(root, { login, index: undefined });
  const clock = new NotedClock();
  const poster = new Poster({
    url: target.uploadUrl,
    authorization: undefined,
    connections: jobs,
    clock: systemClock,
  });
  const ends: Record<string, string> = {};
  const reasons: string[] = [];
  const run = new Push({
    poster,
    pages: new IndexPages({
      url: target.indexUrl,
      fetch: (address, init) => fetch(address, init),
      clock: systemClock,
      filenames: new Set(files.map(({ filename }) => filename)),
    }),
    way: twineWay,
    isAsked: true,
    user: undefined,
    clock,
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
  const error = await run.run(files, jobs).then(() => undefined, (thrown) => thrown);
  poster.close();
  return { ends, reasons, slept: clock.slept, error };
}

async function equalToWheels(): Promise<void> {
  const digests = async (entries: Iterable<readonly [string, Uint8Array<ArrayBuffer>]>) =>
    Object.fromEntries(
      await Promise.all([...entries].map(async ([name, bytes]) => [name, await sha256Of(bytes)])),
    );
  const sent = wheels.map(({ filename, bytes }) => [filename, bytes] as const);
  deepEqual(await digests(index.files), await digests(sent));
}

const PUSHED = ["pushed", "pushed", "pushed", "pushed"];

describe("a push to an index that fails", () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    it(`brings every file there, whichever request meets ${name}`, async () => {
      for (let n = 1; n <= wheels.length + 1; n++) {
        const told = await push((index) => {
          index.fault = fault;
          index.failing = (post) => post === n;
        });
        equal(told.error, undefined);
        deepEqual(Object.values(told.ends), PUSHED, `request ${n}`);
        await equalToWheels();
        equal(index.posts, wheels.length + (n <= wheels.length ? 1 : 0));
        const wait = name === "429" ? 7_500 : 500;
        deepEqual(told.slept, n <= wheels.length ? [wait] : []);
      }
    });
  }

  it("waits twice as long each time, at most five times, and then gives up", async () => {
    const told = await push((index) => {
      index.fault = FAULTS["500"]!;
      index.failing = (post) => post <= 5;
    }, { jobs: 1 });
    deepEqual(told.slept, [500, 1_000, 2_000, 4_000]);
    deepEqual(Object.values(told.ends), ["failed", "pushed", "pushed", "pushed"]);
    match(told.reasons.join(), /^500 Internal Server Error$/);
  });

  it("takes three files that are given up for an outage", async () => {
    const told = await push((index) => {
      index.fault = FAULTS["500"]!;
      index.failing = () => true;
    }, { jobs: 1 });
    match(String(told.error), /500 Internal Server Error/);
    equal(index.posts, 15);
  });

  it("sends nothing again to whom it is refused", async () => {
    for (const status of [400, 403, 413, 422, 451]) {
      const told = await push((index) => {
        index.fault = ({ request, response }) => {
          request.resume().on("end", () => response.writeHead(status).end("no\nway"));
        };
        index.failing = () => true;
      });
      deepEqual(Object.values(told.ends), PUSHED.map(() => "failed"));
      equal(index.posts, wheels.length);
      deepEqual(told.slept, []);
      ok(told.reasons.every((reason) => /no$/.test(reason)), told.reasons.join());
    }
  });

  it("ends where no file would fare better", async () => {
    for (const status of [301, 401, 404, 405]) {
      const told = await push((index) => {
        index.fault = ({ request, response }) => {
          const headers = { location: "https://other.example/" };
          request.resume().on("end", () => response.writeHead(status, headers).end());
        };
        index.failing = () => true;
      }, { jobs: 1 });
      ok(told.error instanceof Error);
      equal(index.posts, 1);
      deepEqual(told.ends, {});
    }
    const gone = await push(() => {}, { url: "http://127.0.0.1:9" });
    match(String(gone.error), /the index cannot be reached: /);
    equal(gone.slept.length >= 4, true);
  });

  it("does not come back later than in five minutes", async () => {
    const told = await push((index) => {
      index.fault = ({ request, response }) => {
        request.resume().on("end", () => response.writeHead(503, { "retry-after": "301" }).end());
      };
      index.failing = (post) => post === 1;
    }, { jobs: 1 });
    deepEqual(told.slept, []);
    deepEqual(Object.values(told.ends), ["failed", "pushed", "pushed", "pushed"]);
  });

  it("asks for the page again where a name is said to be taken", async () => {
    const [first, second] = wheels as [MadeWheel, MadeWheel];
    const digest = await sha256Of(first.bytes);
    const anchors = `<a href="/f/${first.filename}#sha256=${digest}">a</a>` +
      `<a href="/f/${second.filename}#sha256=${digest}">b</a>`;
    const told = await push((index) => {
      index.fault = ({ request, response }) => {
        index.pages.set("/simple/demo/", `<title>Links for demo</title>${anchors}`);
        request.resume().on("end", () => response.writeHead(409).end("conflict"));
      };
      index.failing = (post) => post === 1;
    }, { jobs: 1 });
    deepEqual(Object.values(told.ends), ["there", "other", "pushed", "pushed"]);
  });

  it("states what the archive says, in the form's own names", async () => {
    await push(() => {}, { jobs: 1 });
    const [form] = index.forms as [FormData];
    const wheel = wheels[0]!;
    deepEqual(form.getAll("requires_dist"), ["a", "b>1"]);
    const fields = Object.fromEntries(form);
    delete fields["content"];
    delete fields["requires_dist"];
    equal(fields["blake2_256_digest"]?.toString().length, 64);
    equal(fields["md5_digest"]?.toString().length, 32);
    delete fields["blake2_256_digest"];
    delete fields["md5_digest"];
    deepEqual(fields, {
      ":action": "file_upload",
      protocol_version: "1",
      filetype: "bdist_wheel",
      pyversion: "py3",
      sha256_digest: await sha256Of(wheel.bytes),
      metadata_version: "2.1",
      name: "demo",
      version: "1.0",
      classifiers: "X :: Y",
      license: "Ü",
      requires_python: "",
      description: "",
    });
  });
});

describe("the parts of a push", () => {
  it("know the words by which indexes say that a name is taken", () => {
    const verdict = (status: number, text = "") => verdictOf({ status, text });
    equal(verdict(409), "exists");
    equal(verdict(400, "File already exists ('x')."), "exists");
    equal(verdict(400, "Validation failed: File name has already been taken"), "exists");
    equal(verdict(403, "Not enough permissions to overwrite artifact 'x'"), "exists");
    equal(verdict(400, "Invalid distribution file"), "refused");
    equal(verdict(403, "no"), "refused");
    equal(verdict(201), "taken");
    equal(verdict(501), "refused");
    equal(verdictOf({ status: undefined, text: "" }), "later");
    match(reasonIn({ status: 403, text: "no" }, "ada"), /^the user "ada" may not do that: no$/);
  });

  it("make out the addresses", async () => {
    const login = { user: "a@b", passwordFile: `${base}/password` };
    await writeFile(login.passwordFile, "p:w");
    const urls = async (to: string, index?: string) => {
      const target = await targetOf(to, { login, index });
      equal(target.authorization, `Basic ${btoa("a@b:p:w")}`);
      return [target.uploadUrl, target.indexUrl];
    };
    const at = "http://a%40b:p%3Aw@x";
    deepEqual(await urls("http://x"), ["http://x/legacy/", `${at}/simple/`]);
    deepEqual(await urls("http://x/"), ["http://x/", `${at}/simple/`]);
    deepEqual(await urls("http://x/a/legacy"), ["http://x/a/legacy", `${at}/a/simple/`]);
    deepEqual(await urls("http://x/a/legacy/"), ["http://x/a/legacy/", `${at}/a/simple/`]);
    deepEqual(await urls("http://x/a/simple/"), ["http://x/a/simple/", `${at}/a/simple/`]);
    deepEqual(await urls("http://x/a?b"), ["http://x/a?b", `${at}/a/simple/`]);
    deepEqual(await urls("http://x/p"), ["http://x/p/", `${at}/api/`]);
    deepEqual(await urls("http://x/a/p/"), ["http://x/a/p/", `${at}/a/api/`]);
    deepEqual(await urls("http://x/p/", "http://y/s/"), ["http://x/p/", "http://y/s/"]);
    deepEqual(await urls("http://x/", "http://y/s/"), ["http://x/", "http://y/s/"]);
    await rejects(urls("x"), TypeError);
  });

  it("tell how far they are", async () => {
    const clock = new ManualClock();
    const [one, two] = [2_000_000, 1_000_000].map((sizeBytes) => {
      return { path: "", filename: "", sizeBytes };
    }) as [PushFile, PushFile];
    const progress = new PushProgress([one, two], clock);
    equal(progress.text(), "0 of 2 files   0 B of 3.0 MB");
    await clock.advance(2_000);
    progress.read(500_000);
    equal(progress.text(), "0 of 2 files   0 B of 3.0 MB   500 kB read");
    progress.sent(one, 0);
    for (let at = 0; at < 4; at++) {
      await clock.advance(1_000);
      progress.sent(one, 250_000);
    }
    equal(progress.text(), "0 of 2 files   1.0 MB of 3.0 MB   250 kB/s   8 s to go");
    progress.again(one);
    equal(progress.text(), "0 of 2 files   0 B of 3.0 MB   250 kB/s   12 s to go");
    progress.done(one);
    equal(progress.text(), "1 of 2 files   2.0 MB of 3.0 MB   250 kB/s   4 s to go");
    deepEqual([0, 999, 1_000, 99_949, 99_950, 999_499, 999_500, 5e15].map(sizeText), [
      "0 B",
      "999 B",
      "1.0 kB",
      "99.9 kB",
      "100 kB",
      "999 kB",
      "1.0 MB",
      "5000 TB",
    ]);
  });
});
