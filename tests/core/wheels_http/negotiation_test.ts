import { equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

import { negotiate, prefersJson, takesGzip } from "../../../src/wheels/http/negotiation.ts";

const JSON_V1 = "application/vnd.pypi.simple.v1+json";
const HTML_V1 = "application/vnd.pypi.simple.v1+html";
const HTML = "text/html; charset=utf-8";

function chosen(accept: string | null, format: string | null = null): string | undefined {
  return negotiate({ accept, format }, "html")?.contentType;
}

describe("negotiate", () => {
  it("I-027: the Accept header of pip since 22.2 gets JSON", () => {
    equal(chosen(`${JSON_V1}, ${HTML_V1}; q=0.1, text/html; q=0.01`), JSON_V1);
  });

  it("I-028: the Accept header of uv gets JSON", () => {
    equal(chosen(`${JSON_V1}, ${HTML_V1};q=0.2, text/html;q=0.01`), JSON_V1);
  });

  it("I-029: each HTML type gets itself as content type", () => {
    equal(chosen("text/html"), HTML);
    equal(chosen(HTML_V1), HTML_V1);
    equal(chosen("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), HTML);
  });

  it("I-030: no Accept and anything get the configured default", () => {
    for (const accept of [null, "*/*", "*/*;q=0.1", "image/png, */*;q=0.5"]) {
      equal(chosen(accept), HTML);
      equal(negotiate({ accept, format: null }, "json")?.contentType, JSON_V1);
    }
  });

  it("I-031: the latest version is version 1", () => {
    equal(chosen("application/vnd.pypi.simple.latest+json"), JSON_V1);
    equal(chosen("application/vnd.pypi.simple.latest+html"), HTML_V1);
  });

  it("a version 2 alone is not acceptable", () => {
    equal(chosen("application/vnd.pypi.simple.v2+json"), undefined);
    equal(chosen("image/png"), undefined);
  });

  it("I-035: a hundred entries and 8 KiB are read, and a flood costs no more than its length", () => {
    const json = "application/vnd.pypi.simple.v1+json";
    const filler = (count: number, bytes: number): string =>
      Array.from({ length: count }, (_, at) => `x/${String(at).padEnd(bytes, "y")};q=0.9`).join();
    equal(negotiate({ accept: `${filler(99, 3)},${json}`, format: null }, "html")?.form, "json");
    const long = `${filler(100, 65)},${json}`;
    equal(long.length > 7_000 && long.length < 8_192, true, `${long.length}`);
    equal(negotiate({ accept: long, format: null }, "html")?.form, "json");
    // Whatever took steps by the square of its length would not come back from any of these.
    for (
      const piece of [",", ";", " ", "q=", "=", "*/*,", "application/", "a".repeat(999), "\t;q="]
    ) {
      const flood = piece.repeat(Math.ceil(4_000_000 / piece.length));
      const answer = negotiate({ accept: `${json},${flood}`, format: null }, "html");
      equal(answer?.form, "json", JSON.stringify(piece.slice(0, 20)));
      equal(prefersJson(`${flood}json`), false);
      equal(takesGzip(`gzip,${flood}`), true);
    }
  });

  it("I-033: qualities decide, 0 excludes, and a malformed one is tolerated", () => {
    equal(chosen(`${JSON_V1};q=0.1, ${HTML_V1};q=0.9`), HTML_V1);
    equal(chosen(`${JSON_V1};q=0, text/html;q=0`), undefined);
    equal(chosen(`text/html;q=0, */*`), HTML_V1);
    equal(chosen(`${JSON_V1};q=0, */*;q=0.5`), HTML);
    equal(chosen(`${JSON_V1};q=high`), JSON_V1);
    equal(chosen(`${JSON_V1};q=`), JSON_V1);
    equal(chosen(`${JSON_V1} ; charset=utf-8 ; Q=0.2, text/html;q=0.1`), JSON_V1);
    equal(chosen("application/*"), HTML_V1);
  });

  it("equal qualities prefer JSON, then versioned HTML", () => {
    equal(chosen(`text/html, ${HTML_V1}, ${JSON_V1}`), JSON_V1);
    equal(chosen(`text/html, ${HTML_V1}`), HTML_V1);
  });

  it("format wins over Accept, and an unknown one is not acceptable", () => {
    equal(chosen("text/html", JSON_V1), JSON_V1);
    equal(chosen(JSON_V1, "text/html"), HTML);
    equal(chosen("*/*", "json"), undefined);
  });

  it("long headers are read without running wild", () => {
    const many = Array.from({ length: 100 }, (_, at) => `a/b${at};q=0.${at}`).join(",");
    equal(chosen(`${many},${JSON_V1}`), JSON_V1);
    equal(chosen(`${JSON_V1},${",;=".repeat(100_000)}`), JSON_V1);
  });

  it("any header whatever gets an answer of the offered types or none", () => {
    const offered: (string | undefined)[] = [JSON_V1, HTML_V1, HTML, undefined];
    fc.assert(fc.property(fc.string(), (accept) => ok(offered.includes(chosen(accept)))));
  });
});

describe("takesGzip", () => {
  it("follows the header", () => {
    equal(takesGzip(null), false);
    equal(takesGzip(""), false);
    equal(takesGzip("gzip, deflate"), true);
    equal(takesGzip("br, x-gzip;q=0.5"), true);
    equal(takesGzip("gzip;q=0, *"), false);
    equal(takesGzip("*"), true);
    equal(takesGzip("identity"), false);
  });
});

describe("prefersJson", () => {
  it("knows problem documents and the index's own type", () => {
    ok(prefersJson("application/problem+json, text/plain"));
    ok(prefersJson(`${JSON_V1}, text/html;q=0.1`));
    ok(!prefersJson("text/html,*/*"));
    ok(!prefersJson(null));
  });
});
