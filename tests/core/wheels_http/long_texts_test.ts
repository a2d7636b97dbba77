import { equal, match, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import { makeWheel, makeZip, noise } from "../../testing/make_wheel.ts";
import { House } from "./house.ts";

const LONG = "x".repeat(300_000);
const WHEEL = makeWheel({ name: "demo", version: "1.0" });

/** A wheel with this METADATA. */
function wheelOf(metadata: string): typeof WHEEL {
  const text = (content: string): Uint8Array => new TextEncoder().encode(content);
  const folder = "demo-1.0.dist-info";
  const tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
  const bytes = makeZip([
    ["demo/data.bin", noise(400_000, 1)],
    [`${folder}/METADATA`, text(metadata)],
    [`${folder}/WHEEL`, text(tag)],
    [`${folder}/RECORD`, text(`demo/data.bin,,\n${folder}/METADATA,,\n${folder}/WHEEL,,\n`)],
  ]);
  return { ...WHEEL, bytes, metadata };
}

const HEAD = "Metadata-Version: 2.1\nName: demo\n";

describe("a refusal", () => {
  const cases: [string, typeof WHEEL, Record<string, string>, RegExp][] = [
    ["name", WHEEL, { name: LONG }, /^Invalid filename: "demo-1\.0-py3-none-any\.whl" is no name/],
    ["version", WHEEL, { version: `1.0+${LONG}` }, /not of "1\.0\+x+…"/],
    ["filetype", WHEEL, { filetype: LONG }, /^Invalid value for filetype: "x+…" is not/],
    [
      "file name",
      { ...WHEEL, filename: `demo-${LONG.slice(0, 9_000)}.whl` },
      {},
      /"demo-x+…" is no name/,
    ],
    ["metadata line", wheelOf(`${HEAD}Version: 1.0\n${LONG}\n`), {}, /metadata has the line "x+…"/],
    [
      "metadata version",
      wheelOf(`${HEAD}Version: 1.0+${LONG}\n`),
      {},
      /states "demo" version "1\.0\+x+…"/,
    ],
    [
      "metadata name",
      wheelOf(`Metadata-Version: 2.1\nName: ${LONG}\nVersion: 1.0\n`),
      {},
      /states "x+…"/,
    ],
  ];
  for (const [what, wheel, fields, expected] of cases) {
    it(`quotes the beginning of a long ${what}`, async () => {
      const house = new House();
      const response = await house.upload(wheel, fields);
      const text = await response.text();
      equal(response.status, 400, text);
      match(text, expected);
      ok(text.length < 1_000, `${text.length}`);
      const logged = JSON.stringify(house.logged);
      ok(logged.length < 2_000, `${logged.length}`);
    });
  }
});
