// runs on: deno
/** What earlier versions of pip install from cairn. */

import { deepEqual, equal, match } from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { configuredIndex } from "../clients/configured_index.ts";
import { OLD_PIPS, OldPips } from "../clients/old_pips.ts";
import { PythonTools } from "../clients/python.ts";
import { Shop } from "../clients/shop.ts";
import { House } from "../core/wheels_http/house.ts";
import { pythonTool } from "../services/python.ts";
import { makeSdist } from "../testing/make_sdist.ts";

const python = pythonTool("python");
const registry = await configuredIndex();

/** What is there: one that fits, a yanked one, one for another Python, and a pre-release. */
async function stocked(): Promise<House> {
  const house = new House();
  for (const version of ["1.0", "1.5", "3.0rc1"]) await house.publish({ name: "demo", version });
  const metadata = ["Requires-Python: >=99"];
  await house.publish({ name: "demo", version: "2.0", metadata });
  const [record] = (await house.index.all("demo")).files.filter(({ version }) => version === "1.5");
  await house.index.replace(record!, { ...record!, yanked: "It eats files" });
  const source = await makeSdist({ name: "sourced", version: "1.0" }, {
    "setup.py":
      "from setuptools import setup\nsetup(name='sourced', version='1.0', py_modules=[])\n",
  });
  const fields = { name: "sourced", version: "1.0", filetype: "sdist" };
  equal((await house.upload({ ...source, metadata: "" }, fields)).status, 200);
  return house;
}

describe("Earlier versions of pip", { skip: python.missing || registry === undefined }, () => {
  let tools: PythonTools;
  let pips: OldPips;
  before(async () => {
    tools = new PythonTools(join(python.path, ".."));
    pips = await OldPips.from(registry!, tools);
  });
  after(() => tools[Symbol.dispose]());

  it("I-217: each install a wheel, a source distribution, a yanked version by its number and a pre-release when asked", async () => {
    await using shop = await Shop.open(await stocked());
    for (const version of OLD_PIPS) {
      const installed = async (name: string, ...wanted: string[]): Promise<string[]> => {
        const target = join(tools.folder, `${version}-${name}`);
        const ran = await pips.pip(
          ...[version, "install", "--disable-pip-version-check", "--no-build-isolation"],
          ...["--target", target, "--index-url", shop.index, ...wanted],
        );
        equal(ran.code, 0, `pip ${version} ${wanted}: ${ran.output}`);
        const infos = readdirSync(target).filter((each) => /\.(dist|egg)-info$/.test(each));
        return infos.map((each) => each.replace(/(-py[0-9.]+)?\.(dist|egg)-info$/, ""));
      };
      // Yanking came with 19.2.
      const best = version === "18.1" ? "demo-1.5" : "demo-1.0";
      deepEqual(await installed("best", "demo"), [best], `pip ${version}`);
      deepEqual((await installed("more", "demo==1.5", "sourced")).sort(), [
        "demo-1.5",
        "sourced-1.0",
      ]);
      deepEqual(await installed("pre", "--pre", "demo"), ["demo-3.0rc1"]);
    }
  });

  it("I-012: pip 18.1 finds every link of a page of 5,000 files", async () => {
    const house = new House();
    await house.index.claim("demo", true);
    await house.index.saveMany(Array.from({ length: 5_000 }, (_, at) => {
      const filename = `demo-1.${at}-py3-none-any.whl`;
      return {
        ...{ filename, project: "demo", version: `1.${at}`, uploadedAt: 1_700_000_000_000 + at },
        ...{ sizeBytes: 1, sha256: at.toString(16).padStart(64, "0"), path: `demo/${filename}` },
      };
    }));
    await using shop = await Shop.open(house);
    const { code, output } = await pips.script(
      "18.1",
      `
from pip._internal.index import PackageFinder
from pip._internal.download import PipSession
finder = PackageFinder(find_links=[], index_urls=[sys.argv[1]], session=PipSession(), trusted_hosts=["127.0.0.1"])
found = finder.find_all_candidates("demo")
print(len(found), len({str(each.version) for each in found}), all(each.location.hash for each in found))
`,
      shop.index,
    );
    equal(code, 0, output);
    match(output, /^5000 5000 True$/m);
  });
});
