/** What curdling's clients ask for, and which file they get. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, it } from "node:test";
import { memoryIndex } from "../../../backends/index_memory.ts";
import { PackageNotFoundError } from "../../../src/contracts/errors.ts";
import type { IndexCache, PackageFile } from "../../../src/contracts/index_cache.ts";
import { findPackage } from "../../../src/wheels/find_package.ts";
import { normalizeName, parseFilename } from "../../../src/wheels/packages/names.ts";
import { chooseFile, inOrderOfChoice, parseQuery } from "../../../src/wheels/packages/query.ts";
import {
  constraintText,
  parseLooseRequirement,
  requirementText,
} from "../../../src/wheels/packages/loose_requirements.ts";

/** curdling's own example: a name of each kind, and a version for each operator. */
const GHERKIN = [
  "gherkin-0.1.0-py27-none-any.whl",
  "gherkin-0.1.0.tar.gz",
  "gherkin-0.1.1.tar.gz",
  "gherkin-0.1.5-py27-none-any.whl",
  "Gherkin-0.1.5.tar.gz",
  "gherkin-0.2.0.tar.gz",
];

async function indexOf(
  filenames: readonly string[],
  facts: Readonly<Record<string, Partial<PackageFile>>> = {},
): Promise<IndexCache> {
  const index = memoryIndex();
  for (const [at, filename] of filenames.entries()) {
    const { project, version } = parseFilename(filename)!;
    await index.add({
      ...{ filename, project, version, uploadedAt: at, sizeBytes: 1 },
      ...{ sha256: String(at).padStart(64, "0"), path: `${project}/${filename}` },
      ...facts[filename],
    });
  }
  return index;
}

async function found(query: string, filenames = GHERKIN): Promise<string> {
  return (await findPackage(await indexOf(filenames), query)).filename;
}

function chosen(query: string, filenames: readonly string[], tags?: readonly string[]) {
  const parsed = parseQuery(query)!;
  const files = filenames.map((filename) => ({ filename }));
  return chooseFile(parsed, files, tags === undefined ? {} : { tags })?.filename;
}

describe("a package that is asked for", () => {
  it("C-007: is the newest where no version is given, be it a source distribution only", async () => {
    equal(await found("gherkin"), "gherkin-0.2.0.tar.gz");
  });

  it("C-008: is the newest above a version", async () => {
    equal(await found("gherkin (> 0.1.0)"), "gherkin-0.2.0.tar.gz");
  });

  it("C-009: is the one version that a range leaves, and its wheel", async () => {
    equal(
      await found("gherkin (>= 0.1.1, < 0.2.0, != 0.1.1)"),
      "gherkin-0.1.5-py27-none-any.whl",
    );
  });

  it("C-010: is the wheel of a version that is given, or is the highest allowed", async () => {
    equal(await found("gherkin (== 0.1.0)"), "gherkin-0.1.0-py27-none-any.whl");
    equal(await found("gherkin (<= 0.1.0)"), "gherkin-0.1.0-py27-none-any.whl");
    equal(await found("gherkin==0.1.0"), "gherkin-0.1.0-py27-none-any.whl");
  });

  it("C-011: is no wheel where none is wanted", async () => {
    equal(await found("gherkin (== 0.1.0);~whl"), "gherkin-0.1.0.tar.gz");
  });

  it("C-012 C-013 C-014 C-033: is named, as it was asked for, where it is not there", async () => {
    const index = await indexOf(GHERKIN);
    const misses: (readonly [string, string])[] = [
      ["gherkin (== 0.1.1);whl", "gherkin (0.1.1) (whl)"],
      ["gherkin==0.2.1", "gherkin (0.2.1)"],
      ["nonexisting==0.2.1", "nonexisting (0.2.1)"],
      ["gherkin (>= 9, != 10);~whl", "gherkin (>= 9, != 10) (~whl)"],
      ["Non_Existing", "non-existing"],
    ];
    for (const [query, what] of misses) {
      await rejects(findPackage(index, query), (error) => {
        ok(error instanceof PackageNotFoundError);
        equal(error.message, `Cannot find a package in the index: ${what}`);
        equal(error.requirement, what);
        return true;
      });
    }
  });

  it("C-015 C-046: is found in every spelling of its name", async () => {
    equal(await found("Gherkin"), "gherkin-0.2.0.tar.gz");
    const fakes = ["fake_pkg-1.0-py3-none-any.whl"];
    for (const name of ["fake-pkg", "fake_pkg", "Fake.Pkg", "fake__pkg==1"]) {
      equal(await found(name, fakes), fakes[0], name);
    }
  });

  it("C-016: is found by dashes where its file has underscores", async () => {
    const filenames = ["python_gherkin-0.1.0.tar.gz"];
    equal(await found("python-gherkin==0.1.0;~whl", filenames), filenames[0]);
  });

  it("instead of C-006: is found by a name with a dot, whose file keeps it", async () => {
    const filenames = ["package.name-0.1.0.tar.gz"];
    for (const name of ["package.name", "package-name"]) {
      equal(await found(name, filenames), filenames[0]);
    }
  });

  it("C-024: is the best by the order of versions, not of texts", async () => {
    const filenames = ["a-1.10.zip", "a-1.9.zip", "a-1.9.post1.zip", "a-2.0rc1.zip", "a-2004d.zip"];
    equal(await found("a", filenames), "a-1.10.zip");
    equal(await found("a<1.10", filenames), "a-1.9.post1.zip");
    equal(await found("a>=2.0rc1", filenames), "a-2.0rc1.zip");
    equal(await found("a", ["a-2.0rc1.zip", "a-1.0.dev1.zip"]), "a-2.0rc1.zip");
  });

  it("is an older version where the newest is not there in the format that is wanted", async () => {
    equal(await found("gherkin;whl"), "gherkin-0.1.5-py27-none-any.whl");
    equal(await found("gherkin (< 0.1.5);whl"), "gherkin-0.1.0-py27-none-any.whl");
  });

  it("may be asked for by every operator there is", async () => {
    equal(await found("gherkin~=0.1.0"), "gherkin-0.1.5-py27-none-any.whl");
    equal(await found("gherkin===0.1.1"), "gherkin-0.1.1.tar.gz");
    equal(await found("gherkin==0.1.*;gz"), "Gherkin-0.1.5.tar.gz");
    equal(await found("gherkin 0.1.1"), "gherkin-0.1.1.tar.gz");
    equal(await found("gherkin[fast]>=0.1,<0.1.5"), "gherkin-0.1.1.tar.gz");
  });

  it("is in the format that is wanted, by the end of its name", () => {
    const all = ["a-1.zip", "a-1.tar.bz2", "a-1.tar.gz", "a-1-py3-none-any.whl"];
    equal(chosen("a;zip", all), "a-1.zip");
    equal(chosen("a;gz", all), "a-1.tar.gz");
    equal(chosen("a;tar.gz", all), "a-1.tar.gz");
    equal(chosen("a;bz", all), "a-1.tar.bz2");
    equal(chosen("a;bz2", all), "a-1.tar.bz2");
    equal(chosen("a;whl", all), "a-1-py3-none-any.whl");
    equal(chosen("a;~whl", all), "a-1.tar.gz");
    equal(chosen("a ; ~gz", all.slice(0, 3)), "a-1.zip");
    equal(chosen("a;egg", all), undefined);
  });

  it("is yanked only where its one version is given and nothing else has it", async () => {
    const wheel = "gherkin-0.1.0-py27-none-any.whl";
    const index = await indexOf(GHERKIN, {
      "gherkin-0.2.0.tar.gz": { yanked: "broken" },
      [wheel]: { yanked: true },
    });
    const name = async (query: string) => (await findPackage(index, query)).filename;
    equal(await name("gherkin"), "gherkin-0.1.5-py27-none-any.whl");
    equal(await name("gherkin==0.2.0"), "gherkin-0.2.0.tar.gz");
    equal(await name("gherkin==0.1.0"), "gherkin-0.1.0.tar.gz");
    equal(await name("gherkin==0.1.0;whl"), wheel);
    await rejects(name("gherkin>=0.2"), PackageNotFoundError);
    await rejects(name("gherkin==0.2.*"), PackageNotFoundError);
  });

  it("is not stood in the way of by names that nobody can read", () => {
    const names = ["README", ".DS_Store", "a-1.0.egg", "b-9.0.zip", "a-1.0.zip", "a-1.0.zip"];
    equal(chosen("a", names), "a-1.0.zip");
    deepEqual(
      inOrderOfChoice(names.map((filename) => ({ filename })), "a").map((release) => [
        release.version,
        release.files.map(({ filename }) => filename),
      ]),
      [["1.0", ["a-1.0.zip"]]],
    );
  });
});

describe("a wheel that is asked for", () => {
  const LINUX = "a-1.0-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl";
  const MAC = "a-1.0-cp312-cp312-macosx_11_0_arm64.whl";
  const PURE = "a-1.0-py3-none-any.whl";
  const SOURCE = "a-1.0.tar.gz";

  it("runs where the asker is, as the tags that are stated say", () => {
    const all = [SOURCE, MAC, LINUX];
    const linux = ["cp312-cp312-manylinux2014_x86_64", "cp312-none-any", "py3-none-any"];
    equal(chosen("a", all, linux), LINUX);
    equal(chosen("a", all, ["cp312-cp312-macosx_11_0_arm64"]), MAC);
    equal(chosen("a", all, ["cp313-cp313-win_amd64"]), SOURCE);
    equal(chosen("a;whl", all, ["cp313-cp313-win_amd64"]), undefined);
    equal(chosen("a", [PURE, LINUX], linux), LINUX);
    equal(chosen("a", [PURE, LINUX], [...linux].reverse()), PURE);
  });

  it("of an older version serves where the newest has none for the tags", () => {
    const older = LINUX.replace("1.0", "0.9");
    equal(chosen("a", [older, MAC], ["cp312-cp312-manylinux2014_x86_64"]), older);
  });

  it("runs everywhere rather than somewhere while no tags are stated", () => {
    for (const all of [[LINUX, PURE, SOURCE, MAC], [SOURCE, PURE, MAC, LINUX]]) {
      equal(chosen("a", all), PURE);
    }
    equal(chosen("a", [SOURCE, MAC]), MAC);
  });

  it("is of the highest build", () => {
    const builds = ["a-1.0-2-py3-none-any.whl", "a-1.0-10-py3-none-any.whl", PURE];
    equal(chosen("a", builds), builds[1]);
  });
});

describe("a query", () => {
  it("says which project, in which versions and which format", () => {
    const query = parseQuery(" Foo.Bar [x, y] ( >= 1.0 , < 2 ) ; ~whl ");
    equal(query?.project, "foo-bar");
    deepEqual(query?.specifiers.clauses, [">=1.0", "<2"]);
    equal(query?.text, "foo-bar (>= 1.0, < 2) (~whl)");
  });

  it("is wrong where it has no name, no such operator, or more than one format", () => {
    const wrong = [
      ...["", " ", ";whl", "==1.0", "-", "a b", "a==", "a (1.0", "a 1.0)", "a=1.0", "a=>1"],
      ...[
        "a>>1",
        "a (>= 1,, < 2)",
        "a;",
        "a;~",
        "a;whl;gz",
        "a;w hl",
        "a;../x",
        "é",
        "a @ https://x",
      ],
      ...["a[", "a[b", "a==not a version", `a${"=".repeat(20_000)}`],
    ];
    for (const text of wrong) equal(parseQuery(text), undefined, text);
  });

  it("that is wrong is a SyntaxError of the index", async () => {
    await rejects(findPackage(memoryIndex(), "a=>1"), SyntaxError);
  });
});

describe("requirements as curdling writes them", () => {
  it("C-055: have dashes, and versions in parentheses", () => {
    const texts: (readonly [string, string])[] = [
      ["package_name 2.0", "package-name (2.0)"],
      ["package_name==2.0", "package-name (2.0)"],
      ["Package.Name", "package-name"],
      ["package >= 1.0, < 2.0", "package (>= 1.0, < 2.0)"],
      ["package (0.3.3, >= 0.3.2)", "package (0.3.3, >= 0.3.2)"],
      ["package[a, b] != 1.*", "package[a,b] (!= 1.*)"],
      ["package[a]", "package[a]"],
      ['package ~= 1.4; python_version < "3"', 'package (~= 1.4); python_version < "3"'],
    ];
    for (const [text, expected] of texts) {
      equal(requirementText(text), expected);
      equal(requirementText(expected), expected);
    }
    equal(requirementText("a=>1"), undefined);
  });

  it("C-056: say their constraints, unless they have none or are addresses", () => {
    const constraints = (text: string) => {
      const requirement = parseLooseRequirement(text);
      return requirement && constraintText(requirement);
    };
    equal(constraints("curdling (0.3.3, >= 0.3.2)"), "0.3.3, >= 0.3.2");
    equal(constraints("curdling==0.3.3,>=0.3.2"), "0.3.3, >= 0.3.2");
    equal(constraints("curdling"), undefined);
    equal(constraints("curdling @ https://example.test/curdling-1.0.tar.gz"), undefined);
    equal(constraints("https://example.test/curdling-1.0.tar.gz"), undefined);
  });

  it("are read as PEP 508 reads them, but for versions without an operator", () => {
    equal(parseLooseRequirement("a (1.0)")?.specifiers.allows("1.0.0"), true);
    equal(parseLooseRequirement("a 1.0, 2.0")?.specifiers.allows("1.0"), false);
    equal(parseLooseRequirement("a-b_c.d 1")?.name, "a-b_c.d");
    equal(normalizeName(parseLooseRequirement("A_b")!.name), "a-b");
    equal(parseLooseRequirement("a @ https://x.test/a.zip")?.url, "https://x.test/a.zip");
  });
});
