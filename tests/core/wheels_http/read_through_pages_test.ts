import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { House, JSON_TYPE } from "./house.ts";
import { jsonAnswer, readThrough, settled } from "./upstreams.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe("a page that is read through", () => {
  it("I-145: is asked for once, and lists what the upstream lists", async () => {
    const { upstream, house } = await readThrough();
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
    const { upstream, house } = await readThrough();
    const pages = await Promise.all(Array.from({ length: 100 }, () => house.page("demo")));
    for (const page of pages) equal(page.files.length, 1);
    equal(upstream.asked.length, 1);
  });

  it("a stale one is answered at once, and refreshed once in the background", async () => {
    const { upstream, house } = await readThrough();
    await house.page("demo");
    await upstream.house.publish({ name: "demo", version: "2.0" });
    await house.clock.advance(11 * MINUTE_MS);
    const pages = await Promise.all([house.page("demo"), house.page("demo"), house.page("demo")]);
    for (const page of pages) deepEqual(page.versions, ["1.0"]);
    await settled(house);
    equal(upstream.asked.length, 2);
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
  });

  it("I-147: a stale one is answered without a wait, while one refresh takes its time", async () => {
    const { upstream, house } = await readThrough();
    await house.page("demo");
    await house.clock.advance(11 * MINUTE_MS);
    let answer: (response: Response) => void = () => {};
    upstream.twist = () => new Promise<Response>((resolve) => answer = resolve);
    for (let round = 0; round < 20; round++) {
      deepEqual((await house.page("demo")).versions, ["1.0"], "nobody waits for the upstream");
    }
    equal(upstream.asked.length, 2);
    answer(
      jsonAnswer({ meta: { "api-version": "1.4" }, name: "demo", versions: ["7"], files: [] }),
    );
    await settled(house);
    deepEqual((await house.page("demo")).versions, ["7"]);
    equal(upstream.asked.length, 2);
  });

  it("I-148: a 304 makes it fresh again with the same bytes and tag", async () => {
    const { upstream, house } = await readThrough();
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
      const { upstream, house } = await readThrough();
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
      const { upstream, house } = await readThrough();
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
    const { upstream, house } = await readThrough();
    upstream.twist = () => new Promise<Response>(() => {});
    const answer = house.fetch("/simple/demo/");
    await house.clock.advance(31_000);
    equal((await answer).status, 503);
  });

  it("I-151: a 404 is a 404, remembered for a minute and then asked again", async () => {
    const { upstream, house } = await readThrough();
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
    const { upstream, house } = await readThrough();
    upstream.twist = (request) =>
      new URL(request.url).pathname === "/simple/"
        ? jsonAnswer({ meta: {}, projects: [] })
        : undefined;
    equal((await house.page("demo")).files.length, 1);
  });

  it("I-153: credentials that the upstream refuses are our trouble: 502, and in the log", async () => {
    for (const status of [401, 403]) {
      const { upstream, house } = await readThrough();
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
      () => jsonAnswer({ meta: { "api-version": "1.0" }, name: "other", files: [] }),
      () => jsonAnswer({ meta: { "api-version": "2.0" }, name: "demo", files: [] }),
      () => jsonAnswer({ meta: { "api-version": "1.0" }, name: "demo" }),
      () => jsonAnswer([]),
      () => new Response("{}", { headers: { "content-type": "application/json" } }),
    ];
    for (const [at, answer] of unsound.entries()) {
      const { upstream, house } = await readThrough();
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
    const { upstream, house, wheel } = await readThrough();
    equal((await house.page("demo")).files[0]?.yanked, false);
    const record = await upstream.house.index.fetch(wheel.filename);
    await upstream.house.index.save({ ...record!, yanked: 'broken "<&é' });
    await house.clock.advance(11 * MINUTE_MS);
    await house.page("demo");
    await settled(house);
    equal((await house.page("demo")).files[0]?.yanked, 'broken "<&é');
  });

  it("I-167: a quarantined project has no files", async () => {
    const { upstream, house } = await readThrough();
    const theirs = await upstream.house.page("demo");
    upstream.twist = () => jsonAnswer({ ...theirs, "project-status": { status: "quarantined" } });
    const page = await house.page("demo");
    deepEqual(page.files, []);
    equal(page["project-status"].status, "quarantined");
    const html = await (await house.fetch("/simple/demo/")).text();
    match(html, /<meta name="pypi:project-status" content="quarantined">/);
  });

  it("I-024: unknown keys are dropped, and underscores never forwarded", async () => {
    const { upstream, house } = await readThrough();
    const theirs = await upstream.house.page("demo");
    const files = theirs.files.map((file) => ({ ...file, _secret: 1, surprise: 2 }));
    upstream.twist = () =>
      jsonAnswer({ ...theirs, files, _private: 3, novelty: 4, meta: { ...theirs.meta, _x: 5 } });
    const text = JSON.stringify(await house.page("demo"));
    for (const word of ["_secret", "surprise", "_private", "novelty", "_x"]) {
      ok(!text.includes(word), word);
    }
  });

  it("a page that is too large is refused", async () => {
    const { upstream } = await readThrough();
    const house = new House({ upstream: { fetch: upstream.fetch, maxPageBytes: 50 } });
    equal((await house.fetch("/simple/demo/")).status, 502);
  });

  it("I-155 I-156: a serial that goes back is kept out, and believed after an hour", async () => {
    const { upstream, house } = await readThrough();
    await upstream.house.publish({ name: "demo", version: "2.0" });
    deepEqual((await house.page("demo")).versions, ["1.0", "2.0"]);
    const { files, ...page } = await upstream.house.page("demo");
    const older = () => jsonAnswer({ ...page, files: files.slice(0, 1), versions: ["1.0"] });
    upstream.twist = () => {
      const answer = older();
      answer.headers.set("x-pypi-last-serial", "1");
      return answer;
    };
    const refreshed = async (waitMs: number): Promise<string[]> => {
      await house.clock.advance(waitMs);
      await house.page("demo");
      await settled(house);
      return (await house.page("demo")).versions;
    };
    for (let round = 0; round < 6; round++) {
      deepEqual(await refreshed(11 * MINUTE_MS), ["1.0", "2.0"], String(round));
    }
    deepEqual(await refreshed(11 * MINUTE_MS), ["1.0"]);
    upstream.twist = () => undefined;
    deepEqual(await refreshed(11 * MINUTE_MS), ["1.0", "2.0"]);
    upstream.twist = older;
    deepEqual(await refreshed(11 * MINUTE_MS), ["1.0"], "a missing serial is no regression");
  });

  it("I-157: the sudden loss of half the files needs to be repeated", async () => {
    const { upstream, house } = await readThrough({ paddingBytes: 0 });
    const { files: [file], ...page } = await upstream.house.page("demo");
    const filesOf = (count: number) =>
      Array.from({ length: count }, (_, at) => {
        const filename = `demo-1.${at}-py3-none-any.whl`;
        return { ...file, filename };
      });
    let count = 20;
    upstream.twist = () => jsonAnswer({ ...page, files: filesOf(count) });
    const refreshed = async (): Promise<number> => {
      await house.clock.advance(11 * MINUTE_MS);
      await house.page("demo");
      await settled(house);
      return (await house.page("demo")).files.length;
    };
    equal(await refreshed(), 20);
    for (const [next, kept] of [[9, 20], [12, 12], [5, 12], [4, 12], [4, 4], [1, 1]] as const) {
      count = next;
      equal(await refreshed(), kept, `${next} files`);
    }
    ok(house.logged.some(({ message }) => /suddenly has 9 files instead of 20/.test(message)));
  });
});
