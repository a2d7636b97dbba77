import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";

import { memoryFiles } from "../../../backends/memory_files.ts";
import type { FileStore } from "../../../src/contracts/file_store.ts";
import { sha256Of } from "../../testing/make_wheel.ts";
import { zipOf, type ZipSpec } from "../../testing/zip_builder.ts";
import { bytesOf, House, packagePath } from "./house.ts";
import { bound, jsonAnswer, settled } from "./upstreams.ts";

const FILENAME = "demo-1.0-py3-none-any.whl";
const FOLDER = "demo-1.0.dist-info";
const TEXT = "Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n";
const CODE: ZipSpec = { path: "demo/__init__.py", content: "x = 1\n" };
const META: ZipSpec = { path: `${FOLDER}/METADATA`, content: TEXT };
const REST: readonly ZipSpec[] = [
  { path: `${FOLDER}/WHEEL`, content: "Wheel-Version: 1.0\n" },
  { path: `${FOLDER}/RECORD`, content: "" },
];

const ODD: [string, readonly ZipSpec[]][] = [
  ["two dist-info folders", [CODE, META, ...REST, { path: "demo-2.0.dist-info/METADATA" }]],
  ["another project's dist-info folder", [
    ...[CODE, META, ...REST].map((spec) => ({
      ...spec,
      path: spec.path.replace("demo-", "else-"),
    })),
  ]],
  ["encrypted metadata", [CODE, { ...META, flags: 1 }, ...REST]],
  ["sizes that lie", [
    CODE,
    { ...META, directory: { contentBytes: TEXT.length + 1 }, local: { contentBytes: 1 } },
    ...REST,
  ]],
];

describe("a wheel whose metadata nobody should believe", () => {
  for (const [what, specs] of ODD) {
    it(`I-083: ${what}: refused as an upload, served without metadata, and not read again`, async () => {
      const bytes = new Uint8Array(await zipOf(specs));
      const sha256 = await sha256Of(bytes);
      const wheel = { filename: FILENAME, bytes, metadata: TEXT };
      const refused = await new House().upload(wheel);
      equal(refused.status, 400);

      let reads = 0;
      const house = new House({
        files: (clock): FileStore => {
          const store = memoryFiles({ clock });
          const read: FileStore["read"] = (path, range) => {
            reads++;
            return store.read(path, range);
          };
          return { ...bound(store), read };
        },
        upstream: {
          fetch: (url) => {
            const file = {
              filename: FILENAME,
              url: FILENAME,
              hashes: { sha256 },
              size: bytes.length,
            };
            const page = { meta: { "api-version": "1.1" }, name: "demo", versions: ["1.0"] };
            return Promise.resolve(
              url.endsWith("/demo/") ? jsonAnswer({ ...page, files: [file] }) : new Response(bytes),
            );
          },
        },
      });
      const path = packagePath(sha256, FILENAME);
      deepEqual(await bytesOf(await house.fetch(path)), bytes);
      await settled(house);
      const readOnce = reads;
      for (let round = 0; round < 3; round++) {
        equal((await house.page("demo")).files[0]!["core-metadata"], false);
        equal((await house.fetch(`${path}.metadata`)).status, 404);
      }
      equal((await house.wheelhouse.scan()).unchanged, 1);
      equal(reads, readOnce + 3, "only the mark of a deletion was looked for");
    });
  }
});
