import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { House, JSON_TYPE } from "./house.ts";
import { jsonAnswer, readThrough, settled, withBody } from "./upstreams.ts";

describe("how the upstream is asked", () => {
  it("I-160: redirects are followed five times, credentials going to their own host only", async () => {
    const { upstream } = await readThrough();
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
    const { upstream, house } = await readThrough();
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
    const { upstream, house } = await readThrough();
    upstream.twist = () => new Response(null, { status: 502 });
    for (let round = 0; round < 8; round++) {
      ok((await house.fetch(`/simple/p${round}/`)).status >= 502);
    }
    equal(upstream.asked.length, 5);
  });

  it("one project's bad page does not open the circuit for others", async () => {
    const { upstream, house } = await readThrough();
    upstream.twist = (request) =>
      request.url.includes("/bad") ? jsonAnswer({ meta: {} }) : undefined;
    for (let round = 0; round < 8; round++) {
      equal((await house.fetch(`/simple/bad${round}/`)).status, 502);
    }
    equal((await house.page("demo")).files.length, 1);
  });

  it("I-195: files on hosts that are not allowed are left out or refused", async () => {
    const { upstream, house } = await readThrough();
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
    upstream.twist = () => jsonAnswer({ ...theirs, files: [...evil, ...theirs.files] });
    deepEqual((await house.page("demo")).versions, ["1.0"]);
    upstream.twist = () => jsonAnswer({ ...theirs, files: evil });
    const other = new House({ upstream: { fetch: upstream.fetch } });
    const response = await other.fetch("/simple/demo/");
    equal(response.status, 502);
    match(await response.text(), /127\.0\.0\.1/);
    equal(upstream.asked.length, 2);
  });

  it("names that are none never reach the upstream", async () => {
    const { upstream, house } = await readThrough();
    for (const name of ["-", "é", "a b", "_x_"]) {
      const status = (await house.fetch(`/simple/${encodeURIComponent(name)}/`)).status;
      equal(status, 404, name);
    }
    equal(upstream.asked.length, 0);
  });

  it("a weak answer without a type is refused, one with parameters is not", async () => {
    const { upstream, house } = await readThrough();
    upstream.twist = (request) =>
      upstream.changed(request, (response) => {
        const changed = withBody(response, response.body);
        changed.headers.set("content-type", `${JSON_TYPE}; charset=utf-8`);
        return changed;
      });
    equal((await house.page("demo")).files.length, 1);
    upstream.twist = () => {
      const response = jsonAnswer({ meta: { "api-version": "1.0" }, name: "x", files: [] });
      response.headers.delete("content-type");
      return response;
    };
    equal((await house.fetch("/simple/x/")).status, 502);
  });

  it("I-144: credentials are in no log, stored address, answer or redirect", async () => {
    const { upstream, wheel } = await readThrough();
    const url = "https://ann:s3cret-one@upstream.test/simple/?key=s3cret-two";
    const house = new House({
      upstream: { fetch: upstream.fetch, url },
      app: {
        access: {
          users: {
            verify: async () => false,
            remembers: async () => false,
          },
          open: ["list", "download"],
        },
      },
    });
    const theirs = await upstream.house.page("demo");
    const files = theirs.files.map((file) => ({
      ...file,
      url: `https://bob:s3cret-three@upstream.test${wheel.path}?token=s3cret-four`,
    }));
    const answers: string[] = [];
    const ask = async (path: string): Promise<void> => {
      const headers = { authorization: `Basic ${btoa("eve:s3cret-five")}` };
      for (const method of ["GET", "POST"]) {
        const response = await house.fetch(path, { method, headers });
        answers.push(response.statusText, ...[...response.headers].flat());
        answers.push(await response.text().catch(String));
      }
    };
    const failures: ((bytes: Uint8Array<ArrayBuffer>) => Response)[] = [
      () => new Response(null, { status: 500 }),
      (bytes) => new Response(bytes.slice(1)),
      (bytes) => new Response(bytes.map((byte) => byte ^ 1)),
      (bytes) => new Response(bytes, { headers: { "content-length": "3" } }),
      (bytes) => new Response(bytes),
    ];
    for (const answer of failures) {
      upstream.twist = (request) =>
        request.url.includes("/packages/") ? answer(wheel.bytes) : jsonAnswer({ ...theirs, files });
      for (
        const path of ["/simple/demo", "/simple/Demo/", "/simple/demo/", wheel.path, "/legacy/"]
      ) {
        await ask(path);
      }
    }
    await settled(house);
    const { files: records } = await house.index.all("demo");
    equal(records.length, 1);
    const text = JSON.stringify([answers, house.logged, await house.page("demo"), records]);
    equal(/.{0,80}s3cret-\w+/.exec(text)?.[0], undefined);
    for (const pair of ["ann:s3cret-one", "eve:s3cret-five"]) ok(!text.includes(btoa(pair)));
    for (const { url: asked } of upstream.asked) ok(!/s3cret-(?:one|two|three)/.test(asked), asked);
  });
});
