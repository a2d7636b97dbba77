import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { type House, JSON_TYPE } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";

const RIGHTS = { admins: ["root"], read: ["everyone"], write: ["everyone"] };

/** The digests that each place tells of a project's files, once for each way to ask. */
async function toldBy(house: House): Promise<Record<string, string[]>> {
  const text = async (path: string, accept: string): Promise<string> => {
    const response = await house.fetch(path, { headers: { accept, ...as("root") } });
    return await response.text();
  };
  const digestsIn = (body: string): string[] =>
    [...new Set(body.match(/[0-9a-f]{64}/g) ?? [])].sort();
  const told: Record<string, string[]> = {};
  for (const accept of [JSON_TYPE, "text/html"]) {
    const body = await text("/simple/demo/", accept);
    const anchors = accept === JSON_TYPE
      ? (JSON.parse(body).files ?? []).map((file: { hashes: { sha256: string } }) =>
        file.hashes.sha256
      )
      : [...body.matchAll(/#sha256=([0-9a-f]{64})/g)].map(([, digest]) => digest!);
    told[accept] = anchors.sort();
  }
  for (const path of ["/api/package/demo/", "/pypi/demo/json", "/api/demo"]) {
    const body = await text(path, "application/json");
    const facts = body.match(/(?:"hash_sha256"|"sha256"):\s*"[0-9a-f]{64}"/g) ?? [];
    told[path] = digestsIn(facts.join());
  }
  const { files } = await house.index.all("demo");
  told["the table"] = files.map(({ sha256 }) => sha256).sort();
  return told;
}

describe("a successful upload", () => {
  it("I-133: is in the page, the lists, the JSON and the table in one step", async () => {
    const house = houseWith(RIGHTS);
    const digests: string[] = [];
    for (const version of ["1.0", "2.0"]) {
      const wheel = makeWheel({ name: "demo", version });
      // Everything is asked for before, so that a stale copy anywhere would be seen.
      for (const [place, told] of Object.entries(await toldBy(house))) {
        deepEqual(told, digests, `before ${version}: ${place}`);
      }
      equal((await house.upload(wheel)).status, 200);
      digests.push(await sha256Of(wheel.bytes));
      digests.sort();
      for (const [place, told] of Object.entries(await toldBy(house))) {
        deepEqual(told, digests, `after ${version}: ${place}`);
      }
      match(await (await house.fetch("/simple/")).text(), /href="demo\/"/);
      const listed = await house.fetch("/api/package/", { headers: as("root") });
      deepEqual(await listed.json(), { packages: ["demo"] });
    }
  });

  it("instead of I-127: each file is told of by its own archive, whatever forms say", async () => {
    const house = houseWith(RIGHTS);
    const first = makeWheel({
      ...{ name: "demo", version: "1.0" },
      metadata: ["Requires-Python: >=3.9", "Summary: From the archive"],
    });
    const forged = { requires_python: ">=2", summary: "From the form" };
    equal((await house.upload(first, forged)).status, 200);
    const [file] = (await house.page("demo")).files;
    equal(file!["requires-python"], ">=3.9");
    const summary = async (): Promise<(string | undefined)[]> =>
      (await house.index.all("demo")).files.map((record) => record.summary);
    deepEqual(await summary(), ["From the archive"]);
    equal((await house.upload(first, forged)).status, 200);
    deepEqual(await summary(), ["From the archive"]);
    const second = { ...makeWheel({ name: "demo", version: "1.0", seed: 1 }) };
    const other = { ...second, filename: "demo-1.0-1-py3-none-any.whl" };
    equal((await house.upload(other, { summary: "From the form" })).status, 200);
    const { files } = await house.index.all("demo");
    const kept = files.find(({ filename }) => filename === first.filename);
    equal(kept?.summary, "From the archive", "the first file's facts stay");
    ok(files.every((record) => record.summary !== "From the form"));
  });
});
