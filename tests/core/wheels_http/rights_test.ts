import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { createApp } from "../../../src/wheels/http/app.ts";
import { credentialsOf } from "../../../src/wheels/http/access.ts";
import { Rights } from "../../../src/wheels/users/rights.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { bytesOf, type House, JSON_TYPE, packagePath, postOf, uploadForm } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";
import { TwistedUpstream } from "./upstreams.ts";

const RIGHTS = {
  admins: ["root"],
  groups: { staff: ["ann"] },
  read: ["everyone"],
  write: ["group:staff"],
  projects: {
    "secret": { read: ["group:staff"], write: ["group:staff"] },
    "Locked": { read: ["everyone"], write: ["user:eve"] },
  },
};

async function upload(
  house: House,
  wheel: { name: string; version: string; seed?: number },
  headers: Record<string, string>,
): Promise<Response> {
  const form = await uploadForm(makeWheel(wheel));
  return await house.fetch("/legacy/", await postOf(form, headers));
}

async function listed(house: House, headers: Record<string, string> = {}): Promise<string[]> {
  const response = await house.fetch("/simple/", { headers: { ...headers, accept: JSON_TYPE } });
  match(response.headers.get("cache-control")!, /^private, /);
  return (await response.json()).projects.map(({ name }: { name: string }) => name);
}

describe("rights by project", () => {
  it("P-079: the list has only what its reader may read, and nobody else gets it", async () => {
    const house = houseWith(RIGHTS);
    for (const name of ["secret", "demo"]) {
      equal((await upload(house, { name, version: "1.0" }, as("ann"))).status, 200);
    }
    deepEqual(await listed(house), ["demo"]);
    deepEqual(await listed(house, as("bob")), ["demo"]);
    deepEqual(await listed(house, as("ann")), ["demo", "secret"]);
    deepEqual(await listed(house, as("root")), ["demo", "secret"]);
    const packed = await house.fetch("/simple/", { headers: { "accept-encoding": "gzip" } });
    equal(packed.headers.get("content-encoding"), "gzip");
    const html = new Response(packed.body!.pipeThrough(new DecompressionStream("gzip")));
    ok(!(await html.text()).includes("secret"));
  });

  it("pages, files and metadata are there for those who may read them", async () => {
    const house = houseWith(RIGHTS);
    const wheel = makeWheel({ name: "secret", version: "1.0" });
    await upload(house, { name: "secret", version: "1.0" }, as("ann"));
    const file = packagePath(await sha256Of(wheel.bytes), wheel.filename);
    for (const path of ["/simple/secret/", file, `${file}.metadata`]) {
      const statuses = await Promise.all(
        [undefined, "bob", "ann", "root"].map(async (name) =>
          (await house.fetch(path, { headers: as(name) })).status
        ),
      );
      deepEqual(statuses, [401, 404, 200, 200], path);
    }
    const mine = await house.fetch(file, { headers: as("ann") });
    match(mine.headers.get("cache-control")!, /^private, /);
    deepEqual(await bytesOf(mine), wheel.bytes);
  });

  it("P-075 P-177 P-178: who may not write is asked for a password, or refused", async () => {
    const house = houseWith(RIGHTS);
    const demo = { name: "demo", version: "1.0" };
    const anonymous = await upload(house, demo, {});
    equal(anonymous.status, 401);
    match(anonymous.headers.get("www-authenticate")!, /^Basic realm="/);
    const known = await upload(house, demo, as("bob"));
    equal(known.status, 403);
    equal(known.headers.get("www-authenticate"), null);
    equal((await upload(house, demo, as("ann"))).status, 200);
    deepEqual(await house.index.distinct(), ["demo"]);
  });

  it("who may write somewhere is held to it by the name in the archive", async () => {
    const house = houseWith(RIGHTS);
    equal((await upload(house, { name: "demo", version: "1.0" }, as("eve"))).status, 403);
    const refused = await upload(house, { name: "LOCKED", version: "1.0" }, as("ann"));
    equal(refused.status, 403);
    match(await refused.text(), /'ann' is not allowed to upload to project 'locked'/);
    equal((await upload(house, { name: "LOCKED", version: "1.0" }, as("eve"))).status, 200);
    equal((await upload(house, { name: "locked", version: "1.0" }, as("ann"))).status, 403);
    deepEqual(await house.index.distinct(), ["locked"]);
    equal((await house.files.list({ limit: 10 })).files.length, 2);
  });

  it("PX-16: no spelling of a name gets past its rule", async () => {
    const rules = { "my-pkg": { read: ["user:eve"], write: ["user:eve"] } };
    const house = houseWith({ read: ["everyone"], write: ["everyone"], projects: rules });
    for (const name of ["my-pkg", "My_Pkg", "MY.pkg", "my__pkg"]) {
      equal((await upload(house, { name, version: "1.0" }, as("ann"))).status, 403, name);
    }
    equal((await upload(house, { name: "My_Pkg", version: "1.0" }, as("eve"))).status, 200);
    for (const path of ["/simple/my-pkg/", "/simple/My_Pkg/", "/simple/MY.pkg/"]) {
      const response = await house.fetch(path, { headers: as("ann") });
      const location = response.headers.get("location") ?? "../my-pkg/";
      equal(location, "../my-pkg/");
      ok(response.status === 404 || response.status === 301, path);
    }
    deepEqual(await listed(house, as("ann")), []);
  });

  it("a hidden name never reaches the upstream, nor a file behind it", async () => {
    const upstream = new TwistedUpstream();
    const wheel = await upstream.house.publish({ name: "secret", version: "9.0" });
    const house = houseWith(RIGHTS, { upstream });
    for (const path of ["/simple/secret/", wheel.path, `${wheel.path}.metadata`]) {
      equal((await house.fetch(path, { headers: as("bob") })).status, 404, path);
    }
    equal(upstream.asked.length, 0);
  });
});

describe("credentials", () => {
  const encoded = btoa("ann:n:na");

  it("P-171: no header holds none", () => equal(credentialsOf(null), undefined));
  it("P-172: a header without a blank holds none", () => {
    equal(credentialsOf(`Basic${encoded}`), undefined);
  });
  it("P-173: another scheme holds none", () => {
    equal(credentialsOf(`Digest ${encoded}`), undefined);
  });
  it("P-174: what is not base64 holds none", () =>
    equal(credentialsOf("Basic ann:nna"), undefined));
  it("P-175: a text without a colon holds none", () => {
    equal(credentialsOf(`Basic ${btoa("ann")}`), undefined);
  });
  it("P-176: a sound one holds the name and the password", () => {
    deepEqual(credentialsOf(`Basic ${encoded}`), { name: "ann", password: "n:na" });
  });

  it("P-179 P-180: none and wrong ones make no user, who may do what everyone may", async () => {
    const house = houseWith(RIGHTS);
    await upload(house, { name: "demo", version: "1.0" }, as("ann"));
    await upload(house, { name: "secret", version: "1.0" }, as("ann"));
    const wrong = { authorization: `Basic ${btoa("ann:wrong")}` };
    for (const headers of [{}, wrong]) {
      deepEqual(await listed(house, headers), ["demo"]);
      equal((await house.fetch("/simple/demo/", { headers })).status, 200);
      equal((await house.fetch("/simple/secret/", { headers })).status, 401);
    }
  });

  it("right ones make the user", async () => {
    const house = houseWith(RIGHTS);
    equal((await upload(house, { name: "demo", version: "1.0" }, as("ann"))).status, 200);
    equal((await house.index.all("demo")).files[0]?.uploader, "ann");
  });

  it("guessing is stopped with rights, too", async () => {
    const house = houseWith(RIGHTS);
    const wrong = { authorization: `Basic ${btoa("ann:wrong")}` };
    const statuses = new Set<number>();
    for (let guess = 0; guess < 50; guess++) {
      statuses.add((await house.fetch("/simple/secret/", { headers: wrong })).status);
    }
    deepEqual([...statuses], [401, 429]);
  });

  it("rights need users, and are not said twice", () => {
    const { wheelhouse } = houseWith({});
    const rights = new Rights({});
    const users = { verify: async () => true, remembers: async () => true };
    for (const access of [{ rights }, { rights, users, open: ["list"] as const }]) {
      throws(() => createApp({ wheelhouse, access }), { name: "TypeError", message: /rights/ });
    }
  });
});
