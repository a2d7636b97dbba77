import { deepEqual, equal, notEqual } from "node:assert/strict";
import { describe, it } from "node:test";

import { sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf } from "./house.ts";
import { jsonAnswer, type ReadThrough, readThrough, settled } from "./upstreams.ts";

/** Has the upstream announce metadata of this digest, and answer so when it is asked for it. */
async function announcing(
  { upstream }: ReadThrough,
  sha256: string | undefined,
  answer: () => Response,
): Promise<void> {
  const page = await upstream.house.page("demo");
  const announced = sha256 === undefined ? false : { sha256 };
  const files = page.files.map((file) => ({ ...file, "core-metadata": announced }));
  upstream.twist = (request) => {
    if (request.url.endsWith("/simple/demo/")) return jsonAnswer({ ...page, files });
    return request.url.endsWith(".metadata") ? answer() : undefined;
  };
}

async function announcedBy({ house }: ReadThrough): Promise<unknown[]> {
  const html = await house.fetch("/simple/demo/", { headers: { accept: "text/html" } });
  const [, inHtml] = /data-core-metadata="sha256=([0-9a-f]+)"/.exec(await html.text()) ?? [];
  const [file] = (await house.page("demo")).files;
  const core = file!["core-metadata"];
  equal(core === false ? undefined : core.sha256, inHtml, "both forms say the same");
  return [core];
}

describe("metadata that the upstream announces", () => {
  const missing = () => new Response("nothing", { status: 404 });
  const other = () => new Response("Metadata-Version: 2.1\nName: demo\nVersion: 6.66\n");

  it("I-079: and does not have is taken from the wheel", async () => {
    const made = await readThrough();
    const right = await sha256Of(new TextEncoder().encode(made.wheel.metadata));
    for (const answer of [missing, other]) {
      await announcing(made, right, answer);
      const response = await made.house.fetch(`${made.wheel.path}.metadata`);
      equal(response.status, 200);
      equal(await response.text(), made.wheel.metadata);
      deepEqual(await announcedBy(made), [{ sha256: right }]);
    }
  });

  it("I-079: and is another one is no longer announced, nor ever served", async () => {
    for (const answer of [missing, other]) {
      const made = await readThrough();
      const { house, wheel } = made;
      const right = await sha256Of(new TextEncoder().encode(wheel.metadata));
      const wrong = "0".repeat(64);
      await announcing(made, wrong, answer);
      deepEqual(await announcedBy(made), [{ sha256: wrong }], "nobody has looked yet");
      equal((await house.fetch(`${wheel.path}.metadata`)).status >= 500, true);
      await settled(house);
      deepEqual(await announcedBy(made), [{ sha256: right }]);
      const response = await house.fetch(`${wheel.path}.metadata`);
      equal(await response.text(), wheel.metadata);
      const bytes = await bytesOf(await house.fetch(wheel.path));
      deepEqual(bytes, wheel.bytes);
    }
  });

  it("I-079: of a wheel that has none itself is announced no longer than that is not known", async () => {
    const made = await readThrough();
    const { house, upstream } = made;
    const bytes = new TextEncoder().encode("no wheel at all");
    const sha256 = await sha256Of(bytes);
    const filename = "demo-9.0-py3-none-any.whl";
    const file = {
      filename,
      url: `https://upstream.test/files/${filename}`,
      hashes: { sha256 },
      size: bytes.length,
      "core-metadata": { sha256: "1".repeat(64) },
    };
    upstream.twist = (request) => {
      if (request.url.endsWith(".metadata")) return missing();
      if (request.url.endsWith(filename)) return new Response(bytes);
      return jsonAnswer({
        ...{ meta: { "api-version": "1.1" }, name: "demo", versions: ["9.0"], files: [file] },
      });
    };
    notEqual((await house.page("demo")).files[0]!["core-metadata"], false);
    const at = `/packages/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${
      sha256.slice(4)
    }/${filename}`;
    equal((await house.fetch(`${at}.metadata`)).status >= 400, true);
    await settled(house);
    deepEqual(await announcedBy(made), [false]);
  });

  it("stays announced while the upstream only fails to answer", async () => {
    const made = await readThrough();
    const right = await sha256Of(new TextEncoder().encode(made.wheel.metadata));
    await announcing(made, right, () => new Response("busy", { status: 503 }));
    equal((await made.house.fetch(`${made.wheel.path}.metadata`)).status, 503);
    equal(made.upstream.count(made.wheel.filename), 1, "the wheel was not fetched for it");
    deepEqual(await announcedBy(made), [{ sha256: right }]);
  });
});
