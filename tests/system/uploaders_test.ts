// runs on: deno
/** What twine and uv make of a name that is taken. */

import { deepEqual, equal, match } from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startCairn } from "../clients/cairn_process.ts";
import type { CairnServer } from "../clients/cairn_server.ts";
import { PythonTools } from "../clients/python.ts";
import { Shop } from "../clients/shop.ts";
import { House } from "../core/wheels_http/house.ts";
import { pythonTool } from "../services/python.ts";
import { type MadeWheel, makeWheel } from "../testing/make_wheel.ts";

const WHEEL = makeWheel({ name: "demo", version: "1.0" });
const OTHER = makeWheel({ name: "demo", version: "1.0", seed: 1 });

// twine skips what exists only at addresses that it knows; that is left out.
const TWINE = `
import sys, twine.settings
twine.settings.Settings.verify_feature_capability = lambda self: None
from twine.__main__ import main
sys.exit(main())
`;

const python = pythonTool("python");

describe("Uploaders", { skip: python.missing }, () => {
  let tools: PythonTools;
  const folders: string[] = [];
  const newFolder = (): string => {
    folders.push(mkdtempSync(join(tmpdir(), "cairn-")));
    return folders.at(-1)!;
  };
  before(() => {
    tools = new PythonTools(join(python.path, ".."));
  });
  after(() => {
    tools[Symbol.dispose]();
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  const start = (): Promise<CairnServer> =>
    startCairn([Deno.execPath(), "run", "-A"], [
      newFolder(),
      "--open",
      "list,download,update",
    ]);
  const fileOf = (wheel: MadeWheel): string => {
    const path = join(newFolder(), wheel.filename);
    writeFileSync(path, wheel.bytes);
    return path;
  };
  const uploads = (server: CairnServer): string[] =>
    server.output().match(/POST \/legacy\/ \d+/g) ?? [];

  it("I-112: twine says that the file exists, and skips it when told so", async () => {
    await using server = await start();
    const twine = (wheel: MadeWheel, ...more: string[]) =>
      tools.run(
        "python",
        ...["-c", TWINE, "upload", "--non-interactive", "--disable-progress-bar"],
        ...["--repository-url", `${server.url}/legacy/`, "-u", "ada", "-p", "x"],
        ...more,
        fileOf(wheel),
      );
    equal((await twine(WHEEL)).code, 0);
    const refused = await twine(OTHER, "--verbose");
    equal(refused.code, 1, refused.output);
    match(refused.output, /File already exists/);
    const skipped = await twine(OTHER, "--skip-existing");
    equal(skipped.code, 0, skipped.output);
    match(skipped.output, /Skipping demo-1\.0/);
    equal((await twine(WHEEL)).code, 0);
    deepEqual(uploads(server).map((line) => line.slice(-3)), ["200", "400", "400", "200"]);
  });

  it("I-113: both take a 409 for what it is", async () => {
    const house = new House({ app: { uploads: { takenStatus: 409 } } });
    await using shop = await Shop.open(house);
    const twine = (wheel: MadeWheel, ...more: string[]) =>
      tools.run(
        "python",
        ...["-c", TWINE, "upload", "--non-interactive", "--disable-progress-bar"],
        ...["--repository-url", `${shop.url}/legacy/`, "-u", "ada", "-p", "x"],
        ...more,
        fileOf(wheel),
      );
    const uv = (wheel: MadeWheel, ...more: string[]) =>
      tools.uv(
        ...["publish", "--publish-url", `${shop.url}/legacy/`, "--trusted-publishing", "never"],
        ...["-u", "ada", "-p", "x", ...more],
        fileOf(wheel),
      );
    const first = await twine(WHEEL);
    equal(first.code, 0, first.output);
    const skipped = await twine(OTHER, "--skip-existing");
    equal(skipped.code, 0, skipped.output);
    match(skipped.output, /Skipping demo-1\.0/);
    const refused = await uv(OTHER);
    equal(refused.code === 0, false, refused.output);
    match(refused.output, /409.*already exists/is);
    const same = await uv(WHEEL);
    equal(same.code, 0, same.output);
    const posts = shop.seen.filter(({ method }) => method === "POST");
    equal(posts.length, 4);
  });

  it("I-134: uv finds out by the page's digest what is there, and uploads only the rest", async () => {
    await using server = await start();
    const cache = newFolder();
    const publish = (wheel: MadeWheel) =>
      tools.run(
        "uv",
        ...["--no-config", "--no-python-downloads", "--cache-dir", cache, "publish"],
        ...["--publish-url", `${server.url}/legacy/`, "--check-url", `${server.url}/simple/`],
        ...["--trusted-publishing", "never", "-u", "ada", "-p", "x"],
        fileOf(wheel),
      );
    const first = await publish(WHEEL);
    equal(first.code, 0, first.output);
    const again = await publish(WHEEL);
    equal(again.code, 0, again.output);
    match(again.output, /already exists/);
    deepEqual(uploads(server).map((line) => line.slice(-3)), ["200"]);
    const other = await publish(OTHER);
    equal(other.code !== 0, true, other.output);
    match(other.output, /do not match.*sha256=/);
    const next = await publish(makeWheel({ name: "demo", version: "2.0" }));
    equal(next.code, 0, next.output);
    const page = await (await fetch(`${server.url}/simple/demo/`)).text();
    match(page, /demo-2\.0/);
  });
});
