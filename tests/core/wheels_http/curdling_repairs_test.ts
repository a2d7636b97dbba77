/** What curdling's server gets wrong, and this one does not. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryFiles } from "../../../backends/memory_files.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { makeSdist } from "../../testing/make_sdist.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { listedAt, namesIn, put, putOf } from "./curdling_house.ts";
import { bytesOf, House } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { bound, storedPaths } from "./upstreams.ts";

const DEMO = { name: "demo", version: "1.0" };
const MEBIBYTE = 1_048_576;

/** A house over the stores of another one: a second process. */
function beside({ index, files }: House): House {
  return new House({ index, files: () => files });
}

describe("curdling's defects", () => {
  it("CX-01: every route answers, and files are bytes", async () => {
    const house = new House();
    const wheel = makeWheel({ ...DEMO, paddingBytes: 3_000 });
    ok(new Set(wheel.bytes).size > 250, "text would not do");
    const taken = await put(house, wheel);
    deepEqual([taken.status, await taken.text()], [200, "ok"]);
    deepEqual(await listedAt(house, "/api/"), ["demo"]);
    deepEqual(namesIn(await listedAt(house, "/api/demo")), [["1.0", [wheel.filename]]]);
    for (const path of [`/p/${wheel.filename}`, "/s/demo", "/s/demo%3Bwhl"]) {
      const response = await house.fetch(path);
      deepEqual([response.status, await bytesOf(response)], [200, wheel.bytes], path);
    }
    const page = await house.fetch("/api/demo");
    equal(page.headers.get("content-type"), "application/json");
  });

  it("CX-07: what one process takes, or finds in its folder, the others have", async () => {
    const one = new House();
    const other = beside(one);
    const wheel = makeWheel(DEMO);
    deepEqual(namesIn(await listedAt(other, "/api/demo").catch(() => [])), []);
    equal((await put(one, wheel)).status, 200);
    deepEqual(namesIn(await listedAt(other, "/api/demo")), [["1.0", [wheel.filename]]]);
    deepEqual(await bytesOf(await other.fetch("/s/demo")), wheel.bytes);
    const { filename, bytes } = await makeSdist({ name: "demo", version: "2.0" });
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    await one.files.put(`by/hand/${filename}`, new Blob([bytes]).stream(), expected);
    await one.wheelhouse.scan();
    equal((await listedAt(other, "/api/demo"))[0]?.version, "2.0");
    deepEqual(await bytesOf(await other.fetch("/s/demo")), bytes);
  });

  it("CX-07: of two processes that take other bytes by one name, one is refused", async () => {
    const one = new House();
    const two = beside(one);
    const wheels = [1, 2].map((seed) => makeWheel({ ...DEMO, seed, paddingBytes: 200_000 }));
    const answers = await Promise.all([put(one, wheels[0]!), put(two, wheels[1]!)]);
    deepEqual(answers.map(({ status }) => status).sort(), [200, 409]);
    const first = wheels[answers.findIndex(({ status }) => status === 200)]!;
    for (const house of [one, two]) {
      deepEqual(await bytesOf(await house.fetch(`/p/${first.filename}`)), first.bytes);
      const [listed] = await listedAt(house, "/api/demo");
      deepEqual(listed?.urls.map(({ sha256 }) => sha256), [await sha256Of(first.bytes)]);
    }
    const again = await Promise.all([one, two, one].map((house) => put(house, first)));
    deepEqual(again.map(({ status }) => status), [200, 200, 200]);
    deepEqual(await storedPaths(one), [
      `demo/${first.filename}`,
      `demo/${first.filename}.metadata`,
    ]);
  });

  it("CX-08: what comes is stored while it comes, as a form or bare", async () => {
    const wheel = makeWheel({ ...DEMO, paddingBytes: 8 * MEBIBYTE });
    for (const isForm of [true, false]) {
      const lag = new Lag();
      const house = new House({ files: (clock) => lag.storing(memoryFiles({ clock })) });
      const init = putOf(wheel);
      const whole = new Uint8Array(await (init.body as Blob).arrayBuffer());
      const body = lag.sending(isForm ? whole : wheel.bytes);
      const headers = isForm ? init.headers! : { "content-type": "application/octet-stream" };
      const request = { method: "PUT", body, headers, duplex: "half" };
      const response = await house.fetch(`/p/${wheel.filename}`, request as RequestInit);
      deepEqual([response.status, await response.text()], [200, "ok"]);
      ok(lag.mostBytes < MEBIBYTE, `${lag.mostBytes} bytes were between sender and store`);
      deepEqual(await bytesOf(await house.fetch(`/p/${wheel.filename}`)), wheel.bytes);
    }
  });

  it("CX-08: what goes is read while it goes, and a list reads no file at all", async () => {
    const wheel = makeWheel({ ...DEMO, paddingBytes: 8 * MEBIBYTE });
    const lag = new Lag();
    const house = new House({ files: (clock) => lag.reading(memoryFiles({ clock })) });
    equal((await put(house, wheel)).status, 200);
    lag.reads = 0;
    for (let round = 0; round < 3; round++) await listedAt(house, "/api/demo");
    equal(lag.reads, 0);
    for (const path of [`/p/${wheel.filename}`, "/s/demo"]) {
      const response = await house.fetch(path);
      lag.forget();
      let got = 0;
      for await (const chunk of response.body!) {
        got += chunk.length;
        lag.took(chunk.length);
      }
      equal(got, wheel.bytes.length);
      ok(lag.mostBytes < MEBIBYTE, `${lag.mostBytes} bytes were between store and client`);
    }
  });

  it("CX-09: each has rights of their own, sizes have a limit, and nothing is overwritten", async () => {
    const house = houseWith({
      read: ["authenticated"],
      write: ["user:ann"],
      projects: { secret: { read: ["user:bob"], write: ["user:bob"] } },
    }, {});
    const secret = makeWheel({ name: "secret", version: "1.0" });
    const wheel = makeWheel(DEMO);
    equal((await put(house, secret, { headers: as("ann") })).status, 403);
    equal((await put(house, secret, { headers: as("bob") })).status, 200);
    equal((await put(house, wheel, { headers: as("bob") })).status, 403);
    equal((await put(house, wheel, { headers: as("ann") })).status, 200);
    equal((await house.fetch("/s/secret", { headers: as("ann") })).status, 404);
    const other = makeWheel({ ...DEMO, seed: 1 });
    equal((await put(house, other, { headers: as("ann") })).status, 409);
    const noWheel = { filename: "demo-2.0-py3-none-any.whl", bytes: new Uint8Array(64) };
    equal((await put(house, noWheel, { headers: as("ann") })).status, 400);
    const got = await house.fetch(`/p/${wheel.filename}`, { headers: as("ann") });
    deepEqual(await bytesOf(got), wheel.bytes);
    deepEqual(await listedAt(house, "/api/", as("ann")), ["demo"]);
  });

  it("CX-10: installers find in the simple index what was put, and its digest", async () => {
    const house = new House();
    const wheel = makeWheel({ ...DEMO, metadata: ["Requires-Python: >=3.9"] });
    equal((await put(house, wheel)).status, 200);
    const { files: [file], versions } = await house.page("demo");
    deepEqual(versions, ["1.0"]);
    equal(file?.filename, wheel.filename);
    equal(file?.hashes.sha256, await sha256Of(wheel.bytes));
    equal(file?.["requires-python"], ">=3.9");
    const { pathname } = new URL(file!.url, "https://cairn.test/simple/demo/");
    deepEqual(await bytesOf(await house.fetch(pathname)), wheel.bytes);
    equal(await (await house.fetch(`${pathname}.metadata`)).text(), wheel.metadata);
    const html = await (await house.fetch("/simple/", { headers: { accept: "text/html" } })).text();
    match(html, /<a href="demo\/">demo<\/a>/);
  });
});

/** How many bytes one side has given that the other has not taken. */
class Lag {
  mostBytes = 0;
  reads = 0;
  #givenBytes = 0;
  #takenBytes = 0;

  took(lengthBytes: number): void {
    this.#takenBytes += lengthBytes;
  }

  forget(): void {
    [this.mostBytes, this.#takenBytes] = [0, 0];
    this.#givenBytes = 0;
  }

  /** The bytes, 64 KiB at a time, as they are asked for. */
  sending(bytes: Uint8Array<ArrayBuffer>): ReadableStream<Uint8Array> {
    let at = 0;
    return new ReadableStream<Uint8Array>({
      pull: (controller) => {
        if (at >= bytes.length) return controller.close();
        const chunk = bytes.slice(at, at + 65_536);
        at += chunk.length;
        this.#givenBytes += chunk.length;
        this.mostBytes = Math.max(this.mostBytes, this.#givenBytes - this.#takenBytes);
        controller.enqueue(chunk);
      },
    }, { highWaterMark: 0 });
  }

  /** A store that counts what it stages. */
  storing(real: FileStore): FileStore {
    const counted = () =>
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (chunk, controller) => {
          this.took(chunk.length);
          controller.enqueue(chunk);
        },
      });
    return {
      ...bound(real),
      stage: (body, maxBytes) => real.stage(body.pipeThrough(counted()), maxBytes),
    };
  }

  /** A store that gives what it has piece by piece. */
  reading(real: FileStore): FileStore {
    return {
      ...bound(real),
      read: async (path, range) => {
        this.reads++;
        const found = await real.read(path, range);
        if (found === undefined) return undefined;
        const bytes = await bytesOf(new Response(found.body));
        return { file: found.file, body: this.sending(bytes) };
      },
    };
  }
}
