import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import { Parser } from "htmlparser2";

import {
  fileUrl,
  type IndexFile,
  type ProjectPage,
} from "../../../src/wheels/pages/project_page.ts";
import { renderProjectHtml } from "../../../src/wheels/pages/render_html.ts";
import { renderProjectJson } from "../../../src/wheels/pages/render_json.ts";
import {
  parseUpstreamHtml,
  parseUpstreamJson,
} from "../../../src/wheels/upstream/upstream_parse.ts";

const SHA256 = "0123456789abcdef".repeat(4);
const ORIGIN = { project: "demo", baseUrl: "https://upstream.test/simple/demo/" };

function page(files: readonly IndexFile[], rest: Partial<ProjectPage> = {}): ProjectPage {
  return { project: "demo", serial: 7, files, versions: ["1.0"], ...rest };
}

function file(rest: Partial<IndexFile> = {}): IndexFile {
  const filename = "demo-1.0-py3-none-any.whl";
  return { filename, url: fileUrl(SHA256, filename), sha256: SHA256, sizeBytes: 5, ...rest };
}

function anchors(html: string): Record<string, string>[] {
  const found: Record<string, string>[] = [];
  new Parser({
    onopentag: (name, attributes) => void (name === "a" && found.push(attributes)),
  }).end(html);
  return found;
}

describe("HTML pages", () => {
  it("I-011: have the public index's layout to the byte", () => {
    const full = file({ requiresPython: ">=3.8", yanked: "bad", metadataSha256: "ab".repeat(32) });
    const provenance = "https://integrity.test/p";
    const url = `../../packages/01/23/${
      SHA256.slice(4)
    }/demo-1.0-py3-none-any.whl#sha256=${SHA256}`;
    equal(
      renderProjectHtml(page([file(), { ...full, provenance }])),
      [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "  <head>",
        '    <meta name="pypi:repository-version" content="1.4">',
        "    ",
        '    <meta name="pypi:project-status" content="active">',
        "    <title>Links for demo</title>",
        "  </head>",
        "  <body>",
        "    <h1>Links for demo</h1>",
        `    <a href="${url}" >demo-1.0-py3-none-any.whl</a><br />`,
        `    <a href="${url}" data-requires-python="&gt;=3.8" data-yanked="bad" ` +
        `data-dist-info-metadata="sha256=${"ab".repeat(32)}" ` +
        `data-core-metadata="sha256=${"ab".repeat(32)}" ` +
        `data-provenance="${provenance}">demo-1.0-py3-none-any.whl</a><br />`,
        "    </body>",
        "</html>",
        "<!--SERIAL 7-->",
      ].join("\n"),
    );
  });

  it("I-005: a yank has its reason, escaped, or none", () => {
    const reasons = [`"quoted" <b> & 'single' é 漢`, "plain"];
    for (const reason of reasons) {
      const [anchor] = anchors(renderProjectHtml(page([file({ yanked: reason })])));
      equal(anchor?.["data-yanked"], reason);
    }
    const [bare] = anchors(renderProjectHtml(page([file({ yanked: true })])));
    equal(bare?.["data-yanked"], "");
    const [none] = anchors(renderProjectHtml(page([file()])));
    equal(Object.hasOwn(none!, "data-yanked"), false);
  });

  it("I-007: without metadata there is no attribute for it", () => {
    const [anchor] = anchors(renderProjectHtml(page([file()])));
    deepEqual(Object.keys(anchor!), ["href"]);
    const json = JSON.parse(renderProjectJson(page([file()])));
    equal(json.files[0]["core-metadata"], false);
  });

  it("I-009: a status other than active is stated with its reason", () => {
    const status = { status: "archived", reason: 'use "other" & go' };
    const html = renderProjectHtml(page([], { status }));
    ok(html.includes('<meta name="pypi:project-status" content="archived">'));
    ok(html.includes('-reason" content="use &#34;other&#34; &amp; go">'));
    deepEqual(JSON.parse(renderProjectJson(page([], { status })))["project-status"], status);
  });

  it("I-013: odd names survive the way through href and back", () => {
    const names = ["a+b", "50%", "with space", "ha#sh", "wh?at", "naïve", "漢字", "100%25"];
    for (const name of names) {
      const filename = `${name}-1.0.tar.gz`;
      const [anchor] = anchors(
        renderProjectHtml(page([file({ filename, url: fileUrl(SHA256, filename) })])),
      );
      const { pathname, hash } = new URL(anchor!.href!, "https://cairn.test/simple/demo/");
      equal(decodeURIComponent(pathname.split("/").at(-1)!), filename);
      equal(hash, `#sha256=${SHA256}`);
    }
  });
});

describe("JSON pages", () => {
  it("I-017 I-018 I-019 I-021 I-022: unknown facts are absent and nothing is null", () => {
    const files = [
      file(),
      file({ yanked: true }),
      file({ yanked: "why", uploadTime: "2024-01-02T03:04:05.123456Z", metadataSha256: SHA256 }),
    ];
    const text = renderProjectJson(page(files));
    ok(!text.includes("null"));
    ok(!text.includes("dist-info-metadata"));
    const json = JSON.parse(text);
    deepEqual(json.files.map(({ yanked }: { yanked: unknown }) => yanked), [false, true, "why"]);
    equal(json.files[2]["upload-time"], "2024-01-02T03:04:05.123456Z");
    equal(Object.hasOwn(json.files[0], "upload-time"), false);
    deepEqual(json.files[2]["core-metadata"], { sha256: SHA256 });
    for (const each of json.files) ok(Number.isSafeInteger(each.size));
    const { sha256: _sha256, ...unhashed } = file();
    deepEqual(JSON.parse(renderProjectJson(page([unhashed]))).files[0].hashes, {});
  });

  it("I-023: the status is at the top, with its reason", () => {
    const status = { status: "deprecated", reason: "old" };
    const json = JSON.parse(renderProjectJson(page([], { status })));
    deepEqual(json["project-status"], status);
    equal(Object.hasOwn(json.meta, "project-status"), false);
  });

  it("I-037: announce 1.0 where a size is unknown", () => {
    const { sizeBytes: _sizeBytes, ...unsized } = file();
    equal(JSON.parse(renderProjectJson(page([unsized, file()]))).meta["api-version"], "1.0");
    equal(JSON.parse(renderProjectJson(page([file()]))).meta["api-version"], "1.4");
    equal(JSON.parse(renderProjectJson(page([]))).meta["api-version"], "1.4");
  });
});

describe("reading an upstream's page", () => {
  it("reads back what we render, in both forms", () => {
    const full = file({
      requiresPython: ">=3.8,<4",
      yanked: 'so "so" <&',
      metadataSha256: "ab".repeat(32),
      provenance: "https://integrity.test/p",
    });
    const status = { status: "archived", reason: "done" };
    const rendered = page([full], { status });
    const fromJson = parseUpstreamJson(renderProjectJson(rendered), ORIGIN);
    const fromHtml = parseUpstreamHtml(renderProjectHtml(rendered), ORIGIN);
    const { url, ...facts } = full;
    const expected = {
      ...facts,
      version: "1.0",
      key: SHA256,
      url: new URL(url, ORIGIN.baseUrl).href,
    };
    deepEqual(fromJson, { files: [expected], versions: ["1.0"], status });
    const { sizeBytes: _sizeBytes, ...unsized } = expected;
    deepEqual(fromHtml, { files: [unsized], versions: [], status });
  });

  it("I-158: HTML with and without digests, with a base and with entities", () => {
    const html = `<html><head><title>Links for demo</title><base href="/files/"></head>
      <A HREF='demo-1.0.tar.gz#sha256=${SHA256.toUpperCase()}' data-requires-python='&gt;=3&#44;&lt;4'>x</A>
      <a href=demo-1.1.zip#md5=abc>y<a href="sub/demo-1.2-py3-none-any.whl?a=1&amp;b=2">z</a>
      <a name="no-href">n</a><a href="other-1.0.tar.gz">other</a><a href="demo-1.0.tar.gz">twice</a>`;
    const { files } = parseUpstreamHtml(html, ORIGIN);
    deepEqual(files.map(({ filename, version }) => [filename, version]), [
      ["demo-1.0.tar.gz", "1.0"],
      ["demo-1.1.zip", "1.1"],
      ["demo-1.2-py3-none-any.whl", "1.2"],
    ]);
    deepEqual(files.map(({ url }) => url), [
      "https://upstream.test/files/demo-1.0.tar.gz",
      "https://upstream.test/files/demo-1.1.zip",
      "https://upstream.test/files/sub/demo-1.2-py3-none-any.whl?a=1&b=2",
    ]);
    equal(files[0]?.sha256, SHA256);
    equal(files[0]?.requiresPython, ">=3,<4");
    equal(files[1]?.sha256, undefined);
    ok(/^[0-9a-f]{64}$/.test(files[1]!.key));
  });

  it("I-159: metadata is found under each of its names", () => {
    const digest = "cd".repeat(32);
    for (const key of ["core-metadata", "dist-info-metadata", "data-dist-info-metadata"]) {
      const json = { ...JSON.parse(renderProjectJson(page([file()]))) };
      const { "core-metadata": _none, ...plain } = json.files[0];
      json.files = [{ ...plain, [key]: { sha256: digest } }];
      equal(parseUpstreamJson(JSON.stringify(json), ORIGIN).files[0]?.metadataSha256, digest, key);
      const html = `<title>Links for demo</title><a href="demo-1.0.zip" data-${
        key.replace(/^data-/, "")
      }="sha256=${digest}">x</a>`;
      equal(parseUpstreamHtml(html, ORIGIN).files[0]?.metadataSha256, digest, key);
    }
  });

  it("facts of the wrong shape count as not stated", () => {
    const wrong = {
      filename: "demo-1.0.tar.gz",
      url: "x/demo-1.0.tar.gz",
      hashes: { sha256: "zz" },
      size: -1,
      "upload-time": "yesterday",
      "requires-python": 3,
      yanked: null,
      "core-metadata": { sha256: 1 },
      provenance: "http://insecure.test/",
    };
    const json = {
      meta: { "api-version": "1.1" },
      name: "Demo",
      files: [wrong, { ...wrong, url: null }],
    };
    const { files: [only, ...others] } = parseUpstreamJson(JSON.stringify(json), ORIGIN);
    deepEqual(others, []);
    deepEqual(Object.keys(only!).sort(), ["filename", "key", "url", "version"]);
  });
});
