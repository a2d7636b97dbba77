import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import type { RightsOptions } from "../../../src/wheels/users/rights.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, House, type HouseOptions, packagePath, postOf, uploadForm } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { settled, storedPaths, TwistedUpstream } from "./upstreams.ts";

const RIGHTS: RightsOptions = {
  admins: ["root"],
  groups: { staff: ["ann", "bob"] },
  write: ["group:staff"],
  delete: ["user:ann"],
  projects: { secret: { read: ["user:ann"], write: ["user:ann"] } },
};

const DEMO = { name: "demo", version: "1.0", metadata: ["Requires-Python: >=3.9"] };
const FILE = makeWheel(DEMO).filename;
const AT = `/api/package/demo/${FILE}/`;

/** Uploads as PyPICloud's clients do: the file and nothing else. */
async function post(
  house: House,
  path: string,
  { headers = {}, seed = 0, fields = {} }: {
    headers?: Record<string, string>;
    seed?: number;
    fields?: Record<string, string>;
  } = {},
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  const { bytes } = makeWheel({ ...DEMO, name: nameIn(path), seed });
  form.append("content", new Blob([bytes]), path.split("/")[4] ?? FILE);
  return await house.fetch(path, await postOf(form, headers));
}

function nameIn(path: string): string {
  return path.includes("secret") ? "secret" : "demo";
}

async function house(
  rights: RightsOptions = RIGHTS,
  options: HouseOptions = {},
): Promise<House> {
  const made = houseWith(rights, options);
  const secret = `/api/package/secret/${FILE.replace("demo", "secret")}/`;
  for (const path of [AT, secret]) {
    equal((await post(made, path, { headers: as("ann") })).status, 200);
  }
  return made;
}

async function jsonAt(made: House, path: string, name?: string): Promise<unknown> {
  const response = await made.fetch(path, { headers: as(name) });
  equal(response.status, 200, path);
  match(response.headers.get("content-type")!, /^application\/json/);
  match(response.headers.get("cache-control")!, /^private, /);
  return await response.json();
}

describe("PyPICloud's lists", () => {
  it("P-145 P-146: list the names that may be read", async () => {
    const made = await house();
    deepEqual(await jsonAt(made, "/api/package/", "ann"), { packages: ["demo", "secret"] });
    deepEqual(await jsonAt(made, "/api/package/", "bob"), { packages: ["demo"] });
    deepEqual(await jsonAt(made, "/api/package/"), { packages: [] });
  });

  it("P-147: tell the summary and the time when asked to be verbose", async () => {
    const made = await house();
    const last_modified = Math.floor(made.clock.now() / 1_000);
    deepEqual(await jsonAt(made, "/api/package/?verbose=true", "bob"), {
      packages: [{ name: "demo", summary: null, last_modified }],
    });
  });

  it("P-156: /packages/ has every file that may be read, with its digest and Python", async () => {
    const made = await house();
    const response = await made.fetch("/packages/", { headers: as("bob") });
    equal(response.status, 200);
    const html = await response.text();
    const anchors = [...html.matchAll(/<a href="([^"#]*)#sha256=([0-9a-f]{64})"([^>]*)>([^<]*)</g)];
    deepEqual(anchors.map(([, , , python, name]) => [python, name]), [
      [' data-requires-python="&gt;=3.9"', FILE],
    ]);
    const url = new URL(anchors[0]![1]!, "https://cairn.test/packages/").pathname;
    equal(url, packagePath(anchors[0]![2]!, FILE));
    equal((await made.fetch(url, { headers: as("bob") })).status, 200);
    ok((await (await made.fetch("/packages/", { headers: as("ann") })).text()).includes("secret"));
    ok(!(await (await made.fetch("/packages/")).text()).includes(".whl"));
  });
});

describe("PyPICloud's packages", () => {
  it("P-157 P-158: are shown to who may read them, with whether they may write", async () => {
    const made = await house();
    equal((await made.fetch("/api/package/demo/")).status, 401);
    const { packages, write } = await jsonAt(made, "/api/package/Demo/", "eve") as {
      packages: Record<string, unknown>[];
      write: boolean;
    };
    const { sha256, md5 } = (await made.index.fetch(FILE))!;
    equal(write, false);
    deepEqual(packages, [{
      name: "demo",
      filename: FILE,
      last_modified: Math.floor(made.clock.now() / 1_000),
      version: "1.0",
      url: `../../..${packagePath(sha256, FILE)}#sha256=${sha256}`,
      summary: null,
      metadata: {
        requires_python: ">=3.9",
        hash_sha256: sha256,
        hash_md5: md5,
        uploader: "ann",
      },
    }]);
    equal((await made.fetch("/api/package/secret/", { headers: as("eve") })).status, 403);
    deepEqual((await jsonAt(made, "/api/package/demo", "ann") as { write: boolean }).write, true);
  });

  it("P-149: a known file is sent from the store", async () => {
    const made = await house();
    for (const path of [AT, AT.slice(0, -1)]) {
      const response = await made.fetch(path, { headers: as("bob") });
      equal(response.status, 200);
      deepEqual(await bytesOf(response), makeWheel(DEMO).bytes);
    }
    equal((await made.fetch(AT)).status, 401);
    equal((await made.fetch(AT.replace("demo/", "other/"), { headers: as("bob") })).status, 404);
  });

  it("instead of P-150: the bytes are kept by their tag, for another file may get the name", async () => {
    const made = await house({ ...RIGHTS, read: ["everyone"] });
    const response = await made.fetch(AT);
    await bytesOf(response);
    equal(response.headers.get("cache-control"), "public, max-age=0, no-transform");
    const again = { "if-none-match": response.headers.get("etag")! };
    equal((await made.fetch(AT, { headers: again })).status, 304);
  });

  it("P-151: an unknown file without an upstream is 404", async () => {
    const made = await house();
    const path = AT.replace("1.0", "2.0");
    equal((await made.fetch(path, { headers: as("bob") })).status, 404);
  });

  it("P-169: an unknown path below /api/ is 404", async () => {
    const made = await house();
    for (const path of ["/api/nothing", "/api/package/a/b/c", "/api/package/a/b/c/d/"]) {
      equal((await made.fetch(path, { headers: as("root") })).status, 404, path);
    }
  });
});

describe("PyPICloud's packages that are read through", () => {
  const rights = { read: ["everyone"], fill: ["user:ann"] };

  async function readThrough() {
    const upstream = new TwistedUpstream();
    const wheel = await upstream.house.publish(DEMO);
    return { upstream, wheel, made: houseWith(rights, { upstream }) };
  }

  it("P-152: an unknown file is not fetched for those who may not", async () => {
    const { upstream, made } = await readThrough();
    equal((await made.fetch(AT)).status, 401);
    equal((await made.fetch(AT, { headers: as("bob") })).status, 403);
    equal(upstream.asked.length, 0);
  });

  it("P-153: a file that the upstream lacks is 404", async () => {
    const { made } = await readThrough();
    const path = AT.replace("1.0", "2.0");
    equal((await made.fetch(path, { headers: as("ann") })).status, 404);
  });

  it("a file that was fetched is known, with its facts, and there for all", async () => {
    const { upstream, wheel, made } = await readThrough();
    const response = await made.fetch(AT, { headers: as("ann") });
    equal(response.status, 200);
    equal(response.headers.get("cache-control"), "private, max-age=0, no-transform");
    deepEqual(await bytesOf(response), wheel.bytes);
    await settled(made);
    const { project, version, requiresPython, sha256 } = (await made.index.fetch(FILE))!;
    deepEqual([project, version, requiresPython, sha256], ["demo", "1.0", ">=3.9", wheel.sha256]);
    const asked = upstream.asked.length;
    const other = await made.fetch(AT);
    deepEqual([other.status, await bytesOf(other)], [200, wheel.bytes]);
    equal(upstream.asked.length, asked);
  });

  it("P-154: who needs no password gets a file that all may keep, and ask about", async () => {
    const upstream = new TwistedUpstream();
    const wheel = await upstream.house.publish({
      ...DEMO,
      metadata: [
        ...DEMO.metadata,
        "Summary: A demo",
      ],
    });
    const made = houseWith({ read: ["everyone"], fill: ["everyone"] }, { upstream });
    const response = await made.fetch(AT);
    deepEqual(await bytesOf(response), wheel.bytes);
    match(response.headers.get("cache-control")!, /^public, max-age=0\b/);
    equal(upstream.count("/packages/"), 1);
    await settled(made);
    const record = (await made.index.fetch(FILE))!;
    deepEqual(
      [record.project, record.version, record.summary, record.requiresPython, record.upstream],
      ["demo", "1.0", "A demo", ">=3.9", "main"],
    );
  });
});

describe("PyPICloud's uploads", () => {
  it("P-073: answer with the package that is stored", async () => {
    for (const path of ["/", "/simple/", "/simple", "/pypi/", "/pypi"]) {
      const made = houseWith(RIGHTS);
      const form = await uploadForm(makeWheel(DEMO));
      const response = await made.fetch(path, await postOf(form, as("ann")));
      equal(response.status, 200, path);
      const answer = await response.json();
      deepEqual([answer.name, answer.version, answer.filename], ["demo", "1.0", FILE]);
      const url = new URL(answer.url, `https://cairn.test${path}`);
      equal(url.pathname, packagePath(await sha256Of(makeWheel(DEMO).bytes), FILE), path);
      equal((await made.index.fetch(FILE))?.uploader, "ann");
    }
  });

  it("P-074: an unknown action is 400", async () => {
    const fields = { ":action": "sing" };
    const response = await post(houseWith(RIGHTS), "/simple/", { headers: as("ann"), fields });
    equal(response.status, 400);
  });

  it("P-076: other bytes under a name that is taken are 409", async () => {
    const made = await house();
    const response = await post(made, "/simple/", { headers: as("ann"), seed: 7 });
    equal(response.status, 409);
    match(await response.text(), /already exists/);
    equal((await post(made, "/simple/", { headers: as("ann") })).status, 200);
  });

  it("P-159 P-160: to a file's address need the right to write", async () => {
    const made = houseWith(RIGHTS);
    equal((await post(made, AT, { headers: as("eve") })).status, 403);
    equal((await post(made, AT)).status, 401);
    equal(await made.index.fetch(FILE), undefined);
    equal((await post(made, AT, { headers: as("bob") })).status, 200);
    deepEqual(await storedPaths(made), [`demo/${FILE}`, `demo/${FILE}.metadata`]);
  });

  it("P-163: do not replace a file", async () => {
    const made = await house();
    const before = await made.index.fetch(FILE);
    equal((await post(made, AT, { headers: as("bob"), seed: 7 })).status, 409);
    deepEqual(await made.index.fetch(FILE), before);
  });

  it("instead of P-164: an admin who wants another file under a name deletes the first", async () => {
    const made = await house(RIGHTS, { rules: { reusesNames: true } });
    const headers = as("root");
    equal((await post(made, AT, { headers, seed: 7 })).status, 409);
    equal((await made.fetch(AT, { method: "DELETE", headers })).status, 200);
    equal((await post(made, AT, { headers, seed: 7 })).status, 200);
    const { bytes } = makeWheel({ ...DEMO, seed: 7 });
    deepEqual(await bytesOf(await made.fetch(AT, { headers })), bytes);
  });

  it("to another file's or project's address are refused", async () => {
    const made = houseWith(RIGHTS);
    for (const path of [AT.replace("demo/", "other/"), AT.replace("1.0", "2.0")]) {
      equal((await post(made, path, { headers: as("ann") })).status, 400, path);
    }
    deepEqual(await storedPaths(made), []);
  });
});

describe("PyPICloud's deletions", () => {
  const remove = (made: House, name?: string, path = AT): Promise<Response> =>
    made.fetch(path, { method: "DELETE", headers: as(name) });

  it("P-161 P-162: need the right to write", async () => {
    const made = await house();
    equal((await remove(made)).status, 401);
    equal((await remove(made, "eve")).status, 403);
    const done = await remove(made, "ann");
    deepEqual([done.status, await done.text()], [200, ""]);
    equal(await made.index.fetch(FILE), undefined);
    const left = (await storedPaths(made)).filter((path) => path.startsWith("demo/"));
    deepEqual(left, [`demo/${FILE}.removed`]);
    equal((await made.index.project("demo")).isClaimed, true);
  });

  it("P-165 P-166: need to be among those who delete, or an admin", async () => {
    const made = await house();
    equal((await remove(made, "bob")).status, 403);
    ok(await made.index.fetch(FILE));
    equal((await remove(made, "root")).status, 200);
  });

  it("P-006: are refused to all but admins where nobody is among those", async () => {
    const made = await house({ ...RIGHTS, delete: [] });
    for (const name of ["ann", "bob"]) equal((await remove(made, name)).status, 403);
    ok(await made.index.fetch(FILE));
    deepEqual(await bytesOf(await made.fetch(AT, { headers: as("ann") })), makeWheel(DEMO).bytes);
  });

  it("instead of P-148: a file that is not there is 404", async () => {
    const made = await house();
    for (const path of [AT.replace("1.0", "2.0"), AT.replace("demo/", "other/")]) {
      equal((await remove(made, "ann", path)).status, 404, path);
    }
    ok(await made.index.fetch(FILE));
    equal((await remove(made, "ann", AT.slice(0, -1))).status, 200);
    equal((await remove(made, "ann")).status, 404);
  });
});

describe("PyPICloud's rebuild", () => {
  it("P-167 P-168: is for admins", async () => {
    const made = await house();
    equal((await made.fetch("/admin/rebuild/")).status, 401);
    equal((await made.fetch("/admin/rebuild/", { headers: as("ann") })).status, 403);
    equal(made.background.length, 0);
    for (const path of ["/admin/rebuild/", "/admin/rebuild"]) {
      equal((await made.fetch(path, { headers: as("root") })).status, 200);
    }
    await settled(made);
  });

  it("P-170: has the index agree with the store", async () => {
    const made = await house();
    const { bytes, filename } = makeWheel({ name: "byhand", version: "1.0" });
    const expected = { sizeBytes: bytes.length, sha256: await sha256Of(bytes) };
    await made.files.put(`byhand/${filename}`, new Blob([bytes]).stream(), expected);
    await made.files.delete(`demo/${FILE}`);
    const head = await made.fetch("/admin/rebuild/", { method: "HEAD", headers: as("root") });
    equal(head.status, 200);
    equal(made.background.length, 0);
    await made.fetch("/admin/rebuild/", { headers: as("root") });
    await settled(made);
    equal(await made.index.fetch(FILE), undefined);
    equal((await made.index.fetch(filename))?.project, "byhand");
    ok(made.logged.some(({ message }) => message === "Reloaded the index: done"));
  });

  it("that fails is told to the log", async () => {
    const made = await house();
    made.files.list = () => Promise.reject(new Error("no disk"));
    equal((await made.fetch("/admin/rebuild/", { headers: as("root") })).status, 200);
    await settled(made);
    ok(made.logged.some(({ level, message }) => level === "error" && /no disk/.test(message)));
  });
});

describe("without rights", () => {
  it("I-130: PyPICloud's routes are not there, and an upload to the index is 405 with a hint", async () => {
    const plain = new House();
    for (const path of ["/api/package/", "/admin/rebuild/", "/packages/", "/pypi/"]) {
      equal((await plain.fetch(path)).status, 404, path);
    }
    const response = await plain.fetch("/simple/", await postOf(await uploadForm(makeWheel(DEMO))));
    equal(response.status, 405);
    match(await response.text(), /uploads go to \/legacy\//);
    const read = await plain.fetch("/legacy/");
    deepEqual([read.status, read.headers.get("allow")], [405, "POST, OPTIONS"]);
    match(await read.text(), /\/simple\//);
    const accepted = await post(houseWith(RIGHTS), "/simple/", { headers: as("ann") });
    equal(accepted.status, 200);
  });
});
