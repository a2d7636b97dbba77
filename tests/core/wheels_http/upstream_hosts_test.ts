/** Which addresses of an upstream may be asked. */

import { equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../../src/contracts/clock.ts";
import { UpstreamFetcher } from "../../../src/wheels/upstream/upstream_fetch.ts";

function fetcher(url: string, fileHosts: readonly string[] = [], seen: Headers[] = []) {
  const fetch = (_url: string, init: RequestInit): Promise<Response> => {
    seen.push(new Headers(init.headers));
    return Promise.resolve(new Response("ok"));
  };
  return new UpstreamFetcher({ url, fileHosts, fetch, clock: systemClock, timeoutMs: 1_000 });
}

describe("hosts of an upstream", () => {
  it("are compared without regard to case, port included", () => {
    const upstream = fetcher("https://index.example/simple/", ["Files.Example:8443"]);
    equal(upstream.isAllowed("https://files.example:8443/a.whl"), true);
    equal(upstream.isAllowed("https://files.example/a.whl"), false);
  });

  it("are never asked less safely than the index, nor by another protocol", () => {
    const upstream = fetcher("https://index.example/simple/");
    equal(upstream.isAllowed("http://index.example/simple/demo/"), false);
    equal(upstream.isAllowed("file:///etc/passwd"), false);
    equal(upstream.isAllowed("data:text/plain,hello"), false);
    equal(fetcher("http://127.0.0.1:8000/").isAllowed("http://127.0.0.1:8000/demo/"), true);
  });

  it("that are none are refused by name", () => {
    for (const host of ["", "https://files.example", "files.example/path", "a b"]) {
      throws(() => fetcher("https://index.example/", [host]), TypeError);
    }
  });

  it("get a token that is given without a name", async () => {
    const seen: Headers[] = [];
    await fetcher("https://:secret@index.example/", [], seen).get("https://index.example/a/", {});
    equal(seen[0]?.get("authorization"), `Basic ${btoa(":secret")}`);
  });
});
