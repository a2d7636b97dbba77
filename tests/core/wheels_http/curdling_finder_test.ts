/** What curdling's finder and downloader do, where the index that is read through does it here. */

import { deepEqual, equal, match, ok, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { UpstreamError } from "../../../src/contracts/errors.ts";
import { UpstreamFetcher } from "../../../src/wheels/upstream/upstream_fetch.ts";
import { ManualClock } from "../../testing/manual_clock.ts";
import { makeSdist } from "../../testing/make_sdist.ts";
import { listedAt, namesIn, put } from "./curdling_house.ts";
import { bytesOf, House } from "./house.ts";
import { jsonAnswer, readThrough, settled, storedPaths, TwistedUpstream } from "./upstreams.ts";

const SIMPLE = "https://ann:s3cret@index.test/simple/";
const BASIC = `Basic ${btoa("ann:s3cret")}`;

/** A request as a platform's `fetch` gets it. */
interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

/** A fetcher over answers by address, `undefined` for plain ones. */
function fetcherOver(answer: (url: string) => Response | undefined, url = SIMPLE) {
  const sent: Sent[] = [];
  const fetcher = new UpstreamFetcher({
    ...{ url, fileHosts: ["files.test"], timeoutMs: 1_000, clock: new ManualClock() },
    fetch: (asked, init) => {
      sent.push({ url: asked, init });
      return Promise.resolve(answer(asked) ?? new Response("ok"));
    },
  });
  return { fetcher, sent };
}

function sentTo(location: string): Response {
  return new Response(null, { status: 302, headers: { location } });
}

function authorizationOf({ init }: Sent): string | null {
  return new Headers(init.headers).get("authorization");
}

describe("curdling's downloader", () => {
  it("C-025 C-026 C-037: credentials of the index go to files on its host, and to no other", async () => {
    const upstream = new TwistedUpstream();
    const wheel = await upstream.house.publish({ name: "demo", version: "1.0" });
    const source = await makeSdist({ name: "demo", version: "1.0" });
    equal((await put(upstream.house, source)).status, 200);
    upstream.twist = (request) =>
      upstream.changed(request, async (response) => {
        if (!request.url.includes("/simple/")) return response;
        const page = await response.json();
        for (const file of page.files) {
          if (file.filename !== source.filename) continue;
          file.url = `https://files.test${new URL(file.url, request.url).pathname}`;
        }
        return jsonAnswer(page);
      });
    const house = new House({
      upstream: { fetch: upstream.fetch, url: SIMPLE, fileHosts: ["files.test"] },
    });
    deepEqual(await bytesOf(await house.fetch(`/p/${wheel.filename}`)), wheel.bytes);
    deepEqual(await bytesOf(await house.fetch("/s/demo%3Bgz")), source.bytes);
    const asked = upstream.asked.filter(({ url }) => url.includes("/packages/"));
    deepEqual(asked.map(({ url, headers }) => [new URL(url).host, headers.get("authorization")]), [
      ["index.test", BASIC],
      ["files.test", null],
    ]);
    await settled(house);
  });

  it("C-027: one request, by the address's credentials, its body left to be read", async () => {
    let pulled = 0;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        pulled++;
        controller.enqueue(new Uint8Array(1));
      },
    }, { highWaterMark: 0 });
    const { fetcher, sent } = fetcherOver(() => new Response(body));
    const url = "https://index.test/simple/demo/";
    const fetched = await fetcher.get(url, {});
    equal(fetched.url, url);
    equal(pulled, 0);
    equal(sent.length, 1);
    equal(sent[0]!.init.redirect, "manual");
    equal(authorizationOf(sent[0]!), BASIC);
    await fetched.response.body!.cancel();
  });

  it("C-053: a name and password of an address become Basic, and without them there is none", async () => {
    const headers = async (url: string): Promise<string | null> => {
      const { fetcher, sent } = fetcherOver(() => undefined, url);
      await fetcher.get("https://index.test/simple/demo/", {});
      equal(sent[0]!.url.includes("@"), false);
      return authorizationOf(sent[0]!);
    };
    equal(await headers("https://index.test/simple/"), null);
    equal(
      await headers("https://a%40b:p%3A%C3%BC@index.test/simple/"),
      `Basic ${btoa("a@b:p:Ã¼")}`,
    );
  });

  it("C-028 C-030: redirects are followed, relative ones too, and the last address is told", async () => {
    const { fetcher, sent } = fetcherOver((url) => {
      if (url.endsWith("/a")) return sentTo("../b?x=1");
      return url.endsWith("/b?x=1") ? sentTo("https://files.test/c") : undefined;
    });
    const { url, response } = await fetcher.get("https://index.test/simple/a", {});
    equal(url, "https://files.test/c");
    equal(await response.text(), "ok");
    deepEqual(sent.map((each) => [each.url, authorizationOf(each)]), [
      ["https://index.test/simple/a", BASIC],
      ["https://index.test/b?x=1", BASIC],
      ["https://files.test/c", null],
    ]);
  });

  it("instead of C-029: redirects without end are an error after five of them", async () => {
    const { fetcher, sent } = fetcherOver((url) => sentTo(`${url}x`));
    await rejects(fetcher.get("https://index.test/simple/", {}), (error) => {
      ok(error instanceof UpstreamError);
      match(error.message, /more than 5 redirects$/);
      return true;
    });
    equal(sent.length, 6);
  });

  it("C-038: an address of no known kind is told, and not asked", async () => {
    throws(() => fetcherOver(() => undefined, "ftp://index.test/"), {
      name: "TypeError",
      message: 'Cannot use upstream: "ftp:" is neither https: nor http:',
    });
    const { fetcher, sent } = fetcherOver(() => undefined);
    await rejects(fetcher.get("git+ssh://index.test/demo", {}), /git\+ssh|not among the allowed/);
    equal(sent.length, 0);
  });

  it("C-039: bytes are asked for unpacked, and stored as they came under their name", async () => {
    const { upstream, wheel, held } = await readThrough({ paddingBytes: 1_000 });
    const sent: Sent[] = [];
    const house = new House({
      upstream: {
        fetch: (url, init) => {
          sent.push({ url, init });
          return upstream.fetch(url, init);
        },
      },
    });
    deepEqual(await bytesOf(await house.fetch(`/p/${wheel.filename}`)), wheel.bytes);
    await settled(house);
    const { init } = sent.find(({ url }) => url.endsWith(wheel.filename))!;
    deepEqual(init.headers, { "accept-encoding": "identity" });
    deepEqual(await storedPaths(house), [held, `${held}.metadata`]);
    equal((await house.files.head(held))?.sizeBytes, wheel.bytes.length);
  });

  it("instead of C-040: a file's status 500 is told with its address, as a failure of another", async () => {
    const { house, upstream, wheel } = await readThrough();
    upstream.twist = (request) =>
      request.url.includes("/packages/") ? new Response(null, { status: 500 }) : undefined;
    const response = await house.fetch("/s/demo");
    equal(response.status, 502);
    match(
      await response.text(),
      new RegExp(`https://upstream\\.test/packages/\\S+/${wheel.filename}: its status is 500`),
    );
    deepEqual(await storedPaths(house), []);
  });

  it("C-044 C-051: what is found is downloaded once, and is in the index of our own then", async () => {
    const { house, upstream, wheel, held } = await readThrough();
    const paths = ["/s/demo", `/p/${wheel.filename}`, "/s/demo==1.0", wheel.path];
    const responses = await Promise.all(paths.map((path) => house.fetch(path)));
    for (const response of responses) deepEqual(await bytesOf(response), wheel.bytes);
    await settled(house);
    equal(upstream.count("/packages/"), 1);
    deepEqual((await house.index.all("demo")).files.map(({ path }) => path), [held]);
    upstream.twist = () => new Response(null, { status: 500 });
    deepEqual(await bytesOf(await house.fetch(`/p/${wheel.filename}`)), wheel.bytes);
  });

  it("C-048: a wheel that is held is not downloaded, not for what it requires either", async () => {
    const { house, upstream } = await readThrough();
    const wheel = await house.publish({ name: "own", version: "1.0" });
    equal((await house.fetch("/s/own")).status, 200);
    equal(await (await house.fetch(`${wheel.path}.metadata`)).text(), wheel.metadata);
    equal(upstream.asked.length, 0);
  });
});

describe("curdling's finder", () => {
  it("C-045: nowhere to look, or nothing found, is an answer that says so", async () => {
    const { house, upstream } = await readThrough();
    for (const made of [new House(), house]) {
      const query = await made.fetch("/s/nothing");
      deepEqual([query.status, await query.text()], [404, "package not found\n"]);
      equal((await made.fetch("/api/nothing")).status, 404);
      equal((await made.fetch("/p/nothing-1.0.tar.gz")).status, 404);
    }
    upstream.twist = () => new Response(null, { status: 500 });
    const other = new House({ upstream: { fetch: upstream.fetch } });
    for (const path of ["/s/demo", "/api/demo", "/p/demo-1.0.tar.gz"]) {
      ok((await other.fetch(path)).status >= 502, path);
    }
  });

  it("finds at the upstream what we lack, and tells its versions", async () => {
    const { house, upstream, wheel } = await readThrough();
    await upstream.house.publish({ name: "demo", version: "0.9" });
    const listed = await listedAt(house, "/api/Demo");
    deepEqual(namesIn(listed), [["1.0", [wheel.filename]], ["0.9", [
      "demo-0.9-py3-none-any.whl",
    ]]]);
    equal(listed[0]?.urls[0]?.sha256, wheel.sha256);
  });

  it("finds of a name of ours our own files only, and asks nobody else for it", async () => {
    const { house, upstream, wheel } = await readThrough();
    deepEqual(await bytesOf(await house.fetch("/s/demo")), wheel.bytes);
    await settled(house);
    const own = await house.publish({ name: "demo", version: "0.1" });
    await house.index.claim("claimed", true);
    upstream.asked.length = 0;
    deepEqual(namesIn(await listedAt(house, "/api/demo")), [["0.1", [own.filename]]]);
    deepEqual(await bytesOf(await house.fetch("/s/demo")), own.bytes);
    equal((await house.fetch("/s/demo==1.0")).status, 404);
    equal((await house.fetch(`/p/${wheel.filename}`)).status, 404);
    for (const path of ["/api/claimed", "/s/claimed", "/p/claimed-1.0.tar.gz"]) {
      equal((await house.fetch(path)).status, 404, path);
    }
    equal(upstream.asked.length, 0);
  });
});
