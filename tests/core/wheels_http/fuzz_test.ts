import { ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

import { House } from "./house.ts";
import { TwistedUpstream } from "./upstreams.ts";

const SEGMENTS = [
  ...["simple", "packages", "legacy", "health", "demo", "Demo", "..", ".", "%2e", "aa"],
  ...["api", "s", "p", "demo;whl", "demo%3E=1", "demo-1.0-py3-none-any.whl"],
];

const segment = fc.oneof(
  fc.constantFrom(...SEGMENTS),
  fc.string({ maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 6 }).map((text) =>
    encodeURIComponent(text.toWellFormed())
  ),
  fc.stringMatching(/^[0-9a-f]{60}$/),
);

const path = fc.tuple(fc.array(segment, { maxLength: 6 }), fc.constantFrom("", "/", "?format=x"))
  .map(([segments, end]) => `/${segments.join("/")}${end}`);

const NAMES = [
  "accept",
  "accept-encoding",
  "range",
  "if-range",
  "if-none-match",
  "if-match",
  "if-modified-since",
  "authorization",
  "content-type",
  "content-length",
];

const header = fc.oneof(
  fc.constantFrom("bytes=0-1", "*/*;q=", "gzip;q=0", '"x"', "*", "multipart/form-data; boundary=a"),
  fc.stringMatching(/^[ -~]{0,40}$/),
);

const request = fc.record({
  path,
  method: fc.constantFrom("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"),
  headers: fc.dictionary(fc.constantFrom(...NAMES), header, { maxKeys: 5 }),
  body: fc.option(fc.uint8Array({ maxLength: 200 })),
});

describe("any request whatever", () => {
  it("I-224: 10,000 random ones give no 500 and no hang", async () => {
    const upstream = new TwistedUpstream();
    const house = new House({ upstream: { fetch: upstream.fetch } });
    await house.publish({ name: "demo", version: "1.0" });
    await fc.assert(
      fc.asyncProperty(request, async ({ path, method, headers, body }) => {
        const hasBody = body !== null && method !== "GET" && method !== "HEAD";
        const init = { method, headers, ...(hasBody ? { body: new Uint8Array(body) } : {}) };
        const response = await house.fetch(path, init);
        ok(response.status < 500, `${response.status}`);
        ok(response.headers.get("cache-control"));
        await response.arrayBuffer();
      }),
      { numRuns: 10_000 },
    );
  });
});
