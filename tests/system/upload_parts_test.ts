// runs on: deno
/** Large files that come in parts, to servers on a folder and to the Worker on a bucket. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type CairnProcess, startCairn } from "../clients/cairn_process.ts";
import { startWorker } from "../clients/cairn_worker.ts";
import { growthOf, noMemoryTold as skip } from "../clients/process_memory.ts";
import { packagePath, postOf, uploadForm } from "../core/wheels_http/house.ts";
import { nodeProgram } from "../run/toolchain.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../testing/make_wheel.ts";

const RUNTIMES: Readonly<Record<string, () => Promise<string[]>>> = {
  "Deno": () => Promise.resolve([Deno.execPath(), "run", "-A"]),
  "Node 24": async () => [await nodeProgram(24)],
};

const MB = 1_000_000;
const PART_BYTES = 8_388_608;
const OPEN = "list,download,update";

const folders: string[] = [];
function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), "cairn-")));
  return folders.at(-1)!;
}
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A wheel on its way to a server. */
class Upload {
  readonly #url: string;
  readonly #wheel: MadeWheel;
  readonly #count: number;

  constructor(url: string, wheel: MadeWheel, count: number) {
    this.#url = url;
    this.#wheel = wheel;
    this.#count = count;
  }

  static async reserve(base: string, wheel: MadeWheel, sha256: string): Promise<Upload> {
    const { filename, bytes } = wheel;
    const response = await fetch(`${base}/upload/reserve`, {
      method: "POST",
      body: JSON.stringify({ filename, sha256, size: bytes.length }),
    });
    const text = await response.text();
    equal(response.status, 201, text);
    const { upload_url, parts, part_size } = JSON.parse(text);
    deepEqual([part_size, parts], [PART_BYTES, Math.ceil(bytes.length / PART_BYTES)]);
    return new Upload(upload_url, wheel, parts);
  }

  async put(part: number, of = part): Promise<void> {
    const body = this.#wheel.bytes.subarray((of - 1) * PART_BYTES, of * PART_BYTES);
    const response = await fetch(`${this.#url}?part=${part}`, { method: "PUT", body });
    equal(response.status, 204, await response.text());
  }

  /** Puts all parts, the last one first. */
  async putAll(): Promise<void> {
    for (let part = this.#count; part > 0; part--) await this.put(part);
  }

  async finalize(fields: Record<string, string> = {}): Promise<Response> {
    const form = await uploadForm({ ...this.#wheel, bytes: new Uint8Array(0) }, {
      sha256_digest: "",
      ...fields,
    });
    form.delete("content");
    return await fetch(`${this.#url}/finalize`, await postOf(form));
  }
}

async function served(base: string, { filename, bytes }: MadeWheel, sha256: string): Promise<void> {
  const response = await fetch(base + packagePath(sha256, filename));
  equal(response.status, 200);
  let at = 0;
  for await (const chunk of response.body!) {
    ok(chunk.every((byte, index) => byte === bytes[at + index]), `byte ${at}`);
    at += chunk.byteLength;
  }
  equal(at, bytes.length);
}

/** All that lies in a folder store but the index: published or on its way. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith("index.sqlite"))
    .map(({ name }) => name).sort();
}

let large: { readonly wheel: MadeWheel; readonly sha256: string } | undefined;
/** Made once, for making it takes seconds. */
async function largeWheel(): Promise<{ readonly wheel: MadeWheel; readonly sha256: string }> {
  if (large !== undefined) return large;
  const wheel = makeWheel({ name: "demo", version: "1.0", paddingBytes: 300 * MB });
  return large = { wheel, sha256: await sha256Of(wheel.bytes) };
}

for (const [runtime, command] of Object.entries(RUNTIMES)) {
  describe(`A file of 300 MB in parts, to a server on ${runtime}`, { skip }, () => {
    it("I-132: is refused and swept with a wrong hash; published with a part sent twice; memory stays flat", async () => {
      const { wheel, sha256 } = await largeWheel();
      const folder = newFolder();
      await using cairn: CairnProcess = await startCairn(await command(), [folder, "--open", OPEN]);
      const wrong = await Upload.reserve(cairn.url, wheel, "0".repeat(64));
      await wrong.putAll();
      const refusal = await wrong.finalize();
      equal(refusal.status, 400);
      match(await refusal.text(), /^The digest supplied does not match/);
      deepEqual(filesOf(folder), []);
      const growth = await growthOf(cairn, async () => {
        const right = await Upload.reserve(cairn.url, wheel, sha256);
        await right.putAll();
        await right.put(5, 7);
        await right.put(5);
        const response = await right.finalize({ sha256_digest: sha256 });
        equal(response.status, 200, await response.text());
      });
      deepEqual(filesOf(folder), [wheel.filename, `${wheel.filename}.metadata`]);
      await served(cairn.url, wheel, sha256);
      ok(growth < 100 * MB, `${growth} bytes`);
    });
  });
}

describe("A file in parts, to the Worker", () => {
  it("lies in the bucket, is joined and published; with a wrong hash nothing is left", async () => {
    const wheel = makeWheel({ name: "demo", version: "1.0", paddingBytes: 20 * MB });
    const sha256 = await sha256Of(wheel.bytes);
    await using worker = await startWorker({ OPEN });
    const wrong = await Upload.reserve(worker.url, wheel, "0".repeat(64));
    await wrong.putAll();
    const refusal = await wrong.finalize();
    equal(refusal.status, 400, await refusal.text());
    equal((await wrong.finalize()).status, 404);
    const right = await Upload.reserve(worker.url, wheel, sha256);
    await right.putAll();
    await right.put(2, 1);
    await right.put(2);
    const response = await right.finalize();
    equal(response.status, 200, await response.text());
    await served(worker.url, wheel, sha256);
  });
});
