// runs on: deno
/** What pip and uv ask for while they resolve, and what they find. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { PythonTools } from "../clients/python.ts";
import { Shop } from "../clients/shop.ts";
import { House } from "../core/wheels_http/house.ts";
import { jsonAnswer, TwistedUpstream } from "../core/wheels_http/upstreams.ts";
import { pythonTool } from "../services/python.ts";
import { makeSdist } from "../testing/make_sdist.ts";
import { makeWheel, sha256Of } from "../testing/make_wheel.ts";

const python = pythonTool("python");

/** What fits is 1.0: 3.0 and 2.0 want a base that does not exist. */
const TOOLS = [["3.0", "acme-base>=9"], ["2.0", "acme-base>=8"], ["1.0", "acme-base>=1"]] as const;

function toolOf(version: string, base: string, paddingBytes = 0) {
  return { name: "acme-tool", version, metadata: [`Requires-Dist: ${base}`], paddingBytes };
}

/** What pip reports that it would install. */
function chosenIn(report: string): { name: string; version: string; sha256: string }[] {
  const { install } = JSON.parse(readFileSync(report, "utf8"));
  const chosen = install.map((item: Record<string, Record<string, unknown>>) => {
    const info = item.download_info!.archive_info as { hashes: { sha256: string } };
    const { name, version } = item.metadata as { name: string; version: string };
    return { name, version, sha256: info.hashes.sha256 };
  });
  return chosen.sort((a: { name: string }, b: { name: string }) => a.name < b.name ? -1 : 1);
}

describe("Resolving", { skip: python.missing }, () => {
  let tools: PythonTools;
  before(() => {
    tools = new PythonTools(join(python.path, ".."));
  });
  after(() => tools[Symbol.dispose]());

  it("I-078: pip reads the metadata of what it rejects, and only of what it takes the wheel", async () => {
    await using shop = await Shop.open(new House());
    for (const [version, base] of TOOLS) await shop.house.publish(toolOf(version, base));
    await shop.house.publish({ name: "acme-base", version: "1.5" });
    const target = join(tools.folder, "by-metadata");
    const { code, output } = await tools.pip(
      ...["install", "--target", target, "--index-url", shop.index, "acme-tool"],
    );
    equal(code, 0, output);
    for (const [version] of TOOLS.slice(0, 2)) {
      const name = `acme_tool-${version}-py3-none-any.whl`;
      deepEqual(shop.asked(name), [], `${name} was not downloaded`);
      deepEqual(shop.asked(`${name}.metadata`).map(({ method }) => method), ["GET"]);
    }
    equal(shop.asked("acme_tool-1.0-py3-none-any.whl").length, 1);
    equal(shop.asked("acme_tool-1.0-py3-none-any.whl.metadata").length, 1);
    ok(readdirSync(target).includes("acme_tool-1.0.dist-info"));
  });

  it("I-064: pip's fast-deps resolves by ranges where no metadata is announced", async () => {
    const upstream = new TwistedUpstream();
    for (const [version, base] of TOOLS) {
      await upstream.house.publish(toolOf(version, base, 1_500_000));
    }
    await upstream.house.publish({ name: "acme-base", version: "1.5" });
    upstream.twist = async (request) => {
      const project = /simple\/([^/]+)\/$/.exec(request.url)?.[1];
      if (project === undefined) return await upstream.house.app.fetch(request);
      const page = await upstream.house.page(project);
      const files = page.files.map((file) => ({ ...file, "core-metadata": false }));
      return jsonAnswer({ ...page, files });
    };
    await using shop = await Shop.open(new House({ upstream: { fetch: upstream.fetch } }));
    const target = join(tools.folder, "by-ranges");
    const { code, output } = await tools.pip(
      ...["install", "--use-feature=fast-deps", "--target", target, "--index-url", shop.index],
      "acme-tool",
    );
    equal(code, 0, output);
    for (const [version] of TOOLS.slice(0, 2)) {
      const asked = shop.asked(`acme_tool-${version}-py3-none-any.whl`);
      ok(asked.some(({ method }) => method === "HEAD"), output);
      const gets = asked.filter(({ method }) => method === "GET");
      ok(gets.length > 0 && gets.every(({ range }) => range !== null), JSON.stringify(asked));
    }
    const wholes = shop.asked("acme_tool-1.0-py3-none-any.whl").filter(({ method, range }) =>
      method === "GET" && range === null
    );
    equal(wholes.length, 1);
    ok(readdirSync(target).includes("acme_tool-1.0.dist-info"));
  });

  it("I-014: a project without files is found to have none, and nothing breaks", async () => {
    const rules = { statuses: { empty: { status: "quarantined" } } };
    const house = new House({ rules });
    await house.index.claim("empty", true);
    await house.index.save({
      ...{ filename: "empty-1.0-py3-none-any.whl", project: "empty", version: "1.0" },
      ...{ uploadedAt: 1, sizeBytes: 1, sha256: "0".repeat(64), path: "empty/gone" },
    });
    for (const preferredForm of ["json", "html"] as const) {
      const { index, files } = house;
      const made = new House({ index, files: () => files, rules, app: { preferredForm } });
      await using shop = await Shop.open(made);
      deepEqual((await made.page("empty")).files, []);
      const pip = await tools.pip("install", "--index-url", shop.index, "empty");
      equal(pip.code, 1);
      match(pip.output, /No matching distribution found for empty/);
      ok(!/Traceback/.test(pip.output), pip.output);
      const uv = await tools.uv(
        ...["pip", "install", "--target", join(tools.folder, "none"), "--index-url", shop.index],
        "empty",
      );
      equal(uv.code, 1, uv.output);
      match(uv.output, /No solution found/);
    }
  });

  it("I-218: pip finds by us what it finds in the folder itself", async () => {
    const house = new House();
    const folder = join(tools.folder, "shelf");
    mkdirSync(folder);
    const made = [
      ...TOOLS.map(([version, base]) => makeWheel(toolOf(version, base))),
      makeWheel({ name: "acme-base", version: "1.5" }),
      makeWheel({ name: "acme-base", version: "1.6rc1" }),
    ];
    const source = await makeSdist({ name: "acme-base", version: "1.4" });
    for (const { filename, bytes } of [...made, source]) {
      writeFileSync(join(folder, filename), bytes);
    }
    for (const wheel of made) equal((await house.upload(wheel)).status, 200);
    const fields = { filetype: "sdist", name: "acme-base", version: "1.4" };
    equal((await house.upload({ ...source, metadata: "" }, fields)).status, 200);
    await using shop = await Shop.open(house);
    const sources = {
      us: ["--index-url", shop.index],
      folder: ["--no-index", "--find-links", folder],
    };

    const reports: unknown[] = [];
    const versions: string[][] = [];
    for (const [name, where] of Object.entries(sources)) {
      const report = join(tools.folder, `${name}.json`);
      const asked = ["--dry-run", "--ignore-installed", "--report", report, ...where, "acme-tool"];
      const { code, output } = await tools.pip("install", ...asked);
      equal(code, 0, output);
      reports.push(chosenIn(report));
      const listed = await tools.pip("index", "versions", "--pre", ...where, "acme-base");
      equal(listed.code, 0, listed.output);
      const [, found = ""] = /Available versions: (.*)/.exec(listed.output) ?? [];
      versions.push(found.split(", "));
    }
    deepEqual(reports[0], reports[1]);
    deepEqual(versions[0], ["1.6rc1", "1.5", "1.4"]);
    deepEqual(versions[0], versions[1]);

    const wanted = made.filter(({ filename }) => /tool-1\.0|base-1\.5/.test(filename));
    const lines = await Promise.all(wanted.map(async ({ filename, bytes }) => {
      const [name, version] = filename.split("-");
      return `${name}==${version} --hash=sha256:${await sha256Of(bytes)}`;
    }));
    const requirements = join(tools.folder, "requirements.txt");
    writeFileSync(requirements, `${lines.join("\n")}\n`);
    const downloads = join(tools.folder, "downloads");
    const download = ["download", "--require-hashes", "-d", downloads, "-r", requirements];
    const done = await tools.pip(...download, ...sources.us);
    equal(done.code, 0, done.output);
    deepEqual(readdirSync(downloads).sort(), wanted.map(({ filename }) => filename).sort());
    for (const { filename, bytes } of wanted) {
      deepEqual(new Uint8Array(readFileSync(join(downloads, filename))), bytes);
    }
    const other = (_: string, digit: string): string => `sha256:${digit === "0" ? "1" : "0"}`;
    const spoilt = lines.map((line) => line.replace(/sha256:(.)/, other));
    writeFileSync(requirements, `${spoilt.join("\n")}\n`);
    const elsewhere = download.map((word) => word === downloads ? `${downloads}-2` : word);
    const wrong = await tools.pip(...elsewhere, ...sources.us);
    equal(wrong.code, 1);
    match(wrong.output, /DO NOT MATCH THE HASHES/);
  });
});
