import { equal, match, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import type { AccessOptions } from "../../../src/wheels/http/access.ts";
import { createApp } from "../../../src/wheels/http/app.ts";
import { makeWheel } from "../../testing/make_wheel.ts";
import { House, postOf, uploadForm } from "./house.ts";

const WHEEL = makeWheel({ name: "demo", version: "1.0" });
const PASSWORD = "p:ä ss w0rd";

const USERS: NonNullable<AccessOptions["users"]> = {
  verify: async (name, password) => name === "ann" && password === PASSWORD,
  remembers: async () => false,
};

function basic(name: string, password: string): Record<string, string> {
  const bytes = new TextEncoder().encode(`${name}:${password}`);
  return { authorization: `Basic ${btoa(String.fromCharCode(...bytes))}` };
}

async function post(house: House, headers: Record<string, string>): Promise<Response> {
  return await house.fetch("/legacy/", await postOf(await uploadForm(WHEEL), headers));
}

describe("access", () => {
  it("by default everyone reads and no one uploads", async () => {
    const house = new House({ app: { access: {} } });
    equal((await house.fetch("/simple/")).status, 200);
    const response = await post(house, basic("ann", PASSWORD));
    equal(response.status, 403);
    match(await response.text(), /no users are configured/);
  });

  it("with users, uploads need one of them", async () => {
    const house = new House({ app: { access: { users: USERS } } });
    equal((await house.fetch("/simple/")).status, 200);
    equal((await post(house, {})).status, 401);
    equal((await post(house, basic("ann", "wrong"))).status, 401);
    equal((await post(house, basic("ann", PASSWORD))).status, 200);
    equal((await house.index.fetch(WHEEL.filename))?.uploader, "ann");
  });

  it("I-140: a 401 challenges, a 403 does not", async () => {
    const closed = new House({ app: { access: { users: USERS, open: [] } } });
    const challenge = (await closed.fetch("/simple/")).headers.get("www-authenticate");
    match(challenge!, /^Basic realm="/);
    const refused = await post(new House({ app: { access: {} } }), {});
    equal(refused.status, 403);
    equal(refused.headers.get("www-authenticate"), null);
  });

  it("I-142: each action is open or closed on its own", async () => {
    for (const open of [[], ["list"], ["download"], ["update"], ["list", "update"]] as const) {
      const house = new House({ app: { access: { users: USERS, open } } });
      const isOpen = (action: string): boolean => (open as readonly string[]).includes(action);
      const upload = await post(house, isOpen("update") ? {} : basic("ann", PASSWORD));
      equal(upload.status, 200);
      equal((await post(house, {})).status, isOpen("update") ? 200 : 401);
      equal((await house.fetch("/simple/")).status, isOpen("list") ? 200 : 401);
      equal((await house.fetch("/simple/demo/")).status, isOpen("list") ? 200 : 401);
      const record = await house.index.fetch(WHEEL.filename);
      const key = record!.sha256;
      const path = `/packages/${key.slice(0, 2)}/${key.slice(2, 4)}/${
        key.slice(4)
      }/${WHEEL.filename}`;
      for (const each of [path, `${path}.metadata`]) {
        equal((await house.fetch(each)).status, isOpen("download") ? 200 : 401);
        const known = await house.fetch(each, { headers: basic("ann", PASSWORD) });
        equal(known.status, 200);
      }
    }
  });

  it("I-143: whatever the header holds is a 401 and no failure", async () => {
    const house = new House({ app: { access: { users: USERS, open: [] } } });
    const headers = [
      "Basic",
      "Basic !!!",
      "Basic QQ",
      `Basic ${btoa("no colon")}`,
      `Basic ${btoa("\xff\xfe:x")}`,
      `Basic ${"QUFB".repeat(1_100)}`,
      `Basic ${"QUFB".repeat(5_000)}`,
      "Bearer x",
      "basic",
    ];
    for (const authorization of headers) {
      equal((await house.fetch("/simple/", { headers: { authorization } })).status, 401);
    }
    const known = {
      authorization: basic("ann", PASSWORD).authorization!.replace("Basic", "basic "),
    };
    equal((await house.fetch("/simple/", { headers: known })).status, 200);
  });

  it("I-054: what needed a password is never public", async () => {
    const house = new House({ app: { access: { users: USERS, open: [] } } });
    await post(house, basic("ann", PASSWORD));
    const { sha256 } = (await house.index.fetch(WHEEL.filename))!;
    const file = `/packages/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${
      sha256.slice(4)
    }/${WHEEL.filename}`;
    const paths = ["/simple/", "/simple/demo/", "/simple/Demo/", "/simple/none/", file];
    for (const path of paths) {
      const response = await house.fetch(path, { headers: basic("ann", PASSWORD) });
      match(response.headers.get("cache-control")!, /^private, /, path);
      const refused = await house.fetch(path);
      equal(refused.status, 401);
      equal(refused.headers.get("cache-control"), "no-store");
    }
  });

  it("credentials are in no log line and no answer", async () => {
    const house = new House({ app: { access: { users: USERS, open: [] } } });
    const secret = "s3cr3t-never-shown";
    const headers = basic("ann", secret);
    const answers: string[] = [];
    for (const path of ["/simple/", "/simple/X/", "/legacy/", "/nothing"]) {
      const response = await house.fetch(path, { headers });
      answers.push(await response.text(), ...[...response.headers].flat());
    }
    const text = JSON.stringify([answers, house.logged]);
    ok(!text.includes(secret));
    ok(!text.includes(headers.authorization!.slice(6)));
  });

  it("closing reads without users is refused at construction", () => {
    const { wheelhouse } = new House();
    throws(() => createApp({ wheelhouse, access: { open: ["list"] } }), {
      name: "TypeError",
      message: 'Cannot close "download": no users are configured',
    });
  });
});
