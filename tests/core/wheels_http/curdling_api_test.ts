/** What curdling's clients read: names, versions, and files by query and by name. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { findPackage } from "../../../src/wheels/find_package.ts";
import type { RightsOptions } from "../../../src/wheels/users/rights.ts";
import { makeSdist } from "../../testing/make_sdist.ts";
import { makeWheel, makeZip, sha256Of } from "../../testing/make_wheel.ts";
import { listedAt, namesIn, put } from "./curdling_house.ts";
import { bytesOf, House } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";

const GHERKIN = makeWheel({ name: "gherkin", version: "0.1.0" });

/** The same wheel for other interpreters or platforms. */
function retagged(tag: string, seed: number) {
  const { filename, bytes } = makeWheel({ name: "gherkin", version: "0.2.0", seed });
  return { filename: filename.replace("py3-none-any", tag), bytes, metadata: "" };
}

async function house(): Promise<House> {
  const made = new House();
  const files = [
    await makeSdist({ name: "gherkin", version: "0.1.0" }),
    GHERKIN,
    await makeSdist({ name: "gherkin", version: "0.1.10" }),
    makeWheel({ name: "gherkin", version: "0.1.9" }),
    makeWheel({ name: "Other.Name", version: "1.0" }),
  ];
  for (const file of files) equal((await put(made, file)).status, 200, file.filename);
  return made;
}

async function ask(made: House, path: string, init: RequestInit = {}) {
  const response = await made.fetch(path, init);
  const disposition = response.headers.get("content-disposition");
  return { status: response.status, disposition, bytes: await bytesOf(response) };
}

describe("curdling's list of names", () => {
  it("is an array in JSON, in order, and is kept by its tag", async () => {
    const made = await house();
    const response = await made.fetch("/api/");
    equal(response.headers.get("content-type"), "application/json");
    deepEqual(await response.json(), ["gherkin", "other-name"]);
    const etag = response.headers.get("etag")!;
    equal((await made.fetch("/api/", { headers: { "if-none-match": etag } })).status, 304);
    await put(made, makeWheel({ name: "new", version: "1" }));
    const changed = await made.fetch("/api/", { headers: { "if-none-match": etag } });
    deepEqual([changed.status, await changed.json()], [200, ["gherkin", "new", "other-name"]]);
  });

  it("is sent for at /api, too", async () => {
    const response = await new House().fetch("/api");
    deepEqual([response.status, response.headers.get("location")], [301, "api/"]);
  });
});

describe("curdling's list of versions", () => {
  it("C-003 I-208: has wheels first, their digests, and whole addresses of files", async () => {
    const made = await house();
    const listed = await listedAt(made, "/api/gherkin");
    deepEqual(namesIn(listed), [
      ["0.1.10", ["gherkin-0.1.10.tar.gz"]],
      ["0.1.9", ["gherkin-0.1.9-py3-none-any.whl"]],
      ["0.1.0", [GHERKIN.filename, "gherkin-0.1.0.tar.gz"]],
    ]);
    deepEqual(listed[2], {
      name: "gherkin",
      version: "0.1.0",
      urls: [{
        url: `https://cairn.test/p/${GHERKIN.filename}`,
        sha256: await sha256Of(GHERKIN.bytes),
      }, {
        url: "https://cairn.test/p/gherkin-0.1.0.tar.gz",
        sha256: (await made.index.fetch("gherkin-0.1.0.tar.gz"))!.sha256,
      }],
    });
    for (const { urls } of listed) {
      for (const { url, sha256 } of urls) {
        equal(await sha256Of((await ask(made, new URL(url).pathname)).bytes), sha256);
      }
    }
    const forwarded = {
      "x-forwarded-proto": "http",
      "x-forwarded-host": "evil.test, wheels.example:8443",
      "x-forwarded-prefix": "/cache/",
    };
    const first = async (app: House, headers: Record<string, string>): Promise<string> =>
      (await listedAt(app, "/api/gherkin", headers))[0]!.urls[0]!.url;
    const path = "p/gherkin-0.1.10.tar.gz";
    equal(await first(made, forwarded), `https://cairn.test/${path}`);
    const { index, files } = made;
    const proxied = new House({ index, files: () => files, app: { isProxied: true } });
    equal(await first(proxied, forwarded), `http://wheels.example:8443/cache/${path}`);
    equal(await first(proxied, {}), `https://cairn.test/${path}`);
    const wrong = { "x-forwarded-host": "a b/c", "x-forwarded-proto": "file" };
    equal(await first(proxied, wrong), `https://cairn.test/${path}`);
    equal(
      await first(proxied, { "x-forwarded-host": "h.test", "x-forwarded-prefix": "//evil/.." }),
      `https://h.test/${path}`,
    );
  });

  it("is found by any spelling of the name, and repeats the one that was asked for", async () => {
    const made = await house();
    for (const name of ["Other.Name", "other_name", "OTHER-NAME"]) {
      const [listed] = await listedAt(made, `/api/${name}`);
      equal(listed?.name, name);
      equal(listed?.urls[0]?.url, "https://cairn.test/p/other_name-1.0-py3-none-any.whl");
    }
  });

  it("is an error in JSON, never an empty array, where there is nothing", async () => {
    const made = await house();
    await made.index.claim("claimed", true);
    await made.index.clear("other_name-1.0-py3-none-any.whl");
    for (const name of ["nothing", "claimed", "other-name", "-", "%C3%A9"]) {
      const response = await made.fetch(`/api/${name}`);
      equal(response.status, 404, name);
      match(response.headers.get("content-type")!, /^application\/json/);
      deepEqual(await response.json(), { status: "error" });
    }
    equal((await made.fetch("/api/gherkin", { method: "DELETE" })).status, 405);
  });

  it("keeps a plus of a local version, which a client may take for the file's name", async () => {
    const made = new House();
    const wheel = makeWheel({ name: "demo", version: "1.0+local.1" });
    equal((await put(made, wheel)).status, 200);
    const [listed] = await listedAt(made, "/api/demo");
    equal(listed?.version, "1.0+local.1");
    equal(listed?.urls[0]?.url, `https://cairn.test/p/${wheel.filename}`);
    deepEqual((await ask(made, `/p/${wheel.filename}`)).bytes, wheel.bytes);
  });

  it("I-210: has a file once, however often it is sent", async () => {
    const made = new House();
    for (let round = 0; round < 3; round++) {
      const response = await put(made, GHERKIN);
      deepEqual([response.status, await response.text()], [200, "ok"]);
    }
    deepEqual(namesIn(await listedAt(made, "/api/gherkin")), [["0.1.0", [GHERKIN.filename]]]);
    equal((await made.index.list({ limit: 10 })).files.length, 1);
  });
});

describe("curdling's query", () => {
  it("I-209: gets the best version, wheels first, in every form", async () => {
    const made = await house();
    const forms: (readonly [string, string])[] = [
      ["gherkin", "gherkin-0.1.10.tar.gz"],
      ["Gherkin", "gherkin-0.1.10.tar.gz"],
      ["gherkin==0.1.0", GHERKIN.filename],
      ["gherkin (>= 0.1, != 0.1.10)", "gherkin-0.1.9-py3-none-any.whl"],
      ["gherkin>=0.1,<0.1.9", GHERKIN.filename],
      ["gherkin;whl", "gherkin-0.1.9-py3-none-any.whl"],
      ["gherkin;gz", "gherkin-0.1.10.tar.gz"],
      ["gherkin (<= 0.1.9);~whl", "gherkin-0.1.0.tar.gz"],
      ["gherkin~=0.1.5", "gherkin-0.1.10.tar.gz"],
      ["gherkin===0.1.9", "gherkin-0.1.9-py3-none-any.whl"],
      ["other_name", "other_name-1.0-py3-none-any.whl"],
    ];
    for (const [query, filename] of forms) {
      const { status, disposition, bytes } = await ask(made, `/s/${encodeURIComponent(query)}`);
      equal(status, 200, query);
      equal(disposition, `attachment; filename="${filename}"`, query);
      const { sha256 } = (await made.index.fetch(filename))!;
      equal(await sha256Of(bytes), sha256, query);
    }
    for (const query of ["gherkin;zip", "gherkin;bz", "gherkin>9", "nothing", "gherkin;egg"]) {
      const response = await made.fetch(`/s/${encodeURIComponent(query)}`);
      equal(response.status, 404, query);
      match(await response.text(), /^package not found\n$/);
    }
    for (const query of ["gherkin=>1", "gherkin;", "gherkin==", "-", "gherkin;~", "a b c"]) {
      const response = await made.fetch(`/s/${encodeURIComponent(query)}`);
      equal(response.status, 400, query);
      match(await response.text(), /^your query is wrong\n$/);
    }
  });

  it("CX-06: may say which wheels can be installed, so that systems share a server", async () => {
    const made = new House();
    const [linux, mac] = [
      retagged("cp312-cp312-manylinux_2_17_x86_64", 1),
      retagged("cp312-cp312-macosx_11_0_arm64", 2),
    ];
    const source = await makeSdist({ name: "gherkin", version: "0.2.0" });
    for (const file of [linux, mac, source]) equal((await put(made, file)).status, 200);
    const chosen = async (tags: string) => (await ask(made, `/s/gherkin?${tags}`)).disposition;
    const named = (file: { filename: string }) => `attachment; filename="${file.filename}"`;
    equal(await chosen("tags=cp312-cp312-manylinux_2_17_x86_64,py3-none-any"), named(linux));
    equal(await chosen("tags=py3-none-any&tags=cp312-cp312-macosx_11_0_arm64"), named(mac));
    equal(await chosen("tags=cp313-cp313-win_amd64"), named(source));
    for (const tags of ["tags=linux", "tags=", `tags=${"a-b-c,".repeat(5_000)}`]) {
      equal((await made.fetch(`/s/gherkin?${tags}`)).status, 400, tags.slice(0, 20));
    }
    const mine = await listedAt(made, "/api/gherkin?tags=cp312-cp312-macosx_11_0_arm64");
    deepEqual(namesIn(mine), [["0.2.0", [mac.filename, source.filename]]]);
    deepEqual((await made.page("gherkin")).files.map(({ filename }) => filename).sort(), [
      mac.filename,
      linux.filename,
      source.filename,
    ]);
    equal((await made.fetch("/api/gherkin?tags=linux")).status, 400);
  });

  it("gets parts, and what it has already not again", async () => {
    const made = await house();
    const part = await made.fetch("/s/gherkin;whl", { headers: { range: "bytes=0-3" } });
    equal(part.status, 206);
    equal((await bytesOf(part)).length, 4);
    const etag = part.headers.get("etag")!;
    equal((await made.fetch("/s/gherkin;whl", { headers: { "if-none-match": etag } })).status, 304);
    const head = await made.fetch("/s/gherkin;whl", { method: "HEAD" });
    ok(Number(head.headers.get("content-length")) > 100);
    match(head.headers.get("cache-control")!, /max-age=0/);
  });
});

describe("curdling's files", () => {
  it("I-211: that are not there are 404", async () => {
    const made = await house();
    for (const name of ["gherkin-9.tar.gz", "README", "gherkin", `${GHERKIN.filename}.metadata`]) {
      const response = await made.fetch(`/p/${name}`);
      equal(response.status, 404, name);
      match(await response.text(), /^File not found/);
    }
  });

  it("are those of the simple index, with tags, ranges and their length", async () => {
    const made = await house();
    const response = await made.fetch(`/p/${GHERKIN.filename}`);
    equal(response.headers.get("content-type"), "application/octet-stream");
    equal(response.headers.get("content-length"), String(GHERKIN.bytes.length));
    deepEqual(await bytesOf(response), GHERKIN.bytes);
    equal(response.headers.get("etag"), `"${await sha256Of(GHERKIN.bytes)}"`);
    const range = { headers: { range: "bytes=10-19" } };
    const part = await made.fetch(`/p/${GHERKIN.filename}`, range);
    deepEqual([part.status, await bytesOf(part)], [206, GHERKIN.bytes.slice(10, 20)]);
    const { files: [file] } = await made.page("gherkin");
    equal(file?.hashes.sha256, await sha256Of(GHERKIN.bytes));
  });

  it("C-005: that lie deep in folders are found by their names alone", async () => {
    const made = new House();
    const { filename, bytes } = await makeSdist({ name: "gherkin", version: "0.1.0" });
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    await made.files.put(`a/weird/dir/${filename}`, new Blob([bytes]).stream(), expected);
    await made.files.put("a/README.md", new Blob([bytes]).stream(), expected);
    await made.wheelhouse.scan();
    deepEqual(namesIn(await listedAt(made, "/api/gherkin")), [["0.1.0", [filename]]]);
    deepEqual((await ask(made, `/p/${filename}`)).bytes, bytes);
    equal((await findPackage(made.index, "gherkin")).filename, filename);
  });
});

describe("curdling's clients where rights hold", () => {
  const RIGHTS: RightsOptions = {
    read: ["authenticated"],
    write: ["user:ann", "user:bob"],
    projects: {
      secret: { read: ["user:ann"], write: ["user:ann"] },
      package: { read: ["authenticated"], write: ["user:ann"] },
    },
  };

  async function guarded(): Promise<House> {
    const made = houseWith(RIGHTS);
    for (const name of ["demo", "secret", "package"]) {
      const wheel = makeWheel({ name, version: "1.0" });
      equal((await put(made, wheel, { headers: as("ann") })).status, 200);
    }
    return made;
  }

  it("see nothing of what is hidden from them, and are asked who they are", async () => {
    const made = await guarded();
    const file = "secret-1.0-py3-none-any.whl";
    const statuses = (name?: string) =>
      Promise.all(
        ["/api/secret", "/s/secret", `/p/${file}`].map(async (path) =>
          (await made.fetch(path, { headers: as(name) })).status
        ),
      );
    deepEqual(await statuses("ann"), [200, 200, 200]);
    deepEqual(await statuses("bob"), [404, 404, 404]);
    deepEqual(await statuses(), [401, 401, 401]);
    deepEqual(await listedAt(made, "/api/", as("bob")), ["demo", "package"]);
    deepEqual(await listedAt(made, "/api/", as("ann")), ["demo", "package", "secret"]);
    deepEqual(await listedAt(made, "/api/"), []);
    const hidden = await made.fetch("/api/secret", { headers: as("bob") });
    deepEqual(await hidden.json(), { status: "error" });
    const listed = await made.fetch("/api/demo", { headers: as("bob") });
    match(listed.headers.get("cache-control")!, /^private/);
  });

  it("and PyPICloud's are both served: theirs is /api/package, the other /api/package/", async () => {
    const made = await guarded();
    const listed = await listedAt(made, "/api/package", as("bob"));
    deepEqual(namesIn(listed), [["1.0", ["package-1.0-py3-none-any.whl"]]]);
    const packages = await made.fetch("/api/package/", { headers: as("bob") });
    deepEqual(await packages.json(), { packages: ["demo", "package"] });
    const { name } = (await (await made.fetch("/api/package/demo", { headers: as("bob") })).json())
      .packages[0];
    equal(name, "demo");
  });

  it("need no password for what needs none", async () => {
    const made = houseWith({ ...RIGHTS, read: ["everyone"] });
    await put(made, makeWheel({ name: "demo", version: "1.0" }), { headers: as("ann") });
    equal((await listedAt(made, "/api/demo")).length, 1);
    equal((await made.fetch("/s/demo")).status, 200);
    equal((await made.fetch("/api/secret")).status, 401);
  });
});

describe("curdling's clients where actions are closed", () => {
  const users = {
    verify: (name: string, password: string) => Promise.resolve(name + password === "annnna"),
    remembers: () => Promise.resolve(false),
  };

  it("need a password for each of them", async () => {
    const made = new House({ app: { access: { users, open: ["download"] } } });
    const wheel = makeWheel({ name: "demo", version: "1.0" });
    equal((await put(made, wheel)).status, 401);
    equal((await put(made, wheel, { headers: as("ann") })).status, 200);
    for (const path of ["/api/", "/api/demo", "/s/demo"]) {
      equal((await made.fetch(path)).status, 401, path);
      equal((await made.fetch(path, { headers: as("ann") })).status, 200, path);
    }
    match(
      (await made.fetch("/s/demo", { headers: as("ann") })).headers.get("cache-control")!,
      /^private/,
    );
    equal((await made.fetch(`/p/${wheel.filename}`)).status, 200);
    const shut = new House({ app: { access: { users, open: ["list"] } } });
    equal((await shut.fetch("/s/demo")).status, 401);
    equal((await shut.fetch(`/p/${wheel.filename}`)).status, 401);
  });

  it("upload nothing where nobody may", async () => {
    const made = new House({ app: { access: {} } });
    equal((await put(made, makeZipped())).status, 403);
  });
});

function makeZipped() {
  return { filename: "a-1.0-py3-none-any.whl", bytes: makeZip([]), metadata: "" };
}
