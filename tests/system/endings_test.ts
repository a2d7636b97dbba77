// runs on: deno
/** What becomes of files on their way when a server ends: as it should, or at once. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { listen, type Listening } from "../../src/apps/listen.ts";
import { type CairnProcess, startCairn } from "../clients/cairn_process.ts";
import { House, type PublishedWheel } from "../core/wheels_http/house.ts";
import { withBody } from "../core/wheels_http/upstreams.ts";

const RUNTIME = [Deno.execPath(), "run", "-A"];
const MINUTES = 5;

const folders: string[] = [];
function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "cairn-")));
  return folders.at(-1)!;
}
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** An upstream that sends half of each file, and the rest when it is let. */
class HalfUpstream implements AsyncDisposable {
  readonly house = new House();
  readonly #server: Listening;
  #release: () => void = () => {};
  readonly #released: Promise<void>;

  constructor(server: Listening) {
    this.#released = new Promise((resolve) => this.#release = resolve);
    this.#server = server;
  }

  static async open(): Promise<HalfUpstream> {
    const made: { upstream?: HalfUpstream } = {};
    const server = await listen((request) => made.upstream!.answer(request), {
      hostname: "127.0.0.1",
      port: 0,
    });
    return made.upstream = new HalfUpstream(server);
  }

  get index(): string {
    return `${this.#server.url}/simple/`;
  }

  async wheel(name: string): Promise<PublishedWheel> {
    return await this.house.publish({ name, version: "1.0", paddingBytes: 3_000_000 });
  }

  release(): void {
    this.#release();
  }

  async answer(request: Request): Promise<Response> {
    const response = await this.house.app.fetch(request);
    if (!request.url.endsWith(".whl") || request.method !== "GET") return response;
    const bytes = new Uint8Array(await response.arrayBuffer());
    const half = bytes.length >> 1;
    const released = this.#released;
    const parts = [bytes.slice(0, half), bytes.slice(half)];
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const part = parts.shift();
        if (part === undefined) return controller.close();
        if (parts.length === 0) await released;
        controller.enqueue(part);
      },
    }, { highWaterMark: 0 });
    return withBody(response, body);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.release();
    await this.#server.stop();
  }
}

/** Begins to read a file, and answers its reader once the first bytes are here. */
async function begun(
  cairn: CairnProcess,
  wheel: PublishedWheel,
): Promise<{ reader: ReadableStreamDefaultReader<Uint8Array>; first: Uint8Array }> {
  const response = await fetch(cairn.url + wheel.path);
  equal(response.status, 200);
  const reader = response.body!.getReader();
  const { value } = await reader.read();
  return { reader, first: value! };
}

async function rest(
  { reader, first }: Awaited<ReturnType<typeof begun>>,
): Promise<Uint8Array | undefined> {
  const parts = [first];
  try {
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined) break;
      parts.push(value);
    }
  } catch {
    return undefined;
  }
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/** Every file in a folder but those of the index, by its path. */
function filesIn(folder: string): string[] {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => !/index\.sqlite/.test(path)).sort();
}

/** Waits for something that really happens, however long it takes. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  const last = performance.now() + MINUTES * 60_000;
  while (!isSo()) {
    if (performance.now() > last) throw new Error(`After ${MINUTES} minutes not yet: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

describe("a server that ends", () => {
  it("I-177: at once, in the middle of a fill, leaves no part of a file that is ever served", async () => {
    const folder = newFolder();
    await using upstream = await HalfUpstream.open();
    const wheel = await upstream.wheel("demo");
    const options = [folder, "--upstream", upstream.index];
    const target = join(folder, "upstream.main", "demo", wheel.filename);
    {
      await using cairn = await startCairn(RUNTIME, options);
      const reading = await begun(cairn, wheel);
      cairn.signal("SIGKILL");
      await cairn.ended;
      equal(await rest(reading), undefined, "the client is told that it has not all");
    }
    const left = filesIn(folder);
    ok(!left.includes(target), left.join());
    ok(left.length > 0, "something was taken aside");
    upstream.release();
    {
      await using cairn = await startCairn(RUNTIME, options);
      const page = await (await fetch(`${cairn.url}/simple/demo/`)).text();
      ok(page.includes(wheel.sha256), "it is listed as the upstream has it");
      const again = await rest(await begun(cairn, wheel));
      deepEqual(again, wheel.bytes);
      await until(() => filesIn(folder).includes(target), "the file is stored");
      deepEqual(new Uint8Array(readFileSync(target)), wheel.bytes);
    }
    const twoDaysAgo = Date.now() / 1_000 - 2 * 86_400;
    for (const path of left) utimesSync(path, twoDaysAgo, twoDaysAgo);
    await using cairn = await startCairn(RUNTIME, options);
    await until(() => left.every((path) => !filesIn(folder).includes(path)), "leftovers are swept");
    deepEqual(await rest(await begun(cairn, wheel)), wheel.bytes);
  });

  it("I-222: as it is asked to lets running responses and fills come to their end", async () => {
    const folder = newFolder();
    await using upstream = await HalfUpstream.open();
    const [wanted, left] = [await upstream.wheel("wanted"), await upstream.wheel("left")];
    await using cairn = await startCairn(RUNTIME, [folder, "--upstream", upstream.index]);
    const reading = await begun(cairn, wanted);
    const { reader } = await begun(cairn, left);
    await reader.cancel();
    cairn.signal("SIGTERM");
    await until(() => /Lets what is running end/.test(cairn.output()), "it says that it ends");
    const refused = await fetch(`${cairn.url}/simple/`).then(() => false, () => true);
    equal(refused, true, "nobody else comes in");
    upstream.release();
    deepEqual(await rest(reading), wanted.bytes);
    equal(await cairn.ended, 0);
    for (const { filename, bytes } of [wanted, left]) {
      const path = join(folder, "upstream.main", filename.split("-")[0]!, filename);
      deepEqual(new Uint8Array(readFileSync(path)), bytes);
    }
    await using again = await startCairn(RUNTIME, [folder]);
    for (const wheel of [wanted, left]) {
      deepEqual(await rest(await begun(again, wheel)), wheel.bytes, "its record is there, too");
    }
  });
});
