import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";
import {
  compareBuilds,
  isNormalizedName,
  normalizeName,
  parseFilename,
  projectCandidates,
} from "../../../src/wheels/packages/names.ts";
import { expandTags } from "../../../src/wheels/packages/tags.ts";
import { normalizeVersion, parseVersion } from "../../../src/contracts/versions.ts";
import vectors from "../../vectors/packaging.json" with { type: "json" };

const NAMES = vectors.names as unknown as [string, string, boolean][];
const TAGS = vectors.tags as unknown as [string, string[]][];
/** Filename, and where it is valid: project, version, build, tags. */
const WHEELS = vectors.wheels as unknown as (ValidWheel | [string])[];
/** Filename, and where it is valid: project, version. */
const SDISTS = vectors.sdists as unknown as (ValidSdist | [string])[];

type ValidWheel = [string, string, string, string, string[]];
type ValidSdist = [string, string, string];

describe("project names", () => {
  it("I-088: normal forms are packaging's, as is the verdict whether a name is in it", () => {
    ok(NAMES.length > 30);
    for (const [name, normal, isNormal] of NAMES) {
      equal(normalizeName(name), normal, name);
      // packaging 26.2 takes "a--b" for normalised, although its own normal form differs.
      equal(isNormalizedName(name), isNormal && name === normal, name);
    }
    equal(normalizeName("Foo__Bar.-baz"), "foo-bar-baz");
  });
});

describe("wheel names", () => {
  it("I-092: packaging's cases are taken and taken apart as there", () => {
    const valid = WHEELS.filter((one): one is ValidWheel => one.length > 1);
    ok(valid.length > 50);
    for (const [filename, project, version, build, tags] of valid) {
      const found = parseFilename(filename);
      if (!/^[ -~]+$/.test(filename)) {
        equal(found, undefined, `${filename}: project names are ASCII here`);
        continue;
      }
      if (!/^[a-z0-9].*[a-z0-9]-|^[a-z0-9]-/i.test(filename.slice(0, filename.indexOf("-") + 1))) {
        equal(
          found,
          undefined,
          `${filename}: a project's name begins and ends with a letter or digit`,
        );
        continue;
      }
      equal(found?.kind, "wheel", filename);
      equal(found?.project, project, filename);
      equal(normalizeVersion(found!.version), version, filename);
      equal((found?.build ?? "").replace(/^0+/, ""), build, filename);
      deepEqual([...found!.tags!].sort(), tags, filename);
    }
  });

  it("I-092: what packaging refuses is refused, but for the version's sake", () => {
    const invalid = WHEELS.filter((one) => one.length === 1).map(([filename]) => filename);
    ok(invalid.length > 50);
    for (const filename of invalid) {
      const found = parseFilename(filename);
      const stated = filename.split("-")[1];
      if (found !== undefined) equal(parseVersion(stated ?? ""), undefined, filename);
    }
  });

  it("I-092: build tags sort by number, then by text, and after no build tag", () => {
    const builds = [undefined, "0", "1", "1a", "1b", "2", "10", "10a", "100"];
    deepEqual([...builds].reverse().sort(compareBuilds).filter((one) => one !== undefined), [
      ...builds.slice(1),
    ]);
    equal(compareBuilds(undefined, "0") < 0, true);
    equal(compareBuilds("01", "1"), 0);
    for (const [index, build] of builds.slice(1).entries()) {
      ok(compareBuilds(builds[index], build) < 0, build);
    }
  });

  it("I-092 I-094: tags of all platforms expand as packaging expands them", () => {
    ok(TAGS.length >= 20);
    for (const [text, tags] of TAGS) deepEqual(expandTags(text)?.sort(), tags, text);
    for (
      const text of ["py3-any", "py3-none-any-x", "py3--any", "py3-none-any ", "", "py3-no/ne-any"]
    ) {
      equal(expandTags(text), undefined, text);
    }
  });

  it("expands no more tags than a wheel could have", () => {
    const parts = Array.from({ length: 11 }, (_, index) => `p${index}`).join(".");
    equal(expandTags(`${parts}-${parts}-${parts}`), undefined);
    equal(expandTags(`${parts}-${parts}-any`)?.length, 121);
  });

  it("I-093: dots and capitals in the distribution are read", () => {
    for (const name of ["Foo.Bar", "foo_bar", "FOO_BAR", "foo.bar"]) {
      equal(parseFilename(`${name}-1.0-py3-none-any.whl`)?.project, "foo-bar", name);
    }
  });

  it("reads the dash of an old post-release back from its underscore", () => {
    equal(parseFilename("foo-1.0_1-py3-none-any.whl")?.version, "1.0-1");
    equal(parseFilename("foo-1.0_beta-py3-none-any.whl")?.version, "1.0_beta");
  });
});

describe("source distribution names", () => {
  it("I-095: packaging's project is the one found, or a candidate where an old name is ambiguous", () => {
    const valid = SDISTS.filter((one): one is ValidSdist => one.length > 1);
    ok(valid.length > 50);
    for (const [filename, project, version] of valid) {
      const stem = filename.replace(/\.tar\.gz$|\.zip$/, "");
      const name = stem.slice(0, stem.lastIndexOf("-"));
      if (!/^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/i.test(name)) {
        equal(projectCandidates(filename).includes(project), false, filename);
        continue;
      }
      ok(projectCandidates(filename).includes(project), filename);
      equal(normalizeVersion(parseFilename(filename, name)!.version), version, filename);
      if (/-[0-9]+(\.[0-9]+)+-(beta-)?[0-9]+$/.test(stem)) continue;
      equal(parseFilename(filename)?.project, project, filename);
    }
  });

  it("I-095: the known project tells where an old name with dashes splits", () => {
    equal(parseFilename("foo_bar-1.0.tar.gz")?.project, "foo-bar");
    equal(parseFilename("foo-bar-1.0.tar.gz")?.project, "foo-bar");
    equal(parseFilename("foo-1.0-1.tar.gz")?.version, "1.0-1");
    equal(parseFilename("foo-1.0-rc1.zip")?.version, "1.0-rc1");
    equal(parseFilename("foo-2-1.tar.gz")?.project, "foo-2");
    equal(parseFilename("foo-2-1.tar.gz", "Foo")?.version, "2-1");
    equal(parseFilename("foo-1.0.tar.gz", "bar"), undefined);
    equal(parseFilename("foo-1.0-py3-none-any.whl", "bar"), undefined);
    deepEqual(projectCandidates("python-3-foo-1.0-beta.tar.gz"), [
      "python-3-foo",
      "python",
      "python-3-foo-1-0",
      "python-3",
    ]);
  });

  it("I-097: legacy versions are listed", () => {
    equal(parseFilename("pytz-2004d.tar.gz")?.version, "2004d");
    equal(parseFilename("pytz-2013b-py2.py3-none-any.whl")?.version, "2013b");
    equal(parseFilename("pytz-2004d-py2.py3-none-any.whl")?.version, "2004d");
  });

  it("C-004: the project is in lower case, the file keeps its name", () => {
    const found = parseFilename("Gherkin-0.1.5.tar.gz");
    equal(found?.project, "gherkin");
    equal(found?.filename, "Gherkin-0.1.5.tar.gz");
  });

  it("has a bound on the candidates of a name made of dashes", () => {
    const filename = `${"a-".repeat(100)}1.tar.gz`;
    ok(projectCandidates(filename).length <= 16);
    equal(parseFilename(filename)?.version, "1");
  });
});

describe("other names", () => {
  it("refuses what is no wheel or source distribution", () => {
    for (
      const filename of [
        ...["foo-1.0-py2.7.egg", "foo-1.0.win32.exe", "foo-1.0.rpm", "foo-1.0.tar.gz.asc"],
        ...[
          "README",
          "README.md",
          ".DS_Store",
          "foo.tar.gz",
          "-1.0.tar.gz",
          "foo-.zip",
          ".whl",
          "",
        ],
        ...["foo-1.0-py3-none-any.whl.metadata", "foo-1.0-py3-none-any.WHL", "index.html"],
      ]
    ) {
      equal(parseFilename(filename), undefined, filename);
      deepEqual(projectCandidates(filename), [], filename);
    }
  });

  it("refuses what is no name of a file", () => {
    for (
      const filename of [
        ...["../foo-1.0.tar.gz", "/foo-1.0.tar.gz", "a/foo-1.0-py3-none-any.whl", "foo\\x-1.0.zip"],
        ...["foo\0-1.0.tar.gz", "foo-1.0\n.tar.gz", "foo-1.0\r-py3-none-any.whl", "foo-1/0.zip"],
        ...[
          `${"a".repeat(250)}-1.zip`,
          "foo-1.0 .tar.gz",
          "fóo-1.0.zip",
          "foo-1.0-py3-none-any .whl",
        ],
      ]
    ) {
      equal(parseFilename(filename), undefined, JSON.stringify(filename));
    }
    equal(parseFilename(`${"a".repeat(249)}-1.zip`)?.kind, "sdist");
  });
});

describe("PyPICloud's names", () => {
  const partsOf = (filename: string, project?: string): unknown => {
    const found = parseFilename(filename, project);
    return found && [found.project, found.version];
  };

  it("P-182 P-184: give project and version", () => {
    deepEqual(partsOf("mypkg-1.1.tar.gz"), ["mypkg", "1.1"]);
    deepEqual(partsOf("mypkg-1.1-py2.py3-none-any.whl"), ["mypkg", "1.1"]);
  });

  it("P-183 P-185: without a version, or of an unknown kind, are none", () => {
    equal(partsOf("invalid_package_name.tar.gz"), undefined);
    equal(partsOf("mypkg-1.1.unknown"), undefined);
  });

  it("P-186: are split where the known project ends", () => {
    deepEqual(partsOf("mypkg-1.1.tar.gz", "mypkg"), ["mypkg", "1.1"]);
    deepEqual(partsOf("my-2-pkg-1.1.tar.gz", "my_2.Pkg"), ["my-2-pkg", "1.1"]);
  });

  it("P-187: are normalised", () => {
    equal(normalizeName("repoze.lru"), "repoze-lru");
    deepEqual(partsOf("repoze.lru-0.7.tar.gz"), ["repoze-lru", "0.7"]);
  });

  it("give the kind", () => {
    equal(parseFilename("mypkg-1.1.tar.gz")?.kind, "sdist");
    equal(parseFilename("mypkg-1.1-py2.py3-none-any.whl")?.kind, "wheel");
  });
});
