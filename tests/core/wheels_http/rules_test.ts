import { deepEqual, equal, match, notEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { Rules, type RulesOptions } from "../../../src/wheels/rules/rules.ts";
import { parseRules } from "../../../src/wheels/rules/rules_text.ts";
import { makeWheel } from "../../testing/make_wheel.ts";
import { bytesOf, House, type HouseOptions, JSON_TYPE, packagePath, postOf } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { readThrough, settled, TwistedUpstream } from "./upstreams.ts";

const DEMO = { name: "demo", version: "1.0" };

/** The same index and files under other rules. */
function under(house: House, rules: RulesOptions, options: HouseOptions = {}): House {
  const { clock, index, files } = house;
  return new House({ ...options, clock, index, files: () => files, rules });
}

async function refusal(house: House, path: string): Promise<[number, string]> {
  const response = await house.fetch(path);
  equal(response.headers.get("cache-control"), "no-store");
  return [response.status, await response.text()];
}

describe("a file that was deleted", () => {
  it("I-075 I-116: is 410, on no page, and its name is given to no other file", async () => {
    const house = new House();
    const wheel = await house.publish(DEMO);
    await house.publish({ ...DEMO, version: "2.0" });
    equal(await house.wheelhouse.remove(wheel.filename), true);
    for (const path of [wheel.path, `${wheel.path}.metadata`]) {
      const [status, text] = await refusal(house, path);
      equal(status, 410);
      match(text, /deleted/);
      equal((await house.fetch(path, { method: "HEAD" })).status, 410);
    }
    equal((await house.fetch(packagePath("0".repeat(64), wheel.filename))).status, 404);
    deepEqual((await house.page("demo")).versions, ["2.0"]);
    for (const seed of [0, 1]) {
      const again = await house.upload(makeWheel({ ...DEMO, seed }));
      equal(again.status, 400);
      match(await again.text(), /^This filename has already been used, use a different version\./);
    }
    equal(await house.index.fetch(wheel.filename), undefined);
    const rebuilt = new House({ clock: house.clock, files: () => house.files });
    equal((await rebuilt.wheelhouse.scan()).skipped, 0);
    equal((await rebuilt.fetch(wheel.path)).status, 410, "a lost index forgets nothing of it");
    equal((await rebuilt.upload(makeWheel(DEMO))).status, 400);
  });

  it("I-070: another file has its name, where that is allowed, at another address", async () => {
    const house = new House({ rules: { reusesNames: true } });
    const first = await house.publish(DEMO);
    const url = (await house.page("demo")).files[0]!.url;
    await house.wheelhouse.remove(first.filename);
    const second = await house.publish({ ...DEMO, seed: 1 });
    const [file] = (await house.page("demo")).files;
    equal(file!.filename, first.filename);
    notEqual(file!.url, url);
    equal(file!.hashes.sha256, second.sha256);
    deepEqual(await bytesOf(await house.fetch(second.path)), second.bytes);
    equal((await house.fetch(first.path)).status, 410);
  });

  it("is not told of to those who may not read its project", async () => {
    const house = houseWith({ write: ["everyone"], read: ["user:ann"], admins: ["root"] });
    const wheel = await house.publish(DEMO);
    await house.wheelhouse.remove(wheel.filename);
    equal((await house.fetch(wheel.path)).status, 401);
    equal((await house.fetch(wheel.path, { headers: as("bob") })).status, 404);
    equal((await house.fetch(wheel.path, { headers: as("ann") })).status, 410);
  });

  it("of the upstream comes back from there", async () => {
    const { house, wheel } = await readThrough();
    await bytesOf(await house.fetch(wheel.path));
    await settled(house);
    equal(await house.wheelhouse.remove(wheel.filename), true);
    deepEqual(await bytesOf(await house.fetch(wheel.path)), wheel.bytes);
  });
});

describe("what is denied", () => {
  it("I-194: by project, by version and by digest is 403 with its reason, ours or not", async () => {
    const house = new House();
    const old = await house.publish(DEMO);
    const fine = await house.publish({ ...DEMO, version: "2.0" });
    const bad = await house.publish({ ...DEMO, version: "3.0" });
    const evil = await house.publish({ name: "evil", version: "1.0" });
    const strict = under(house, {
      denied: {
        "Evil": "Malware",
        "demo<2": "It leaks",
        [`sha256:${bad.sha256.toUpperCase()}`]: "Stolen key",
      },
    });
    for (
      const [wheel, reason] of [[old, "It leaks"], [bad, "Stolen key"], [evil, "Malware"]] as const
    ) {
      for (const path of [wheel.path, `${wheel.path}.metadata`]) {
        const [status, text] = await refusal(strict, path);
        equal(status, 403, path);
        match(text, new RegExp(reason));
      }
    }
    for (const accept of [JSON_TYPE, "text/html"]) {
      const text = await (await strict.fetch("/simple/demo/", { headers: { accept } })).text();
      deepEqual([...new Set(text.match(/demo-\d\.0-py3-none-any\.whl/g))], [fine.filename]);
    }
    deepEqual((await strict.page("demo")).versions, ["2.0"]);
    deepEqual(await bytesOf(await strict.fetch(fine.path)), fine.bytes);
    const [status, text] = await refusal(strict, "/simple/evil/");
    equal(status, 403);
    match(text, /Malware/);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0", "3.0"], "without rules");
  });

  it("I-194: of the upstream is neither listed nor fetched, and a denied name not asked for", async () => {
    const upstream = new TwistedUpstream();
    const old = await upstream.house.publish(DEMO);
    const fine = await upstream.house.publish({ ...DEMO, version: "2.0" });
    const evil = await upstream.house.publish({ name: "evil", version: "1.0" });
    const denied = { evil: "Malware", "demo<2": "It leaks" };
    const house = new House({ upstream: { fetch: upstream.fetch }, rules: { denied } });
    deepEqual((await house.page("demo")).versions, ["2.0"]);
    for (const wheel of [old, evil]) equal((await house.fetch(wheel.path)).status, 403);
    equal((await house.fetch("/simple/evil/")).status, 403);
    deepEqual(await bytesOf(await house.fetch(fine.path)), fine.bytes);
    equal(upstream.count("evil"), 0);
    equal(upstream.count(old.filename), 0);
  });

  it("is not taken as an upload either", async () => {
    const house = new House({ rules: { denied: { "demo==1.*": "It leaks" } } });
    const response = await house.upload(makeWheel(DEMO));
    equal(response.status, 403);
    match(await response.text(), /project 'demo' is not allowed here: It leaks/);
    equal((await house.upload(makeWheel({ ...DEMO, version: "2.0" }))).status, 200);
  });
});

describe("the status of a project", () => {
  it("I-129: archived or quarantined closes uploads with the reason", async () => {
    const house = new House({
      rules: {
        statuses: {
          Demo: { status: "archived", reason: "Use other" },
          bad: { status: "quarantined" },
          tired: { status: "deprecated" },
        },
      },
    });
    const cases = [["demo", /archived.*Use other/], ["bad", /in quarantine/]] as const;
    for (const [name, message] of cases) {
      const response = await house.upload(makeWheel({ name, version: "1.0" }));
      equal(response.status, 403);
      match(await response.text(), message);
      equal((await house.index.all(name)).files.length, 0);
    }
    equal((await house.upload(makeWheel({ name: "tired", version: "1.0" }))).status, 200);
  });

  it("is on its page; a quarantined one lists nothing and serves nothing", async () => {
    const house = new House();
    const wheel = await house.publish(DEMO);
    const archived = under(house, { statuses: { demo: { status: "archived", reason: "Done" } } });
    deepEqual((await archived.page("demo"))["project-status"], {
      status: "archived",
      reason: "Done",
    });
    deepEqual(await bytesOf(await archived.fetch(wheel.path)), wheel.bytes);
    const quarantined = under(house, { statuses: { demo: { status: "quarantined" } } });
    deepEqual((await quarantined.page("demo")).files, []);
    const [status, text] = await refusal(quarantined, wheel.path);
    equal(status, 403);
    match(text, /in quarantine/);
  });
});

describe("what may be uploaded", () => {
  it("I-122: over its project's limit is 413 before the body was read", async () => {
    const house = new House({
      rules: { maxUploadBytes: { "Big.One": 3_000_000, small: 1_000 } },
      app: { uploads: { maxBytes: 100_000 } },
    });
    const cases = [["big-one", 200_000, 200], ["demo", 200_000, 413], [
      "small",
      2_000,
      413,
    ]] as const;
    for (const [name, paddingBytes, status] of cases) {
      const wheel = makeWheel({ name, version: "1.0", paddingBytes });
      const response = await house.upload(wheel);
      equal(response.status, status, name);
      if (name === "small") match(await response.text(), /Limit for project 'small' is 1000 bytes/);
    }
    const endless = await endlessUpload(house, "small");
    equal(endless.status, 413);
    equal(endless.readBytes < 1_000_000, true, `${endless.readBytes}`);
    deepEqual((await house.files.list({ limit: 10 })).files.map(({ path }) => path.split("/")[0]), [
      "big-one",
      "big-one",
    ]);
  });

  it("I-122: a form that lies about its project is judged by the archive", async () => {
    const house = new House({ rules: { maxUploadBytes: { demo: 1_000, large: 1_000_000 } } });
    const wheel = makeWheel({ ...DEMO, paddingBytes: 5_000 });
    const form = new FormData();
    form.append(":action", "file_upload");
    form.append("sha256_digest", "0".repeat(64));
    form.append("content", new Blob([wheel.bytes]), "large-1.0-py3-none-any.whl");
    equal((await house.fetch("/legacy/", await postOf(form))).status, 400);
    equal((await house.upload(wheel, { name: "" })).status, 413);
    equal((await house.files.list({ limit: 10 })).files.length, 0);
  });

  it("I-128: local versions are taken, or refused where they are not wanted", async () => {
    const local = makeWheel({ ...DEMO, version: "1.0+cu121" });
    equal((await new House().upload(local)).status, 200);
    const house = new House({ rules: { takesLocalVersions: false } });
    const response = await house.upload(local);
    equal(response.status, 400);
    match(await response.text(), /local versions in '1\.0\+cu121'/);
    equal((await house.upload(makeWheel(DEMO))).status, 200);
  });

  it("other content under a taken name is 409 where that is wanted, and always says so", async () => {
    for (const takenStatus of [400, 409] as const) {
      const house = new House({ app: { uploads: { takenStatus } } });
      await house.publish(DEMO);
      const response = await house.upload(makeWheel({ ...DEMO, seed: 1 }));
      equal(response.status, takenStatus);
      match(await response.text(), /^File already exists \('demo-1\.0-py3-none-any\.whl'/);
    }
  });
});

describe("rules as a text", () => {
  it("are those of the object", () => {
    const rules = parseRules(`\ufeff{
      "denied": { "evil": "Malware", "demo<2": "It leaks" },
      "statuses": { "old": "archived", "bad": { "status": "quarantined", "reason": "Phishing" } },
      "maxUploadBytes": { "big": 5 },
      "takesLocalVersions": false,
      "reusesNames": true
    }`);
    equal(rules.denialOf({ project: "demo", version: "1" }), "It leaks");
    deepEqual(rules.statusOf("old"), { status: "archived" });
    match(rules.closureOf("bad")!, /Phishing/);
    equal(rules.maxUploadBytesOf("big", 1), 5);
    equal(rules.maxUploadBytesOf("small", 1), 1);
    deepEqual([rules.takesLocalVersions, rules.reusesNames], [false, true]);
  });

  const cases: [string, RegExp][] = [
    ["[]", /"rules" is no object/],
    ["{", /no JSON/],
    ['{ "deny": {} }', /"deny" is no setting/],
    ['{ "denied": { "a b": "" } }', /Cannot deny "a b"/],
    ['{ "denied": { "a[x]": "" } }', /Cannot deny "a\[x\]"/],
    ['{ "denied": { "a": 1 } }', /"denied.a" is no string/],
    ['{ "denied": { "sha256:12": "" } }', /Cannot deny "sha256:12"/],
    ['{ "statuses": { "a": "frozen" } }', /"statuses.a" is "frozen"/],
    ['{ "statuses": { "a": { "state": "archived" } } }', /"statuses.a" is no status/],
    ['{ "statuses": { "a": "archived", "A": "archived" } }', /"statuses.A" is no project's name/],
    ['{ "maxUploadBytes": { "a": 0 } }', /"maxUploadBytes.a" is 0/],
    ['{ "maxUploadBytes": { "a": "1 GB" } }', /"maxUploadBytes.a" is no number/],
    ['{ "reusesNames": 1 }', /"reusesNames" is no boolean/],
  ];
  for (const [text, message] of cases) {
    it(`are refused: ${text}`, () => throws(() => parseRules(text), message));
  }

  it("tell a page by what it depends on", () => {
    equal(new Rules().identity, "");
    equal(new Rules({ reusesNames: true, maxUploadBytes: { a: 1 } }).identity, "");
    notEqual(
      new Rules({ denied: { a: "b" } }).identity,
      new Rules({ denied: { a: "c" } }).identity,
    );
  });
});

/** Sends a form whose file has no end, and answers how much of it was read. */
async function endlessUpload(
  house: House,
  name: string,
): Promise<{ status: number; readBytes: number }> {
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const field = (key: string, value: string): string =>
    `--b\r\nContent-Disposition: form-data; name="${key}"\r\n\r\n${value}\r\n`;
  const file =
    `--b\r\nContent-Disposition: form-data; name="content"; filename="${name}-1.0.tar.gz"`;
  const parts = [text(`${field(":action", "file_upload")}${field("name", name)}${file}\r\n\r\n`)];
  let readBytes = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const chunk = parts.shift() ?? new Uint8Array(65_536);
      readBytes += chunk.byteLength;
      if (readBytes > 64_000_000) controller.error(new Error("It is read without end"));
      else controller.enqueue(chunk);
    },
  }, { highWaterMark: 0 });
  const response = await house.fetch("/legacy/", {
    method: "POST",
    body,
    headers: { "content-type": "multipart/form-data; boundary=b" },
    duplex: "half",
  } as RequestInit);
  return { status: response.status, readBytes };
}
