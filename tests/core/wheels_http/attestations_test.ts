import { deepEqual, equal, match, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { parseAttestations } from "../../../src/wheels/packages/attestations.ts";
import { Wheelhouse } from "../../../src/wheels/wheelhouse.ts";
import { memoryFiles } from "../../../backends/memory_files.ts";
import { memoryIndex } from "../../../backends/index_memory.ts";
import { makeRegion } from "../../../src/region/region.ts";
import { type MadeWheel, makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { House, type HouseOptions, JSON_TYPE, packagePath } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";

const WHEEL = makeWheel({ name: "demo", version: "1.0" });
const TYPE = "application/vnd.pypi.integrity.v1+json";
const PUBLISH = "https://slsa.dev/provenance/v1";
const PUBLIC = "https://wheels.example/py";

interface Twist {
  readonly name?: string;
  readonly sha256?: string;
  readonly predicateType?: string;
  readonly statement?: Record<string, unknown>;
  readonly facts?: Record<string, unknown>;
}

/** An attestation as signing tools write it; its signature is none, which nobody here judges. */
function attestation(wheel: MadeWheel, sha256: string, twist: Twist = {}): Record<string, unknown> {
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: twist.name ?? wheel.filename, digest: { sha256: twist.sha256 ?? sha256 } }],
    predicateType: twist.predicateType ?? PUBLISH,
    predicate: null,
    ...twist.statement,
  };
  return {
    version: 1,
    verification_material: { certificate: btoa("certificate"), transparency_entries: [{}] },
    envelope: { statement: btoa(JSON.stringify(statement)), signature: btoa("signature") },
    ...twist.facts,
  };
}

async function uploaded(
  house: House,
  attestations: unknown,
  wheel: MadeWheel = WHEEL,
): Promise<Response> {
  return await house.upload(wheel, { attestations: JSON.stringify(attestations) });
}

async function attestedHouse(options: HouseOptions = {}): Promise<[House, string]> {
  const house = new House(options);
  const sha256 = await sha256Of(WHEEL.bytes);
  equal((await uploaded(house, [attestation(WHEEL, sha256)])).status, 200);
  return [house, packagePath(sha256, WHEEL.filename)];
}

describe("attestations", () => {
  it("I-125: of another name or digest are refused, good ones are published", async () => {
    const sha256 = await sha256Of(WHEEL.bytes);
    const wrong: [unknown, RegExp][] = [
      [[attestation(WHEEL, sha256, { sha256: "0".repeat(64) })], /about other content/],
      [[attestation(WHEEL, sha256, { name: "demo-2.0-py3-none-any.whl" })], /not about "demo-1\.0/],
      [[attestation(WHEEL, sha256), attestation(WHEEL, sha256)], /two of them are of type/],
      ["[]", /expected a list/],
    ];
    for (const [attestations, message] of wrong) {
      const house = new House();
      const response = await uploaded(house, attestations);
      equal(response.status, 400);
      match(await response.text(), message);
      equal((await house.files.list({ limit: 10 })).files.length, 0, "nothing is stored");
    }
    const [house, path] = await attestedHouse({ publicUrl: PUBLIC });
    const [file] = (await house.page("demo")).files as unknown as { provenance: string }[];
    equal(file!.provenance, `${PUBLIC}/integrity/demo/1.0/${WHEEL.filename}/provenance`);
    const routes = [`${path}.provenance`, file!.provenance.slice(PUBLIC.length)];
    for (const route of routes) {
      const response = await house.fetch(route, { headers: { accept: TYPE } });
      equal(response.status, 200, route);
      equal(response.headers.get("content-type"), TYPE);
      deepEqual(await response.json(), {
        version: 1,
        attestation_bundles: [{
          publisher: { kind: "cairn" },
          attestations: [attestation(WHEEL, sha256)],
        }],
      });
    }
  });

  it("I-010: are announced by a whole https address, or not where none is known", async () => {
    const [told] = await attestedHouse({ publicUrl: `${PUBLIC}/` });
    const [silent] = await attestedHouse();
    const bare = new House({ publicUrl: PUBLIC });
    await bare.publish({ name: "demo", version: "1.0" });
    const url = `${PUBLIC}/integrity/demo/1.0/${WHEEL.filename}/provenance`;
    for (const accept of [JSON_TYPE, "text/html"]) {
      const textOf = async (house: House): Promise<string> =>
        await (await house.fetch("/simple/demo/", { headers: { accept } })).text();
      match(await textOf(told), new RegExp(`provenance(="|":")${url.replaceAll(".", "\\.")}"`));
      equal((await textOf(silent)).includes("provenance"), false);
      equal((await textOf(bare)).includes("provenance"), false);
    }
    const parts = { index: memoryIndex(), files: memoryFiles(), pages: makeRegion() };
    for (const publicUrl of ["http://wheels.example/", "wheels", "https://a:b@wheels.example/"]) {
      throws(() => new Wheelhouse({ ...parts, publicUrl }), /Cannot use public address/);
    }
  });

  it("are kept through a lost index, but not for a file that took the place of theirs", async () => {
    const [house, path] = await attestedHouse();
    const { clock, files } = house;
    const rebuilt = new House({ clock, files: () => files, publicUrl: PUBLIC });
    equal((await rebuilt.wheelhouse.scan()).skipped, 0);
    equal((await rebuilt.fetch(`${path}.provenance`)).status, 200);
    const other = makeWheel({ name: "demo", version: "1.0", seed: 1 });
    const place = `demo/${WHEEL.filename}`;
    await files.delete(place);
    await clock.advance(1_000);
    const sha256 = await sha256Of(other.bytes);
    const expected = { sizeBytes: other.bytes.length, sha256 };
    await files.put(place, new Blob([other.bytes]).stream(), expected);
    await rebuilt.wheelhouse.scan();
    equal((await rebuilt.fetch(`${packagePath(sha256, WHEEL.filename)}.provenance`)).status, 404);
  });

  it("go with their file", async () => {
    const [house, path] = await attestedHouse();
    await house.wheelhouse.remove(WHEEL.filename);
    equal((await house.fetch(`${path}.provenance`)).status, 404);
    const left = (await house.files.list({ limit: 10 })).files.map((file) => file.path);
    deepEqual(left, [`demo/${WHEEL.filename}.removed`]);
  });

  it("are 404 where there are none, 406 for who wants something else, and hidden with their project", async () => {
    const [house, path] = await attestedHouse();
    const wheel = await house.publish({ name: "other", version: "1.0" });
    const absent = [
      `${wheel.path}.provenance`,
      "/integrity/demo/2.0/demo-1.0-py3-none-any.whl/provenance",
      "/integrity/other/1.0/demo-1.0-py3-none-any.whl/provenance",
      "/integrity/demo/1.0/nothing-1.0.tar.gz/provenance",
    ];
    for (const route of absent) equal((await house.fetch(route)).status, 404, route);
    const html = { headers: { accept: "text/html" } };
    equal((await house.fetch(`${path}.provenance`, html)).status, 406);
    equal((await house.fetch(`${path}.provenance`, { method: "HEAD" })).status, 200);
    const hidden = houseWith({ read: ["user:ann"], write: ["user:ann"] }, {
      index: house.index,
      files: () => house.files,
    });
    equal((await hidden.fetch(`${path}.provenance`, { headers: as("bob") })).status, 404);
    equal((await hidden.fetch(`${path}.provenance`, { headers: as("ann") })).status, 200);
  });

  it("may spell the file's name as builders do", () => {
    const file = { filename: "Foo.Bar-1.0.0-py3-none-any.whl", sha256: "a".repeat(64) };
    const named = (name: string): string =>
      JSON.stringify([attestation({ ...WHEEL, filename: name }, file.sha256)]);
    equal(parseAttestations(named("foo_bar-1.0-py3-none-any.whl"), file).length, 1);
    for (const name of ["foo_bar-1.0.tar.gz", "foo_bar-1.0-1-py3-none-any.whl", "foo-bar", ""]) {
      throws(() => parseAttestations(named(name), file), /not about/, name);
    }
  });

  const unsound: [string, Twist][] = [
    ["version", { facts: { version: 2 } }],
    ["material", { facts: { verification_material: null } }],
    ["certificate", {
      facts: { verification_material: { certificate: "%", transparency_entries: [{}] } },
    }],
    ["entries", {
      facts: { verification_material: { certificate: btoa("c"), transparency_entries: [] } },
    }],
    ["envelope", { facts: { envelope: [] } }],
    ["signature", { facts: { envelope: { statement: btoa("{}") } } }],
    ["statement", { facts: { envelope: { statement: btoa("{"), signature: btoa("s") } } }],
    ["statement's type", { statement: { _type: "other" } }],
    ["statement's kind", { statement: { predicateType: 1 } }],
    ["subject", { statement: { subject: [] } }],
    ["digest", { statement: { subject: [{ name: WHEEL.filename, digest: {} }] } }],
  ];
  for (const [what, twist] of unsound) {
    it(`without a sound ${what} are refused`, () => {
      const file = { filename: WHEEL.filename, sha256: "a".repeat(64) };
      const text = JSON.stringify([attestation(WHEEL, file.sha256, twist)]);
      throws(() => parseAttestations(text, file), { name: "SyntaxError" });
    });
  }
});
