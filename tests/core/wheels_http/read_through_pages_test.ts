import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { House, JSON_TYPE } from "./house.ts";
import { TwistedUpstream, withBody } from "./upstreams.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

async function setUp() {
  const upstream = new TwistedUpstream();
  const wheel = await upstream.house.publish({
    name: "demo",
    version: "1.0",
    metadata: ["Requires-Python: >=3.9"],
  });
  const house = new House({ upstream: { fetch: upstream.fetch } });
  return { upstream, house, wheel };
}

function json(page: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(page), { headers: { "content-type": JSON_TYPE, ...headers } });
}

/** Lets what was started in the background come to its end. */
async function settled(house: House): Promise<void> {
  await Promise.allSettled(house.background);
  await house.clock.advance(0);
}

describe("a page that is read through", () => {
  it("I-145: is asked for once, and lists what the upstream lists", async () => {
    const { upstream, house } = await setUp();
    const theirs = await upstream.house.page("demo");
    for (let round = 0; round < 5; round++) {
      const ours = await house.page("demo");
      deepEqual(ours.files, theirs.files);
      deepEqual(ours.versions, theirs.versions);
    }
    equal(upstream.asked.length, 1);
    equal(upstream.asked[0]?.url, "https://upstream.test/simple/demo/");
    match(upstream.asked[0]?.headers.get("accept") ?? "", /v1\+json.*text\/html;q=0\.01/);
  });

  it("a hundred cold clients at once cause one upstream request", async () => {
    const { upstream, house } = await setUp();
    const pages = await Promise.all(Array.from({ length: 100 }, () => house.page("demo")));
    for (const page of pages) equal(page.files.length, 1);
    equal(upstream.asked.length, 1);
  });

  it("a stale one is answered at once, and refreshed once in the background", async () => {
    const { upstream, house } = await setUp();
    await house.page("demo");
    await upstream.house.publish({ name: "demo", version: "2.0" });
    await house.clock.advance(11 * MINUTE_MS);
    const pages = await Promise.all([house.page("demo"), house.page("demo"), house.page("demo")]);
    for (const page of pages) deepEqual(page.versions, ["1.0"]);
    await settled(house);
    equal(upstream.asked.length, 2);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
  });

  it("I-148: a 304 makes it fresh again with the same bytes and tag", async () => {
    const { upstream, house } = await setUp();
    const before = await house.fetch("/simple/demo/");
    const etag = (await upstream.house.fetch("/simple/demo/", { headers: { accept: JSON_TYPE } }))
      .headers.get("etag");
    for (let round = 2; round <= 4; round++) {
      await house.clock.advance(11 * MINUTE_MS);
      await house.fetch("/simple/demo/");
      await settled(house);
      equal(upstream.asked.length, round);
      equal(upstream.asked.at(-1)?.headers.get("if-none-match"), etag);
    }
    const after = await house.fetch("/simple/demo/");
    equal(after.headers.get("age"), null);
    equal(after.headers.get("etag"), before.headers.get("etag"));
    equal(await after.text(), await before.text());
    equal(upstream.asked.length, 4);
  });

  it("I-149: keeps being served with its age while the upstream fails, for a day", async () => {
    const failures: Record<string, () => Response | Promise<Response>> = {
      "status 500": () => new Response("oops", { status: 500 }),
      "refused": () => Promise.reject(new TypeError("connection refused")),
      "unknown host": () => Promise.reject(new TypeError("name not resolved")),
      "TLS": () => Promise.reject(new TypeError("certificate has expired")),
      "time-out": () => new Promise<Response>(() => {}),
      "status 503": () => new Response(null, { status: 503, headers: { "retry-after": "7" } }),
    };
    for (const [name, fail] of Object.entries(failures)) {
      const { upstream, house } = await setUp();
      await house.page("demo");
      upstream.twist = fail;
      for (let round = 0; round < 2; round++) {
        await house.clock.advance(11 * HOUR_MS);
        const response = await house.fetch("/simple/demo/", { headers: { accept: JSON_TYPE } });
        equal(response.status, 200, name);
        equal((await response.json()).files.length, 1);
        ok(Number(response.headers.get("age")) >= 11 * 3_600, name);
        await house.clock.advance(31_000);
        await settled(house);
      }
      await house.clock.advance(3 * HOUR_MS);
      const answer = house.fetch("/simple/demo/");
      await house.clock.advance(31_000);
      const gone = await answer;
      ok(gone.status === 502 || gone.status === 503, `${name}: ${gone.status}`);
    }
  });

  it("I-150: with nothing held, an upstream failure is 502 or 503 with Retry-After", async () => {
    const failures: [() => Response | Promise<Response>, number][] = [
      [() => new Response(null, { status: 500 }), 502],
      [() => new Response(null, { status: 503 }), 503],
      [() => Promise.reject(new TypeError("name not resolved")), 503],
      [() => new Response(null, { status: 429, headers: { "retry-after": "7" } }), 503],
    ];
    for (const [fail, status] of failures) {
      const { upstream, house } = await setUp();
      upstream.twist = fail;
      const response = await house.fetch("/simple/demo/");
      equal(response.status, status);
      ok(Number(response.headers.get("retry-after")) > 0);
      equal(response.headers.get("cache-control"), "no-store");
      upstream.twist = () => undefined;
      await house.clock.advance(MINUTE_MS);
      equal((await house.page("demo")).files.length, 1);
    }
  });

  it("no answer at all is 503 after the time limit", async () => {
    const { upstream, house } = await setUp();
    upstream.twist = () => new Promise<Response>(() => {});
    const answer = house.fetch("/simple/demo/");
    await house.clock.advance(31_000);
    equal((await answer).status, 503);
  });

  it("I-151: a 404 is a 404, remembered for a minute and then asked again", async () => {
    const { upstream, house } = await setUp();
    for (let round = 0; round < 3; round++) {
      equal((await house.fetch("/simple/later/")).status, 404);
    }
    equal(upstream.count("/later/"), 1);
    await upstream.house.publish({ name: "later", version: "1" });
    await house.clock.advance(MINUTE_MS + 1);
    equal((await house.page("later")).files.length, 1);
    equal(upstream.count("/later/"), 2);
  });

  it("I-152: a new project is there although the upstream's list lacks it", async () => {
    const { upstream, house } = await setUp();
    upstream.twist = (request) =>
      new URL(request.url).pathname === "/simple/" ? json({ meta: {}, projects: [] }) : undefined;
    equal((await house.page("demo")).files.length, 1);
  });

  it("I-153: credentials that the upstream refuses are our trouble: 502, and in the log", async () => {
    for (const status of [401, 403]) {
      const { upstream, house } = await setUp();
      upstream.twist = () => new Response(null, { status });
      const response = await house.fetch("/simple/demo/");
      equal(response.status, 502);
      equal(response.headers.get("www-authenticate"), null);
      ok(house.logged.some(({ level, message }) => level !== "info" && /40[13]/.test(message)));
    }
  });

  it("I-154: what is no sound page of this project never replaces the one held", async () => {
    const html = { "content-type": "text/html" };
    const unsound: (() => Response)[] = [
      () => new Response("<form>Please sign in</form>", { headers: html }),
      () => new Response("", { headers: html }),
      () => new Response("", { headers: { "content-type": JSON_TYPE } }),
      () =>
        new Response('{"meta":{"api-version":"1.0"},"na', {
          headers: { "content-type": JSON_TYPE },
        }),
      () => json({ meta: { "api-version": "1.0" }, name: "other", files: [] }),
      () => json({ meta: { "api-version": "2.0" }, name: "demo", files: [] }),
      () => json({ meta: { "api-version": "1.0" }, name: "demo" }),
      () => json([]),
      () => new Response("{}", { headers: { "content-type": "application/json" } }),
    ];
    for (const [at, answer] of unsound.entries()) {
      const { upstream, house } = await setUp();
      const before = await house.page("demo");
      upstream.twist = answer;
      await house.clock.advance(HOUR_MS);
      await house.page("demo");
      await settled(house);
      deepEqual(await house.page("demo"), before, String(at));
      const fresh = new House({ upstream: { fetch: upstream.fetch } });
      equal((await fresh.fetch("/simple/demo/")).status, 502, String(at));
    }
  });

  it("I-166: a yank appears with the next refresh", async () => {
    const { upstream, house, wheel } = await setUp();
    equal((await house.page("demo")).files[0]?.yanked, false);
    const record = await upstream.house.index.fetch(wheel.filename);
    await upstream.house.index.save({ ...record!, yanked: 'broken "<&é' });
    await house.clock.advance(11 * MINUTE_MS);
    await house.page("demo");
    await settled(house);
    equal((await house.page("demo")).files[0]?.yanked, 'broken "<&é');
  });

  it("I-167: a quarantined project has no files", async () => {
    const { upstream, house } = await setUp();
    const theirs = await upstream.house.page("demo");
    upstream.twist = () => json({ ...theirs, "project-status": { status: "quarantined" } });
    const page = await house.page("demo");
    deepEqual(page.files, []);
    equal(page["project-status"].status, "quarantined");
    const html = await (await house.fetch("/simple/demo/")).text();
    match(html, /<meta name="pypi:project-status" content="quarantined">/);
  });

  it("I-024: unknown keys are dropped, and underscores never forwarded", async () => {
    const { upstream, house } = await setUp();
    const theirs = await upstream.house.page("demo");
    const files = theirs.files.map((file) => ({ ...file, _secret: 1, surprise: 2 }));
    upstream.twist = () =>
      json({ ...theirs, files, _private: 3, novelty: 4, meta: { ...theirs.meta, _x: 5 } });
    const text = JSON.stringify(await house.page("demo"));
    for (const word of ["_secret", "surprise", "_private", "novelty", "_x"]) {
      ok(!text.includes(word), word);
    }
  });

  it("a page that is too large is refused", async () => {
    const { upstream } = await setUp();
    const house = new House({ upstream: { fetch: upstream.fetch, maxPageBytes: 50 } });
    equal((await house.fetch("/simple/demo/")).status, 502);
  });
});

describe("how the upstream is asked", () => {
  it("I-160: redirects are followed five times, credentials going to their own host only", async () => {
    const { upstream } = await setUp();
    const url = "https://ann:s3cret@upstream.test/simple/";
    const fileHosts = ["mirror.test"];
    const house = new House({ upstream: { fetch: upstream.fetch, url, fileHosts } });
    upstream.twist = (request) => {
      const { host, pathname } = new URL(request.url);
      if (host !== "upstream.test") return undefined;
      return new Response(null, {
        status: 302,
        headers: { location: `https://mirror.test${pathname}` },
      });
    };
    equal((await house.page("demo")).files.length, 1);
    const [first, second] = upstream.asked;
    equal(first?.headers.get("authorization"), `Basic ${btoa("ann:s3cret")}`);
    equal(first?.url.includes("s3cret"), false);
    equal(second?.url, "https://mirror.test/simple/demo/");
    equal(second?.headers.get("authorization"), null);
    upstream.twist = (request) =>
      new Response(null, { status: 301, headers: { location: `${request.url}x/` } });
    const asked = upstream.asked.length;
    equal((await house.fetch("/simple/endless/")).status, 502);
    equal(upstream.asked.length - asked, 6);
    ok(!JSON.stringify(house.logged).includes("s3cret"));
  });

  it("I-161: Retry-After is respected, and a broken circuit lets one probe pass", async () => {
    const { upstream, house } = await setUp();
    upstream.twist = () => new Response(null, { status: 429, headers: { "retry-after": "40" } });
    const names = ["a", "b", "c"];
    for (const name of names) equal((await house.fetch(`/simple/${name}/`)).status, 503);
    equal(upstream.asked.length, 1);
    const waiting = await house.fetch("/simple/d/");
    equal(waiting.headers.get("retry-after"), "40");
    await house.clock.advance(40_001);
    upstream.twist = () => new Response(null, { status: 500 });
    for (let round = 0; round < 3; round++) await house.fetch(`/simple/e${round}/`);
    equal(upstream.asked.length, 2, "one probe, and the circuit is open again");
    await house.clock.advance(15_001);
    upstream.twist = () => undefined;
    equal((await house.page("demo")).files.length, 1);
    for (let round = 0; round < 6; round++) await house.fetch(`/simple/f${round}/`);
    equal(upstream.asked.length, 9, "closed");
  });

  it("five failures in a row open the circuit for fifteen seconds", async () => {
    const { upstream, house } = await setUp();
    upstream.twist = () => new Response(null, { status: 502 });
    for (let round = 0; round < 8; round++) {
      ok((await house.fetch(`/simple/p${round}/`)).status >= 502);
    }
    equal(upstream.asked.length, 5);
  });

  it("one project's bad page does not open the circuit for others", async () => {
    const { upstream, house } = await setUp();
    upstream.twist = (request) => request.url.includes("/bad") ? json({ meta: {} }) : undefined;
    for (let round = 0; round < 8; round++) {
      equal((await house.fetch(`/simple/bad${round}/`)).status, 502);
    }
    equal((await house.page("demo")).files.length, 1);
  });

  it("I-195: files on hosts that are not allowed are left out or refused", async () => {
    const { upstream, house } = await setUp();
    const theirs = await upstream.house.page("demo");
    const [file] = theirs.files;
    const hostile = [
      "http://127.0.0.1/x/demo-1.1-py3-none-any.whl",
      "http://169.254.169.254/demo-1.2-py3-none-any.whl",
      "file:///etc/demo-1.3-py3-none-any.whl",
      "https://elsewhere.test/demo-1.4-py3-none-any.whl",
      "javascript:alert(1)",
    ];
    const evil = hostile.map((url) => ({ ...file, url, filename: url.split("/").at(-1) }));
    upstream.twist = () => json({ ...theirs, files: [...evil, ...theirs.files] });
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    upstream.twist = () => json({ ...theirs, files: evil });
    const other = new House({ upstream: { fetch: upstream.fetch } });
    const response = await other.fetch("/simple/demo/");
    equal(response.status, 502);
    match(await response.text(), /127\.0\.0\.1/);
    equal(upstream.asked.length, 2);
  });

  it("names that are none never reach the upstream", async () => {
    const { upstream, house } = await setUp();
    for (const name of ["-", "é", "a b", "_x_"]) {
      const status = (await house.fetch(`/simple/${encodeURIComponent(name)}/`)).status;
      equal(status, 404, name);
    }
    equal(upstream.asked.length, 0);
  });

  it("a weak answer without a type is refused, one with parameters is not", async () => {
    const { upstream, house } = await setUp();
    upstream.twist = (request) =>
      upstream.changed(request, (response) => {
        const changed = withBody(response, response.body);
        changed.headers.set("content-type", `${JSON_TYPE}; charset=utf-8`);
        return changed;
      });
    equal((await house.page("demo")).files.length, 1);
    upstream.twist = () => {
      const response = json({ meta: { "api-version": "1.0" }, name: "x", files: [] });
      response.headers.delete("content-type");
      return response;
    };
    equal((await house.fetch("/simple/x/")).status, 502);
  });
});

describe("names of our own", () => {
  it("I-186 I-188: never reach the upstream, and no upstream version is offered", async () => {
    const { upstream, house } = await setUp();
    await house.publish({ name: "Acme.Tool", version: "1.0" });
    await upstream.house.publish({ name: "acme-tool", version: "99.0" });
    const { files: [own] } = await house.page("acme-tool");
    for (const name of ["acme-tool", "Acme.Tool", "acme__tool", "ACME-TOOL"]) {
      await house.fetch(`/simple/${name}/`);
    }
    deepEqual((await house.page("acme-tool")).versions, ["1.0"]);
    const { pathname } = new URL(own!.url, "https://cairn.test/simple/acme-tool/");
    equal((await house.fetch(pathname)).status, 200);
    const wrongKey = pathname.replace(/[0-9a-f]{60}/, "0".repeat(60));
    equal((await house.fetch(wrongKey)).status, 404);
    for (const missing of ["acme_tool-99.0-py3-none-any.whl", "acme-tool-99.0.tar.gz"]) {
      equal((await house.fetch(pathname.replace(/[^/]+$/, missing))).status, 404);
    }
    equal(upstream.asked.length, 0);
  });

  it("I-187: stay ours when the last file is gone: 404, not the upstream", async () => {
    const { upstream, house } = await setUp();
    const wheel = await house.publish({ name: "demo", version: "0.1" });
    await house.index.clear(wheel.filename);
    equal((await house.fetch("/simple/demo/")).status, 404);
    equal(upstream.asked.length, 0);
  });

  it("a project read through before it was claimed lists its own files only", async () => {
    const { upstream, house, wheel } = await setUp();
    await house.page("demo");
    equal((await house.fetch(wheel.path)).status, 200);
    await settled(house);
    await house.publish({ name: "demo", version: "5.0" });
    deepEqual((await house.page("demo")).versions, ["5.0"]);
    equal(upstream.count("/simple/demo/"), 1);
  });

  it("I-191: are merged with the upstream's only when the claim is given up", async () => {
    const { house, upstream } = await setUp();
    const own = await house.publish({ name: "demo", version: "1.0", seed: 5 });
    await upstream.house.publish({ name: "demo", version: "2.0" });
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    await house.index.claim("demo", false);
    const page = await house.page("demo");
    deepEqual(page.versions, ["1.0", "2.0"]);
    deepEqual(page.files.map(({ hashes }) => hashes.sha256 === own.sha256), [true, false]);
  });

  it("a table that fails is a 503, and the upstream is not asked instead", async () => {
    const { upstream } = await setUp();
    const { BackendError } = await import("../../../src/contracts/errors.ts");
    const { memoryIndex } = await import("../../../backends/index_memory.ts");
    const index = new Proxy(memoryIndex(), {
      get: () => () => Promise.reject(new BackendError("table", "read", "it is down")),
    });
    const house = new House({ index, upstream: { fetch: upstream.fetch } });
    for (const path of ["/simple/demo/", "/simple/"]) {
      equal((await house.fetch(path)).status, 503, path);
    }
    equal(upstream.asked.length, 0);
  });
});
