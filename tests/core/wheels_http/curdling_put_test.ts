/** What curdling's clients write. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { findPackage } from "../../../src/wheels/find_package.ts";
import { makeSdist } from "../../testing/make_sdist.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { listedAt, namesIn, put, putOf } from "./curdling_house.ts";
import { bytesOf, House } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { storedPaths } from "./upstreams.ts";

const WHEEL = makeWheel({ name: "gherkin", version: "0.1.0" });
const AT = `/p/${WHEEL.filename}`;

async function refusal(response: Response): Promise<[number, string]> {
  return [response.status, await response.text()];
}

describe("a file that is put", () => {
  it("C-017 C-018 C-019: is stored, and found by its format and without one", async () => {
    const house = new House();
    const source = await makeSdist({ name: "gherkin", version: "0.1.0" });
    equal((await put(house, source)).status, 200);
    const { filename, path, sha256 } = await findPackage(house.index, "gherkin==0.1.0;gz");
    deepEqual([filename, path], [source.filename, `gherkin/${source.filename}`]);
    equal(sha256, await sha256Of(source.bytes));
    equal((await findPackage(house.index, "gherkin (== 0.1.0)")).path, path);
    const missing = await house.fetch("/s/gherkin==0.1.0;whl");
    deepEqual(await refusal(missing), [404, "package not found\n"]);
    deepEqual(await bytesOf(await house.fetch(`/p/${filename}`)), source.bytes);
  });

  it("may come as it is, without a form", async () => {
    const house = new House();
    for (const type of ["application/octet-stream", "application/x-www-form-urlencoded", ""]) {
      const headers = type === "" ? {} : { "content-type": type };
      const response = await house.fetch(AT, { method: "PUT", body: WHEEL.bytes, headers });
      deepEqual(await refusal(response), [200, "ok"], type);
    }
    deepEqual(await bytesOf(await house.fetch(AT)), WHEEL.bytes);
    equal((await house.page("gherkin")).files[0]?.hashes.sha256, await sha256Of(WHEEL.bytes));
  });

  it("must be the field that is named as it is; other fields do not matter", async () => {
    const house = new House();
    const [status, text] = await refusal(await put(house, WHEEL, { field: "content" }));
    deepEqual([status, text], [400, `The form has no field "${WHEEL.filename}".\n`]);
    const form = new FormData();
    form.append("comment", "hello");
    form.append("other", new Blob(["x".repeat(100_000)]), WHEEL.filename);
    form.append(WHEEL.filename, new Blob([WHEEL.bytes]), "whatever");
    const { headers, body } = new Response(form);
    const init = {
      method: "PUT",
      headers: { "content-type": headers.get("content-type")! },
      body: await new Response(body).arrayBuffer(),
    };
    equal((await house.fetch(AT, init)).status, 200);
    deepEqual(await bytesOf(await house.fetch(AT)), WHEEL.bytes);
  });

  it("is refused when it comes twice in a form, or the form is broken", async () => {
    const house = new House();
    const form = new FormData();
    for (let round = 0; round < 2; round++) {
      form.append(WHEEL.filename, new Blob([WHEEL.bytes]), WHEEL.filename);
    }
    const { headers, body } = new Response(form);
    const type = headers.get("content-type")!;
    const whole = new Uint8Array(await new Response(body).arrayBuffer());
    const sent: (readonly [Uint8Array<ArrayBuffer>, string, RegExp])[] = [
      [whole, type, /more than one/],
      [whole.slice(0, 500), type, /Malformed form/],
      [whole, "multipart/form-data", /multipart\/form-data/],
      [new Uint8Array(0), "application/octet-stream", /Invalid distribution|no file/],
    ];
    for (const [bytes, contentType, reason] of sent) {
      const init = { method: "PUT", headers: { "content-type": contentType }, body: bytes };
      const [status, text] = await refusal(await house.fetch(AT, init));
      equal(status, 400, text);
      match(text, reason);
    }
    const empty = await refusal(await house.fetch(AT, { method: "PUT" }));
    equal(empty[0], 400, empty[1]);
    deepEqual(await storedPaths(house), []);
    equal(await house.index.serial(), 0);
  });

  it("is what its name says, or is refused", async () => {
    const house = new House();
    const files: (readonly [string, Uint8Array<ArrayBuffer>])[] = [
      ["README", WHEEL.bytes],
      ["gherkin.exe", WHEEL.bytes],
      ["gherkin-0.2.0-py3-none-any.whl", WHEEL.bytes],
      ["other-0.1.0-py3-none-any.whl", WHEEL.bytes],
      [WHEEL.filename, new TextEncoder().encode("no archive")],
    ];
    for (const [filename, bytes] of files) {
      const response = await put(house, { filename, bytes });
      const [status, text] = await refusal(response);
      equal(status, 400, `${filename}: ${text}`);
      match(text, /^Invalid (?:filename|distribution)/);
    }
    deepEqual(await storedPaths(house), []);
  });

  it("does not replace other bytes of its name", async () => {
    const house = new House();
    equal((await put(house, WHEEL)).status, 200);
    const other = makeWheel({ name: "gherkin", version: "0.1.0", seed: 1 });
    const [status, text] = await refusal(await put(house, other));
    equal(status, 409);
    match(text, /^File already exists/);
    deepEqual(await bytesOf(await house.fetch(AT)), WHEEL.bytes);
  });

  it("is not read where its name or its length forbid it", async () => {
    const house = new House({ app: { uploads: { maxBytes: 1_000 } } });
    let pulled = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => {
          pulled++;
          controller.enqueue(new Uint8Array(1_000));
        },
      }, { highWaterMark: 0 });
    const init = (headers: Record<string, string>) =>
      ({ method: "PUT", body: endless(), duplex: "half", headers }) as RequestInit;
    equal((await house.fetch("/p/README", init({}))).status, 400);
    const told = { "content-length": String(100_000_000) };
    equal((await house.fetch(AT, init(told))).status, 413);
    equal(pulled <= 2, true, `${pulled} pieces were read`);
    const [status, text] = await refusal(await house.fetch(AT, init({})));
    equal(status, 413);
    match(text, /^File too large/);
    deepEqual(await storedPaths(house), []);
  });

  it("needs the right to write, and says whose it is", async () => {
    const house = houseWith({
      read: ["everyone"],
      write: ["user:ann"],
      projects: { mine: { read: ["everyone"], write: ["user:bob"] } },
    });
    equal((await put(house, WHEEL)).status, 401);
    equal((await put(house, WHEEL, { headers: as("eve") })).status, 403);
    equal((await put(house, WHEEL, { headers: as("bob") })).status, 403);
    equal((await put(house, WHEEL, { headers: as("ann") })).status, 200);
    equal((await house.index.fetch(WHEEL.filename))?.uploader, "ann");
    equal((await listedAt(house, "/api/gherkin")).length, 1);
  });

  it("obeys what is laid down for its project, as what is read does", async () => {
    const house = new House({
      rules: {
        maxUploadBytes: { small: 1_000 },
        statuses: { old: { status: "archived" }, ill: { status: "quarantined" } },
        denied: { "demo<2": "It leaks" },
      },
    });
    const sent = async (name: string, version: string, paddingBytes = 0) =>
      (await put(house, makeWheel({ name, version, paddingBytes }))).status;
    equal(await sent("small", "1.0", 2_000), 413);
    equal(await sent("large", "1.0", 2_000), 200);
    equal(await sent("old", "1.0"), 403);
    equal(await sent("ill", "1.0"), 403);
    ok(await sent("demo", "1.0") >= 400);
    equal(await sent("demo", "2.0"), 200);

    const later = new House({
      index: house.index,
      files: () => house.files,
      rules: {
        statuses: { large: { status: "quarantined" } },
        denied: { "demo==2.0": "It leaks" },
      },
    });
    equal((await put(house, makeWheel({ name: "demo", version: "2.1" }))).status, 200);
    deepEqual(namesIn(await listedAt(later, "/api/demo")), [
      ["2.1", ["demo-2.1-py3-none-any.whl"]],
    ]);
    for (const path of ["/api/large", "/s/large", "/p/large-1.0-py3-none-any.whl"]) {
      ok([403, 404, 451].includes((await later.fetch(path)).status), path);
    }
    for (const path of ["/s/demo==2.0", "/p/demo-2.0-py3-none-any.whl"]) {
      ok([403, 404, 451].includes((await later.fetch(path)).status), path);
    }
  });

  it("is one of several methods that the address has", async () => {
    const house = new House();
    for (const method of ["DELETE", "POST"]) {
      const response = await house.fetch(AT, { method });
      equal(response.status, 405);
      equal(response.headers.get("allow"), "GET, HEAD, PUT, OPTIONS");
    }
    const asked = await house.fetch(AT, { method: "OPTIONS" });
    equal(asked.headers.get("access-control-allow-methods"), "GET, HEAD, PUT, OPTIONS");
    equal((await house.fetch("/simple/", { method: "PUT" })).status, 405);
    equal(putOf(WHEEL).method, "PUT");
  });
});
