import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, it } from "node:test";

import FORMS from "../../vectors/upload_forms.json" with { type: "json" };
import { House } from "./house.ts";

type Form = (typeof FORMS)[number];

const FILES = ["formed-1.0-py3-none-any.whl", "formed-1.0.tar.gz"];

function bytesIn(form: Form): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(form.body), (character) => character.charCodeAt(0));
}

/** A house that takes uploads of ada, whose password the recorded clients were given. */
function houseOfAda(): House {
  const verify = (name: string, password: string): Promise<boolean> =>
    Promise.resolve(name === "ada" && password === "correct horse");
  return new House({
    app: { access: { users: { verify, remembers: () => Promise.resolve(false) } } },
    publicUrl: "https://wheels.example/",
  });
}

async function replay(house: House, form: Form): Promise<number> {
  const { path, headers } = form;
  const response = await house.fetch(path, { method: "POST", headers, body: bytesIn(form) });
  return response.status;
}

/** Has a tool upload its two files, and checks that they are there as they were sent. */
async function uploadedBy(tool: string): Promise<House> {
  const house = houseOfAda();
  const forms = FORMS.filter((form) => form.tool === tool);
  equal(forms.length, 2);
  for (const form of forms) equal(await replay(house, form), 200, tool);
  const { files, versions } = await house.page("formed");
  deepEqual(versions, ["1.0"]);
  deepEqual(files.map(({ filename }) => filename).sort(), FILES);
  for (const { filename, hashes } of files) {
    const record = await house.index.fetch(filename);
    equal(record?.uploader, "ada");
    equal(record?.requiresPython, ">=3.8");
    equal(record?.sha256, hashes.sha256);
  }
  for (const form of forms) {
    equal(await replay(house, form), 200, "once more is a success");
    const { authorization: _, ...headers } = form.headers as Record<string, string>;
    equal(await replay(house, { ...form, headers } as Form), 401);
  }
  return house;
}

describe("uploads as they were recorded", () => {
  it("I-099: twine 4.0.2 sends a wheel and a source distribution with a password", async () => {
    await uploadedBy("twine 4.0.2");
  });

  it("I-100: poetry 1.3.2, flit 3.8.0 and pdm 2.2.1 send the same project", async () => {
    const digests = new Set<string>();
    for (const tool of ["poetry 1.3.2", "flit 3.8.0", "pdm 2.2.1"]) {
      const house = await uploadedBy(tool);
      const { files } = await house.page("formed");
      digests.add(files.map(({ hashes }) => hashes.sha256).join());
    }
    equal(digests.size, 1, "to the byte");
  });

  it("I-101: uv 0.12.24 sends its attestations behind the file", async () => {
    const forms = FORMS.filter(({ tool }) => tool === "uv 0.12.24");
    for (const form of forms) {
      const text = new TextDecoder("latin1").decode(bytesIn(form));
      ok(text.indexOf('name="attestations"') > text.indexOf('name="content"'));
    }
    const house = await uploadedBy("uv 0.12.24");
    const { files } = await house.page("formed") as unknown as {
      files: { provenance?: string }[];
    };
    for (const { provenance = "" } of files) {
      const response = await house.fetch(new URL(provenance).pathname);
      equal(response.status, 200, provenance);
    }
  });
});
