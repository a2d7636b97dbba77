/**
 * PyPICloud's table of what `GET /simple/NAME/` answers, by fallback, by whether there is a package,
 * and by who asks. "show" is PyPICloud's always_show_upstream; here it is a project whose claim an
 * operator gave up, so that our files and the upstream's are both its own.
 */

import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { createApp } from "../../../src/wheels/http/app.ts";
import { type House, JSON_TYPE, postOf, uploadForm } from "./house.ts";
import { makeWheel } from "../../testing/make_wheel.ts";
import { as, houseWith } from "./rights_house.ts";
import { TwistedUpstream } from "./upstreams.ts";

const ELSEWHERE = "https://elsewhere.test/simple/";
const COLUMNS = ["redirect", "redirect + show", "cache", "cache + show", "none"] as const;
type Column = (typeof COLUMNS)[number];

/** What is answered: a status, or the versions that a page has. */
type Answer = 302 | 401 | 404 | readonly string[];

interface Row {
  readonly hasPackage: boolean;
  readonly rights: "no R" | "R" | "R+U";
  readonly who: "anon" | "user";
  readonly cells: readonly (readonly [id: string, answer: Answer])[];
}

const OURS = ["1.0"];
const THEIRS = ["9.0"];
const BOTH = ["1.0", "9.0"];

const row = (
  hasPackage: boolean,
  [rights, who]: readonly [Row["rights"], Row["who"]],
  cells: Row["cells"],
): Row => ({ hasPackage, rights, who, cells });

// Behind "instead of": where PyPICloud's answer is not ours, for the reason that the status tells.
const TABLE: readonly Row[] = [
  row(false, ["no R", "anon"], [
    ["P-083", 302],
    ["P-096", 302],
    ["P-108", 401],
    ["P-120", 401],
    ["P-132", 401],
  ]),
  row(false, ["no R", "user"], [
    ["P-085", 302],
    ["P-097", 302],
    ["P-109", 404],
    ["instead of P-121", 404],
    ["P-133", 404],
  ]),
  row(false, ["R", "anon"], [
    ["P-086", 302],
    ["P-098", 302],
    ["P-110", 401],
    ["P-122", 401],
    ["P-134", 404],
  ]),
  row(false, ["R", "user"], [
    ["P-087", 302],
    ["P-099", 302],
    ["P-111", 404],
    ["instead of P-123", 404],
    ["P-135", 404],
  ]),
  row(false, ["R+U", "anon"], [
    ["P-088", 302],
    ["P-100", 302],
    ["P-112", THEIRS],
    ["P-124", THEIRS],
    ["P-136", 404],
  ]),
  row(false, ["R+U", "user"], [
    ["P-089", 302],
    ["P-101", 302],
    ["P-113", THEIRS],
    ["P-125", THEIRS],
    ["P-137", 404],
  ]),
  row(true, ["no R", "anon"], [
    ["P-090", 401],
    ["P-102", 401],
    ["P-114", 401],
    ["P-126", 401],
    ["P-138", 401],
  ]),
  row(true, ["no R", "user"], [
    ["PX-14: instead of P-091", 404],
    ["PX-14: instead of P-103", 404],
    ["P-115", 404],
    ["PX-14: instead of P-127", 404],
    ["P-139", 404],
  ]),
  row(true, ["R", "anon"], [
    ["P-092", OURS],
    ["instead of P-104", OURS],
    ["P-116", OURS],
    ["P-128", 401],
    ["P-140", OURS],
  ]),
  row(true, ["R", "user"], [
    ["P-093", OURS],
    ["instead of P-105", OURS],
    ["P-117", OURS],
    ["instead of P-129", OURS],
    ["P-142", OURS],
  ]),
  row(true, ["R+U", "anon"], [
    ["P-094", OURS],
    ["instead of P-106", OURS],
    ["P-118", OURS],
    ["P-130", BOTH],
    ["P-143", OURS],
  ]),
  row(true, ["R+U", "user"], [
    ["P-095", OURS],
    ["instead of P-107", OURS],
    ["P-119", OURS],
    ["P-131", BOTH],
    ["P-144", OURS],
  ]),
];

/** A house as a cell of the table has it, over an upstream with version 9.0 of `demo`. */
async function houseOf(
  column: Column,
  { hasPackage, rights, who }: Row,
): Promise<{ house: House; upstream: TwistedUpstream }> {
  const upstream = new TwistedUpstream();
  await upstream.house.publish({ name: "demo", version: "9.0" });
  const asker = who === "anon" ? "everyone" : "user:ann";
  const house = houseWith({
    admins: ["root"],
    read: rights === "no R" ? [] : [asker],
    fill: rights === "R+U" ? [asker] : [],
  }, {
    ...column.startsWith("cache") ? { upstream } : {},
    access: column.startsWith("redirect") ? { fallback: { url: ELSEWHERE } } : {},
  });
  if (hasPackage) {
    const form = await uploadForm(makeWheel({ name: "demo", version: "1.0" }));
    equal((await house.fetch("/legacy/", await postOf(form, as("root")))).status, 200);
    if (column.endsWith("show")) await house.index.claim("demo", false);
  }
  return { house, upstream };
}

async function get(house: House, path: string, who: Row["who"]): Promise<Response> {
  const headers = { accept: JSON_TYPE, ...as(who === "anon" ? undefined : "ann") };
  return await house.fetch(path, { headers });
}

describe("a project's page, by fallback", () => {
  for (const each of TABLE) {
    for (const [place, [id, answer]] of each.cells.entries()) {
      const column = COLUMNS[place]!;
      const about = `${each.hasPackage ? "pkg" : "no pkg"}, ${each.rights}, ${each.who}`;
      const said = Array.isArray(answer) ? `a page of ${answer.join(" and ")}` : answer;
      it(`${id}: ${column}, ${about}: ${said}`, async () => {
        const { house, upstream } = await houseOf(column, each);
        const response = await get(house, "/simple/demo/", each.who);
        const json = await get(house, "/pypi/demo/json", each.who);
        if (Array.isArray(answer)) {
          equal(response.status, 200);
          deepEqual((await response.json()).versions, answer);
          deepEqual(Object.keys((await json.json()).releases), answer);
        } else {
          deepEqual([response.status, json.status], [answer, answer]);
          const isChallenge = answer === 401;
          equal(response.headers.get("www-authenticate") !== null, isChallenge);
          const location = answer === 302 ? `${ELSEWHERE}demo/` : null;
          equal(response.headers.get("location"), location);
        }
        const isAsked = answer === THEIRS || answer === BOTH;
        equal(upstream.asked.length > 0, isAsked);
      });
    }
  }
});

describe("where clients are sent", () => {
  const rights = { read: ["everyone"], admins: ["root"] };
  const access = { fallback: { url: ELSEWHERE, reserved: ["acme-*"] } };

  it("P-084: for PyPI's JSON, beside the other index", async () => {
    const house = houseWith(rights, { access });
    const response = await house.fetch("/pypi/demo/json");
    deepEqual([response.status, response.headers.get("location")], [
      302,
      "https://elsewhere.test/pypi/demo/json",
    ]);
    equal(response.headers.get("cache-control"), "no-store");
  });

  it("PX-15: not for a name at the root, which is no page of an index", async () => {
    const house = houseWith(rights, { access });
    for (const path of ["/demo/", "/demo", "/demo/json"]) {
      equal((await house.fetch(path)).status, 404, path);
    }
  });

  it("P-082: not for names that are ours, with files, without and in any spelling", async () => {
    const projects = { "ruled": { read: ["user:eve"] } };
    const house = houseWith({ ...rights, projects }, { access });
    await house.index.claim("claimed", true);
    for (const name of ["acme-tool", "claimed", "ruled"]) {
      for (const who of ["anon", "user"] as const) {
        const response = await get(house, `/simple/${name}/`, who);
        ok([401, 404].includes(response.status), `${name} ${who} ${response.status}`);
      }
    }
    const spelled = await house.fetch("/simple/Acme__Tool/");
    equal(spelled.headers.get("location"), "../acme-tool/");
    const upstream = new TwistedUpstream();
    await upstream.house.publish({ name: "acme-tool", version: "9.0" });
    const open = { ...rights, fill: ["everyone"] };
    const reading = houseWith(open, {
      upstream: { fetch: upstream.fetch, reserved: ["acme-*"] },
    });
    equal((await reading.fetch("/simple/acme-tool/")).status, 404);
    equal(upstream.asked.length, 0);
  });

  it("without rights, too: for what is not here", async () => {
    const { wheelhouse } = houseWith({});
    const app = createApp({ wheelhouse, access });
    const response = await app.fetch(new Request("https://cairn.test/simple/demo/"));
    equal(response.headers.get("location"), `${ELSEWHERE}demo/`);
    const ours = await app.fetch(new Request("https://cairn.test/simple/acme-tool/"));
    equal(ours.status, 404);
  });

  it("is an address without a password", () => {
    const { wheelhouse } = houseWith({});
    for (const url of ["", "simple/", "ftp://x.test/", "https://ann:secret@x.test/simple/"]) {
      throws(() => createApp({ wheelhouse, access: { fallback: { url } } }), {
        name: "TypeError",
        message: /^Cannot use fallback: (?!.*secret)/,
      });
    }
  });
});

describe("a page that is read through", () => {
  it("instead of P-080: has our own addresses, what Python a file needs, and its digest", async () => {
    const upstream = new TwistedUpstream();
    const metadata = ["Requires-Python: >=3.9"];
    const { path, sha256 } = await upstream.house.publish({
      name: "demo",
      version: "9.0",
      metadata,
    });
    const house = houseWith({ read: ["everyone"], fill: ["everyone"] }, { upstream });
    const [file] = (await house.page("demo")).files;
    equal(new URL(file!.url, "https://cairn.test/simple/demo/").href, `https://cairn.test${path}`);
    deepEqual([file!["requires-python"], file!.hashes], [">=3.9", { sha256 }]);
  });
});

describe("PyPI's JSON", () => {
  const rights = { read: ["everyone"], write: ["everyone"] };

  async function houseWithReleases(): Promise<House> {
    const house = houseWith(rights);
    for (const version of ["1.0", "1.1", "2.0rc1"]) {
      const form = await uploadForm(makeWheel({ name: "demo", version }));
      equal((await house.fetch("/legacy/", await postOf(form))).status, 200);
    }
    return house;
  }

  it("instead of P-141: has both digests of a file, and its HTML page the one that pip takes", async () => {
    const house = await houseWithReleases();
    for (const path of ["/pypi/demo/json", "/simple/demo/json"]) {
      const response = await house.fetch(path);
      equal(response.headers.get("content-type"), "application/json");
      const { info, releases, urls } = await response.json();
      deepEqual([info.name, info.version], ["demo", "1.1"]);
      deepEqual(Object.keys(releases), ["1.0", "1.1", "2.0rc1"]);
      deepEqual(urls, releases["1.1"]);
      const [file] = urls;
      const record = (await house.index.fetch(file.filename))!;
      deepEqual(file.digests, { md5: record.md5, sha256: record.sha256 });
      deepEqual([file.packagetype, file.md5_digest], ["bdist_wheel", record.md5]);
      const url = new URL(file.url, `https://cairn.test${path}`).pathname;
      equal((await house.fetch(url)).status, 200);
      const html = await (await house.fetch("/simple/demo/")).text();
      ok(html.includes(`#sha256=${record.sha256}"`));
    }
  });

  it("is asked for again by its tag, and by other spellings sent to the one", async () => {
    const house = await houseWithReleases();
    const etag = (await house.fetch("/pypi/demo/json")).headers.get("etag")!;
    const again = await house.fetch("/pypi/demo/json", { headers: { "if-none-match": etag } });
    equal(again.status, 304);
    const spelled = await house.fetch("/pypi/De.mo/json");
    deepEqual([spelled.status, spelled.headers.get("location")], [301, "../de-mo/json"]);
    equal((await house.fetch("/pypi/no%20name/json")).status, 404);
  });
});
