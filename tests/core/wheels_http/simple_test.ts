// runs on: deno, node22, node24, bun, workerd
// A browser sets some of the headers itself, so a page cannot send them.
import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { Parser } from "htmlparser2";

import { bytesOf, House, JSON_TYPE, packagePath } from "./house.ts";
import { readThrough } from "./upstreams.ts";

const HTML_TYPE = "application/vnd.pypi.simple.v1+html";

async function houseWithWheels(): Promise<House> {
  const house = new House();
  await house.publish({ name: "Demo", version: "1.10", metadata: ["Requires-Python: >=3.8,<4"] });
  await house.publish({ name: "Demo", version: "1.9" });
  return house;
}

async function gunzip(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function anchorsOf(html: string): { text: string; attributes: Record<string, string> }[] {
  const anchors: { text: string; attributes: Record<string, string> }[] = [];
  let isOpen = false;
  new Parser({
    onopentag(name, attributes) {
      isOpen = name === "a";
      if (isOpen) anchors.push({ text: "", attributes });
    },
    ontext(text) {
      if (isOpen) anchors.at(-1)!.text += text;
    },
    onclosetag() {
      isOpen = false;
    },
  }).end(html);
  return anchors;
}

describe("the list of projects", () => {
  it("I-025: names the same projects in JSON and HTML", async () => {
    const house = await houseWithWheels();
    await house.publish({ name: "acme.tool", version: "1" });
    const json = await (await house.fetch("/simple/", { headers: { accept: JSON_TYPE } })).json();
    deepEqual(json.projects, [{ name: "acme-tool" }, { name: "demo" }]);
    equal(json.meta["api-version"], "1.4");
    const html = await (await house.fetch("/simple/")).text();
    deepEqual(anchorsOf(html).map(({ text }) => text), ["acme-tool", "demo"]);
  });

  it("I-001: is HTML5 with one anchor per project, its href ending in a slash", async () => {
    const house = await houseWithWheels();
    const html = await (await house.fetch("/simple/")).text();
    match(html, /^<!DOCTYPE html>\n<html lang="en">/);
    deepEqual(anchorsOf(html), [{ text: "demo", attributes: { href: "demo/" } }]);
  });

  it("is there, and empty, before anything was uploaded", async () => {
    const response = await new House().fetch("/simple/", { headers: { accept: JSON_TYPE } });
    equal(response.status, 200);
    equal(response.headers.get("x-pypi-last-serial"), null);
    deepEqual((await response.json()).projects, []);
  });
});

describe("a project's page", () => {
  it("I-016 I-036: JSON says all that PEP 691 and 700 ask for", async () => {
    const house = await houseWithWheels();
    const response = await house.fetch("/simple/demo/", { headers: { accept: JSON_TYPE } });
    equal(response.headers.get("content-type"), JSON_TYPE);
    const page = await response.json();
    equal(page.meta["api-version"], "1.4");
    equal(page.name, "demo");
    deepEqual(page.versions, ["1.9", "1.10"]);
    deepEqual(page["project-status"], { status: "active" });
    const file = page.files[1];
    equal(file.filename, "demo-1.10-py3-none-any.whl");
    equal(file["requires-python"], ">=3.8,<4");
    equal(file["upload-time"], new Date(house.clock.now()).toISOString());
    equal(file.yanked, false);
    equal(Object.hasOwn(file, "data-dist-info-metadata"), false);
    const missing = await house.fetch("/simple/none/", { headers: { accept: "text/html" } });
    equal(missing.headers.get("content-type"), "text/plain; charset=utf-8");
  });

  it("I-002 I-003 I-004 I-006: HTML has one anchor per file with every attribute", async () => {
    const house = await houseWithWheels();
    const html = await (await house.fetch("/simple/demo/")).text();
    const [older, newer] = anchorsOf(html);
    equal(newer?.text, "demo-1.10-py3-none-any.whl");
    const { href = "" } = newer!.attributes;
    match(href, /#sha256=[0-9a-f]{64}$/);
    const [path, fragment = ""] = href.split("#");
    equal(path, `../..${packagePath(fragment.slice("sha256=".length), newer!.text)}`);
    equal(path?.split("/").at(-1), newer?.text);
    ok(html.includes(`data-requires-python="&gt;=3.8,&lt;4"`));
    equal(newer?.attributes["data-requires-python"], ">=3.8,<4");
    match(newer?.attributes["data-core-metadata"] ?? "", /^sha256=[0-9a-f]{64}$/);
    equal(newer?.attributes["data-core-metadata"], newer?.attributes["data-dist-info-metadata"]);
    equal(Object.hasOwn(older!.attributes, "data-requires-python"), false);
    equal(anchorsOf(html).length, 2);
  });

  it("I-008 I-015: HTML announces 1.4 and has no base", async () => {
    const html = await (await (await houseWithWheels()).fetch("/simple/demo/")).text();
    equal(html.match(/pypi:repository-version" content="([^"]+)"/)?.[1], "1.4");
    ok(!/<base/i.test(html));
    for (const { attributes } of anchorsOf(html)) {
      match(attributes.href!, /^\.\.\/\.\.\/packages\//);
    }
  });

  it("I-026: JSON ends with a newline and is the same bytes in every process", async () => {
    const [one, other] = [await houseWithWheels(), await houseWithWheels()];
    const read = async (house: House) =>
      await (await house.fetch("/simple/demo/", { headers: { accept: JSON_TYPE } })).text();
    const text = await read(one);
    ok(text.endsWith("}\n"));
    equal(text, await read(other));
  });

  it("I-049: shows an upload at once, on every node that shares the index", async () => {
    const house = await houseWithWheels();
    const node = new House({ index: house.index, files: () => house.files });
    for (const each of [house, node]) equal((await each.page("demo")).files.length, 2);
    await house.publish({ name: "Demo", version: "2.0rc1" });
    for (const each of [house, node]) {
      deepEqual((await each.page("demo")).versions, ["1.9", "1.10", "2.0rc1"]);
    }
  });

  it("I-034: format wins, and an unknown one is a 406", async () => {
    const house = await houseWithWheels();
    const accept = { headers: { accept: "text/html" } };
    const json = await house.fetch(`/simple/demo/?format=${encodeURIComponent(JSON_TYPE)}`, accept);
    equal(json.headers.get("content-type"), JSON_TYPE);
    equal((await house.fetch("/simple/demo/?format=xml", accept)).status, 406);
  });

  it("I-032: version 2 alone is a 406 that lists the types", async () => {
    const house = await houseWithWheels();
    const headers = { accept: "application/vnd.pypi.simple.v2+json" };
    const response = await house.fetch("/simple/demo/", { headers });
    equal(response.status, 406);
    const { detail } = await response.json();
    for (const type of [JSON_TYPE, HTML_TYPE, "text/html"]) ok(detail.includes(type), type);
  });
});

describe("names and redirects", () => {
  it("I-051 I-052 I-053: every spelling is redirected to the normalised name, relatively", async () => {
    const house = new House();
    await house.publish({ name: "foo-bar", version: "1" });
    for (const name of ["Foo.Bar", "foo__bar", "FOO-bar", "foo-_.bar"]) {
      for (const slash of ["", "/"]) {
        const path = `/simple/${name}${slash}?format=text/html`;
        const response = await house.fetch(path);
        equal(response.status, 301, path);
        const location = response.headers.get("location")!;
        ok(!location.startsWith("/") && !location.includes(":"), location);
        const target = new URL(location, `https://cairn.test${path}`);
        equal(target.pathname + target.search, "/simple/foo-bar/?format=text/html");
      }
    }
    equal((await house.fetch("/simple/foo-bar")).headers.get("location"), "foo-bar/");
    equal((await house.fetch("/simple")).headers.get("location"), "simple/");
    equal((await house.fetch("/simple/foo-bar/")).status, 200);
  });

  it("an unknown project is a 404 that says which, for a minute", async () => {
    const response = await new House().fetch("/simple/nothing/");
    equal(response.status, 404);
    equal(response.headers.get("cache-control"), "public, max-age=60");
    equal(await response.text(), 'Project "nothing" not found.\n');
  });

  it("what cannot be a path is a 400, and never a crash", async () => {
    const house = new House();
    const paths = ["/simple/%00/", "/simple/a%2Fb/", "/simple/%ff/", "/simple/a//", "/simple/%5c/"];
    for (const path of paths) equal((await house.fetch(path)).status, 400, path);
    equal((await house.fetch(`/simple/${"a".repeat(3_000)}/`)).status, 414);
    equal((await house.fetch("/simple/%C3%A9/")).status, 404);
    equal((await house.fetch("/nowhere")).status, 404);
  });
});

describe("caching of pages", () => {
  it("I-040 I-044: the same page again is a 304 without a body, 583 times of 584", async () => {
    const house = await houseWithWheels();
    const statuses = new Map<number, number>();
    let etag = "";
    for (let round = 0; round < 584; round++) {
      const headers: Record<string, string> = etag === "" ? {} : { "if-none-match": etag };
      const response = await house.fetch("/simple/demo/", { headers });
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      ok(response.headers.get("date"));
      if (etag !== "") equal((await bytesOf(response)).length, 0);
      if (etag !== "") equal(response.headers.get("etag"), etag);
      etag = response.headers.get("etag")!;
    }
    deepEqual([...statuses], [[200, 1], [304, 583]]);
  });

  it("I-041 I-046: every representation and packing has bytes and a tag of its own", async () => {
    const house = await houseWithWheels();
    const tags = new Set<string>();
    for (const accept of [JSON_TYPE, HTML_TYPE, "text/html"]) {
      const bodies: Uint8Array<ArrayBuffer>[] = [];
      for (const encoding of ["identity", "gzip"]) {
        const headers = { accept, "accept-encoding": encoding };
        const response = await house.fetch("/simple/demo/", { headers });
        const packing = response.headers.get("content-encoding");
        equal(packing, encoding === "gzip" ? "gzip" : null);
        const bytes = await bytesOf(response);
        equal(response.headers.get("content-length"), String(bytes.length));
        bodies.push(packing === "gzip" ? await gunzip(bytes) : bytes);
        tags.add(response.headers.get("etag")!);
      }
      deepEqual(bodies[0], bodies[1]);
    }
    equal(tags.size, 6);
    for (const tag of tags) match(tag, /^"[0-9a-f]{32}-\w+"$/);
  });

  it("I-047: what the edge says the client takes beats the header", async () => {
    const house = await houseWithWheels();
    const request = new Request("https://cairn.test/simple/demo/", {
      headers: { "accept-encoding": "gzip" },
    });
    Object.defineProperty(request, "cf", { value: { clientAcceptEncoding: "identity" } });
    equal((await house.app.fetch(request)).headers.get("content-encoding"), null);
    const plain = await house.fetch("/simple/demo/");
    equal(plain.headers.get("content-encoding"), null);
  });

  it("I-042: If-None-Match is a list, takes weak tags, and a star", async () => {
    const house = await houseWithWheels();
    const etag = (await house.fetch("/simple/demo/")).headers.get("etag")!;
    const matching = [etag, `W/${etag}`, `"a", W/"b" , ${etag}`, "*"];
    for (const condition of matching) {
      const headers = { "if-none-match": condition };
      equal((await house.fetch("/simple/demo/", { headers })).status, 304, condition);
    }
    for (const condition of ['"a"', etag.slice(1, -1), ""]) {
      const headers = { "if-none-match": condition };
      equal((await house.fetch("/simple/demo/", { headers })).status, 200, condition);
    }
  });

  it("says for how long: what is read through ten minutes, what is ours until it is asked again", async () => {
    const { house } = await readThrough();
    const own = await house.publish({ name: "own", version: "1.0" });
    const merged = await house.publish({ name: "merged", version: "1.0" });
    await house.index.claim("merged", false);
    const cachingOf = async (path: string): Promise<string> => {
      const { headers } = await house.fetch(path);
      ok(headers.get("etag"), path);
      return headers.get("cache-control")!;
    };
    const lasting = /^public, max-age=600, stale-while-revalidate=\d+, stale-if-error=\d+/;
    match(await cachingOf("/simple/demo/"), lasting);
    for (const path of ["/simple/", "/simple/own/", "/simple/merged/"]) {
      match(await cachingOf(path), /^public, max-age=0, stale-if-error=\d+/, path);
    }
    for (const path of ["/simple/", "/simple/own/", "/simple/merged/", "/simple/demo/"]) {
      ok(!/s-maxage|must-revalidate|no-cache/.test(await cachingOf(path)), path);
    }
    match(await cachingOf(own.path), /max-age=365000000, immutable/);
    equal((await house.page("merged")).files[0]?.filename, merged.filename);
    const alone = await houseWithWheels();
    match((await alone.fetch("/simple/demo/")).headers.get("cache-control")!, /^public, max-age=0/);
  });

  it("I-039: says what it depends on", async () => {
    const house = await houseWithWheels();
    const { headers } = await house.fetch("/simple/demo/");
    equal(headers.get("vary"), "Accept, Accept-Encoding");
    for (let round = 0; round < 3; round++) {
      const json = await house.fetch("/simple/demo/", { headers: { accept: JSON_TYPE } });
      const html = await house.fetch("/simple/demo/", { headers: { accept: "text/html" } });
      match(await json.text(), /^\{/);
      match(await html.text(), /^<!DOCTYPE/);
    }
  });

  it("I-045: the serial grows with every change and is absent for who has none", async () => {
    const house = await houseWithWheels();
    const serialOf = async () =>
      Number((await house.fetch("/simple/demo/")).headers.get("x-pypi-last-serial"));
    const before = await serialOf();
    ok(before > 0);
    await house.publish({ name: "demo", version: "3" });
    ok(await serialOf() > before);
    equal((await new House().fetch("/simple/")).headers.get("x-pypi-last-serial"), null);
  });

  it("I-048: HEAD has the headers of GET, for every kind of answer", async () => {
    const house = await houseWithWheels();
    const etag = (await house.fetch("/simple/demo/")).headers.get("etag")!;
    const requests: [string, Record<string, string>][] = [
      ["/simple/demo/", { accept: JSON_TYPE }],
      ["/simple/demo/", { accept: "text/html", "accept-encoding": "gzip" }],
      ["/simple/demo/", { "if-none-match": etag }],
      ["/simple/unknown/", {}],
    ];
    for (const [path, headers] of requests) {
      const whole = await house.fetch(path, { headers });
      const head = await house.fetch(path, { headers, method: "HEAD" });
      equal(head.status, whole.status);
      deepEqual([...head.headers], [...whole.headers]);
      equal((await bytesOf(head)).length, 0);
      await whole.body?.cancel();
    }
  });

  it("a hit renders nothing: the same bytes object is sent again", async () => {
    const house = await houseWithWheels();
    const variant = { form: "json", encoding: "gzip" } as const;
    const first = await house.wheelhouse.page("demo", variant);
    const second = await house.wheelhouse.page("demo", variant);
    ok(first?.page.body === second?.page.body);
    await house.publish({ name: "demo", version: "3" });
    const third = await house.wheelhouse.page("demo", variant);
    notEqual(third?.page.digest, first?.page.digest);
  });
});

const NOBODY = { verify: async () => false, remembers: async () => false };

describe("methods", () => {
  it("I-055: every route states Cache-Control, whatever the method and outcome", async () => {
    const house = await houseWithWheels();
    for (const route of house.app.paths) {
      const path = route.replace(/:\w+/g, "demo");
      for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"]) {
        const response = await house.fetch(path, { method });
        ok(response.headers.get("cache-control"), `${method} ${path}`);
        ok(response.status < 500, `${method} ${path} ${response.status}`);
        await response.body?.cancel();
      }
    }
  });

  it("a method that a route lacks is 405 with those it has", async () => {
    const house = await houseWithWheels();
    const response = await house.fetch("/simple/", { method: "POST" });
    equal(response.status, 405);
    equal(response.headers.get("allow"), "GET, HEAD, OPTIONS");
    match(await response.text(), /\/legacy\//);
  });

  it("I-223: scripts of other origins may read", async () => {
    const house = await houseWithWheels();
    const preflight = await house.fetch("/simple/demo/", {
      method: "OPTIONS",
      headers: { origin: "https://app.test", "access-control-request-method": "GET" },
    });
    equal(preflight.status, 204);
    match(preflight.headers.get("access-control-allow-methods")!, /GET/);
    const { pathname } = new URL((await house.page("demo")).files[0]!.url, "https://a.test/b/c/");
    for (const path of ["/simple/", "/simple/demo/", pathname]) {
      const response = await house.fetch(path, { headers: { origin: "https://app.test" } });
      equal(response.headers.get("access-control-allow-origin"), "*");
      match(response.headers.get("access-control-expose-headers")!, /ETag/);
      await response.body?.cancel();
    }
  });

  it("scripts of other origins may read refusals and follow redirects, too", async () => {
    const house = await houseWithWheels();
    const closed = new House({ app: { access: { users: NOBODY, open: [] } } });
    const cases: [House, string, number, Record<string, string>?][] = [
      [house, "/simple/none/", 404],
      [house, "/simple/Demo/", 301],
      [house, "/simple/demo", 301],
      [house, "/simple/demo/", 406, { accept: "application/vnd.pypi.simple.v2+json" }],
      [house, `/packages/aa/bb/${"0".repeat(60)}/demo-1.0.tar.gz`, 404],
      [house, "/simple/de%00mo/", 400],
      [house, `/simple/${"x".repeat(3_000)}/`, 414],
      [house, "/nothing", 404],
      [closed, "/simple/", 401],
    ];
    for (const [at, path, status, headers = {}] of cases) {
      const response = await at.fetch(path, {
        headers: { ...headers, origin: "https://app.test" },
      });
      equal(response.status, status, path);
      equal(response.headers.get("access-control-allow-origin"), "*", path);
      await response.body?.cancel();
    }
    const upload = await house.fetch("/legacy/", { method: "POST" });
    equal(upload.headers.get("access-control-allow-origin"), null);
  });
});
