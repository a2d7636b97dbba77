// runs on: deno, node22, node24, bun, workerd
// A browser sets some of the headers itself, so a page cannot send them.
import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryIndex } from "../../../backends/index_memory.ts";
import { BackendError } from "../../../src/contracts/errors.ts";
import type { IndexCache } from "../../../src/contracts/index_cache.ts";
import { portableDigests } from "../../../src/wheels/digests.ts";
import { makeWheel, makeZip, noise } from "../../testing/make_wheel.ts";
import { House, postOf, uploadForm } from "./house.ts";

const WHEEL = makeWheel({ name: "demo", version: "1.0", paddingBytes: 100 });
const OTHER = makeWheel({ name: "demo", version: "1.0", paddingBytes: 100, seed: 7 });

/** What a house keeps: to prove that a refused upload leaves nothing behind. */
async function traces(house: House): Promise<unknown> {
  const { files } = await house.files.list({ limit: 100 });
  return {
    paths: files.map(({ path }) => path),
    names: await house.index.distinct(),
    serial: await house.index.serial(),
  };
}

const NOTHING = { paths: [], names: [], serial: 0 };

async function refusal(response: Response, status: number, text: RegExp): Promise<void> {
  const message = await response.text();
  equal(response.status, status, message);
  match(message, text);
  equal(response.headers.get("cache-control"), "no-store");
}

function digestsOf(bytes: Uint8Array): Record<string, string> {
  const hex = (algorithm: "sha256" | "md5" | "blake2b"): string => {
    const digest = portableDigests(algorithm);
    void digest.update(bytes);
    return String(digest.hex());
  };
  return {
    sha256_digest: hex("sha256"),
    md5_digest: hex("md5"),
    blake2_256_digest: hex("blake2b"),
  };
}

describe("an upload", () => {
  it("I-103: goes to both spellings of the route without a redirect", async () => {
    for (const path of ["/legacy", "/legacy/"]) {
      const house = new House();
      const init = await postOf(await uploadForm(WHEEL, digestsOf(WHEEL.bytes)));
      equal((await house.fetch(path, init)).status, 200, path);
      equal((await house.page("demo")).files.length, 1);
    }
  });

  it("is stored with its metadata beside it, its project claimed", async () => {
    const house = new House();
    equal((await house.upload(WHEEL)).status, 200);
    const path = `demo/${WHEEL.filename}`;
    deepEqual(await traces(house), {
      paths: [path, `${path}.metadata`],
      names: ["demo"],
      serial: await house.index.serial(),
    });
    ok((await house.index.project("demo")).isClaimed);
    const record = await house.index.fetch(WHEEL.filename);
    const digests = digestsOf(WHEEL.bytes);
    equal(record?.md5, digests.md5_digest);
    equal(record?.blake2b, digests.blake2_256_digest);
    equal(record?.sizeBytes, WHEEL.bytes.length);
  });

  it("takes its parts in any order", async () => {
    const house = new House();
    const form = await uploadForm(WHEEL);
    const reversed = new FormData();
    for (const [name, value] of [...form].reverse()) {
      if (typeof value === "string") reversed.append(name, value);
      else reversed.append(name, value, WHEEL.filename);
    }
    equal((await house.fetch("/legacy/", await postOf(reversed))).status, 200);
  });

  it("a signature before the file and unknown fields do no harm", async () => {
    const house = new House();
    const form = new FormData();
    form.append("gpg_signature", new Blob(["sig"]), `${WHEEL.filename}.asc`);
    form.append("attestations", "[]");
    form.append("classifiers", "A");
    form.append("classifiers", "B");
    form.append("nobody_knows", "this\0");
    for (const [name, value] of await uploadForm(WHEEL, { summary: "UNKNOWN" })) {
      if (typeof value === "string") form.append(name, value);
      else form.append(name, value, WHEEL.filename);
    }
    equal((await house.fetch("/legacy/", await postOf(form))).status, 200);
  });

  it("I-106: the action may be in the query", async () => {
    const house = new House();
    const init = await postOf(await uploadForm(WHEEL, { ":action": "" }));
    const response = await house.fetch("/legacy/?:action=file_upload", init);
    equal(response.status, 200);
  });

  it("I-111: the same file again is a success that changes nothing", async () => {
    const house = new House();
    equal((await house.upload(WHEEL)).status, 200);
    const [before, record] = [await traces(house), await house.index.fetch(WHEEL.filename)];
    await house.clock.advance(60_000);
    equal((await house.upload(WHEEL)).status, 200);
    deepEqual(await traces(house), before);
    deepEqual(await house.index.fetch(WHEEL.filename), record);
  });

  it("other content under the same name is refused in words that twine knows", async () => {
    const house = new House();
    await house.upload(WHEEL);
    const before = await traces(house);
    const hash = digestsOf(WHEEL.bytes).blake2_256_digest;
    await refusal(
      await house.upload(OTHER),
      400,
      new RegExp(`^File already exists \\('.*${hash}'`),
    );
    deepEqual(await traces(house), before);
  });

  it("I-114 I-115: of two at once with other bytes one wins, of two alike both succeed", async () => {
    for (let round = 0; round < 20; round++) {
      const house = new House();
      const [one, other] = await Promise.all([house.upload(WHEEL), house.upload(OTHER)]);
      deepEqual([one.status, other.status].sort(), [200, 400]);
      const { hashes } = (await house.page("demo")).files[0]!;
      const winner = one.status === 200 ? WHEEL : OTHER;
      equal(hashes.sha256, digestsOf(winner.bytes).sha256_digest);
      const same = new House();
      const both = await Promise.all([same.upload(WHEEL), same.upload(WHEEL)]);
      deepEqual(both.map(({ status }) => status), [200, 200]);
    }
  });
});

describe("a refused upload leaves nothing behind", () => {
  it("I-109: for each digest alone that does not match", async () => {
    for (const field of ["sha256_digest", "md5_digest", "blake2_256_digest"]) {
      const house = new House();
      const wrong = digestsOf(OTHER.bytes)[field]!;
      const fields = { sha256_digest: "", [field]: wrong };
      await refusal(await house.upload(WHEEL, fields), 400, /^The digest supplied does not match/);
      deepEqual(await traces(house), NOTHING);
      equal((await house.upload(WHEEL)).status, 200);
    }
  });

  it("I-110: without a digest, unless leniency is configured", async () => {
    const house = new House();
    const response = await house.upload(WHEEL, { sha256_digest: "" });
    await refusal(response, 400, /^Include at least one message digest\./);
    deepEqual(await traces(house), NOTHING);
    const lenient = new House({ app: { uploads: { isDigestRequired: false } } });
    equal((await lenient.upload(WHEEL, { sha256_digest: "" })).status, 200);
  });

  it("I-107 I-108: for another protocol or a retired or unknown action", async () => {
    const house = new House();
    const upload = (fields: Record<string, string>) => house.upload(WHEEL, fields);
    await refusal(await upload({ protocol_version: "2" }), 400, /^Unknown protocol version\./);
    for (const action of ["submit", "submit_pkg_info", "doc_upload", "remove_pkg"]) {
      await refusal(await upload({ ":action": action }), 410, /retired/);
    }
    await refusal(await upload({ ":action": "dance" }), 400, /action/);
    await refusal(await upload({ ":action": "" }), 400, /action/);
    deepEqual(await traces(house), NOTHING);
  });

  it("I-117: when name or version is not the archive's, naming both", async () => {
    const house = new House();
    await refusal(await house.upload(WHEEL, { name: "other" }), 400, /demo.*"other"/);
    await refusal(await house.upload(WHEEL, { version: "2.0" }), 400, /"1\.0".*"2\.0"/);
    await refusal(await house.upload(WHEEL, { filetype: "sdist" }), 400, /filetype/);
    const lying = { ...WHEEL, filename: "demo-3.0-py3-none-any.whl" };
    await refusal(await house.upload(lying, { version: "3.0" }), 400, /3\.0/);
    deepEqual(await traces(house), NOTHING);
    equal((await house.upload(WHEEL, { name: "DEMO", version: "1.0.0" })).status, 200);
  });

  it("I-118: for names that are none, and nothing outside the store", async () => {
    const long = `${"a".repeat(260)}-1.0-py3-none-any.whl`;
    const names = [
      "../demo-1.0-py3-none-any.whl",
      "/demo-1.0-py3-none-any.whl",
      "..\\demo-1.0-py3-none-any.whl",
      "demo-1.0\0-py3-none-any.whl",
      "demo-1.0\n-py3-none-any.whl",
      long,
      "README.md",
      "demo-1.0.exe",
      "demo.whl",
    ];
    for (const filename of names) {
      const house = new House();
      const response = await house.upload({ ...WHEEL, filename }, { name: "", version: "" });
      equal(response.status, 400, filename);
      deepEqual(await traces(house), NOTHING, filename);
    }
  });

  it("I-119: for an archive that is none, is cut, or lacks what a wheel has", async () => {
    const folder = "demo-1.0.dist-info";
    const text = (value: string) => new TextEncoder().encode(value);
    const parts: [string, Uint8Array][] = [
      [`${folder}/METADATA`, text(WHEEL.metadata)],
      [`${folder}/WHEEL`, text("Wheel-Version: 1.0\n")],
      [`${folder}/RECORD`, text("")],
    ];
    const archives = [noise(500, 3), WHEEL.bytes.slice(0, -40), WHEEL.bytes.slice(40)];
    for (const missing of parts) {
      archives.push(makeZip(parts.filter((part) => part !== missing)));
    }
    const messages = new Set<string>();
    for (const bytes of archives) {
      const house = new House();
      const response = await house.upload({ ...WHEEL, bytes });
      const message = await response.text();
      equal(response.status, 400, message);
      match(message, /^Invalid distribution file: /);
      messages.add(message);
      deepEqual(await traces(house), NOTHING);
    }
    ok(messages.size >= 5, [...messages].join("; "));
  });

  it("I-126: for a single-valued field that is repeated, and for a second file", async () => {
    const house = new House();
    const twice = await uploadForm(WHEEL);
    twice.append("version", "1.0");
    const repeated = await house.fetch("/legacy/", await postOf(twice));
    await refusal(repeated, 400, /"version" is repeated/);
    const two = await uploadForm(WHEEL);
    two.append("content", new Blob([OTHER.bytes]), OTHER.filename);
    await refusal(await house.fetch("/legacy/", await postOf(two)), 400, /one file/);
    deepEqual(await traces(house), NOTHING);
    equal((await house.upload(WHEEL, { version: "UNKNOWN" })).status, 200);
  });

  it("for a body that is no form or has no file", async () => {
    const house = new House();
    const post = (init: RequestInit) => house.fetch("/legacy/", { ...init, method: "POST" });
    await refusal(await post({ body: "text" }), 400, /multipart/);
    await refusal(await post({}), 400, /multipart/);
    const headers = { "content-type": "multipart/form-data; boundary=b" };
    const malformed = /^Malformed form: Cannot read form: a part has a malformed header\n$/;
    await refusal(await post({ headers, body: "--b\r\nno header\r\n\r\n" }), 400, malformed);
    const form = await uploadForm(WHEEL);
    form.delete("content");
    await refusal(await post(await postOf(form)), 400, /does not have a file/);
    deepEqual(await traces(house), NOTHING);
  });

  it("I-123: cut short or broken off at any place", async () => {
    const message = new Response(await uploadForm(WHEEL));
    const contentType = message.headers.get("content-type")!;
    const whole = new Uint8Array(await message.arrayBuffer());
    const step = Math.ceil(whole.length / 50);
    for (let at = 0; at < whole.length - 4; at += step) {
      for (const isBroken of [false, true]) {
        const house = new House();
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            controller.enqueue(whole.slice(0, at));
            if (!isBroken) controller.close();
          },
          pull(controller) {
            controller.error(new TypeError("the client went away"));
          },
        }, { highWaterMark: 0 });
        const init = { method: "POST", body, duplex: "half" };
        const headers = { "content-type": contentType };
        const response = await house.fetch("/legacy/", { ...init, headers } as RequestInit);
        equal(response.status, 400, `${at} ${await response.text()}`);
        deepEqual(await traces(house), NOTHING, String(at));
      }
    }
  });

  it("too large, by its announced length before it is read", async () => {
    const house = new House({ app: { uploads: { maxBytes: 200 } } });
    await refusal(await house.upload(WHEEL), 413, /^File too large\. The limit is 200 bytes\./);
    let pulls = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulls++;
        controller.enqueue(new Uint8Array(1_000));
      },
    }, { highWaterMark: 0 });
    const headers = {
      "content-type": "multipart/form-data; boundary=x",
      "content-length": String(100 * 1_048_576),
    };
    const init = { method: "POST", body, headers, duplex: "half" };
    const response = await house.fetch("/legacy/", init as RequestInit);
    equal(response.status, 413);
    equal(pulls, 0);
    deepEqual(await traces(house), NOTHING);
  });
});

describe("an upload that the stores fail", () => {
  it("I-124: a table that fails is a 503, and the same upload again succeeds", async () => {
    const real = memoryIndex();
    let isDown = true;
    const index: IndexCache = new Proxy(real, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        if (name === "add" && isDown) {
          return () => Promise.reject(new BackendError("table", "add", "it is down"));
        }
        return value.bind(target);
      },
    });
    const house = new House({ index });
    const response = await house.upload(WHEEL);
    equal(response.status, 503);
    ok(Number(response.headers.get("retry-after")) > 0);
    isDown = false;
    equal((await house.upload(WHEEL)).status, 200);
    equal((await house.page("demo")).files.length, 1);
  });
});

describe("answers to upload clients", () => {
  it("GET on the route is 405 and points to the index", async () => {
    const response = await new House().fetch("/legacy/");
    equal(response.status, 405);
    equal(response.headers.get("allow"), "POST, OPTIONS");
    match(await response.text(), /\/simple\//);
  });

  it("I-131: uv gets a problem document, others text, and the reason phrase says it too", async () => {
    const house = new House();
    await house.upload(WHEEL);
    const accept = "application/problem+json, text/plain";
    const uv = await house.fetch("/legacy/", await postOf(await uploadForm(OTHER), { accept }));
    equal(uv.headers.get("content-type"), "application/problem+json");
    const problem = await uv.json();
    equal(problem.status, 400);
    equal(problem.code, "exists");
    match(problem.title, /^File already exists/);
    equal(problem.detail, problem.title);
    const twine = await house.upload(OTHER);
    equal(twine.headers.get("content-type"), "text/plain; charset=utf-8");
    equal(twine.statusText, (await twine.text()).trimEnd());
  });
});
