// runs on: deno
/** The settings of the Worker: what it makes of those that make no sense, and of guesses. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import type { CairnServer } from "../clients/cairn_server.ts";
import { startWorker } from "../clients/cairn_worker.ts";
import { makeWheel } from "../testing/make_wheel.ts";

const USERS = `ada:{SHA}${createHash("sha1").update("right").digest("base64")}\n`;

describe("the Worker's settings", () => {
  it("are refused in its log where they make no sense, and nothing is served", async () => {
    const cases: [Record<string, string>, RegExp][] = [
      [{ OPEN: "lst,download" }, /Cannot open \\"lst\\": it is not list, download, update or none/],
      [{ OPEN: "" }, /Cannot open \\"\\"/],
      [{ OPEN: "none" }, /Cannot close \\"list\\": no users are configured/],
      [{ USERS: "no colon" }, /Cannot read users: line 1/],
      [
        { UPSTREAM: "https://x.test/", COOLDOWN_DAYS: "soon" },
        /Cannot hold files back for \\"soon\\"/,
      ],
      [{ UPSTREAM: "https://x.test/", RESERVED: "a*b" }, /Cannot reserve \\"a\*b\\"/],
      [{ UPSTREAM: "https//ann:s3cret@x/" }, /Cannot use upstream: its address is no URL/],
      [{ FALLBACK: "https://ann:s3cret@x/" }, /Cannot use fallback/],
      [{ FALLBACK: "https://x.test/", UPSTREAM: "https://x.test/" }, /Cannot use FALLBACK/],
      [{ ACCESS: "{}" }, /Cannot use rights: they need users/],
      [{ ACCESS: '{"raed":[]}', USERS }, /Cannot read rights: \\"raed\\" is no setting/],
      [{ RULES: '{"deny":{}}' }, /Cannot read rules: \\"deny\\" is no setting/],
      [{ PUBLIC_URL: "http://wheels.example/" }, /Cannot use public address/],
    ];
    for (const [settings, reason] of cases) {
      await using worker = await startWorker(settings);
      for (let round = 0; round < 2; round++) {
        const response = await fetch(`${worker.url}/simple/`);
        equal(response.status, 500);
        equal(response.headers.get("cache-control"), "no-store");
        equal(await response.text(), "The settings of this server are wrong.\n");
      }
      match(worker.output(), reason);
      ok(!worker.output().includes("s3cret"));
    }
  });

  it("open and close what they name", async () => {
    await using worker = await startWorker({ OPEN: " list ", USERS });
    equal(await statusOf(worker, "/simple/"), 200);
    equal(await statusOf(worker, `/packages/aa/bb/${"0".repeat(60)}/a-1.tar.gz`), 401);
  });

  it("lay down rules", async () => {
    const RULES = JSON.stringify({ denied: { evil: "Malware" } });
    await using worker = await startWorker({ RULES, PUBLIC_URL: "https://wheels.example/" });
    const response = await fetch(`${worker.url}/simple/evil/`);
    equal(response.status, 403);
    match(await response.text(), /Malware/);
    equal(await statusOf(worker, "/simple/demo/"), 404);
  });

  it("give rights by project, and PyPICloud's routes with them", async () => {
    const ACCESS = JSON.stringify({ write: ["user:ada"], admins: ["ada"] });
    await using worker = await startWorker({ ACCESS, USERS, FALLBACK: "https://x.test/simple/" });
    const headers = { authorization: `Basic ${btoa("ada:right")}` };
    const { filename, bytes } = makeWheel({ name: "demo", version: "1.0" });
    const path = `/api/package/demo/${filename}`;
    const send = async (init: RequestInit): Promise<number> => {
      const response = await fetch(worker.url + path, init);
      await response.body?.cancel();
      return response.status;
    };
    const form = (): FormData => {
      const made = new FormData();
      made.append("content", new Blob([bytes]), filename);
      return made;
    };
    equal(await send({ method: "POST", body: form() }), 401);
    equal(await send({ method: "POST", body: form(), headers }), 200);
    const listed = await fetch(`${worker.url}/api/package/`, { headers });
    deepEqual(await listed.json(), { packages: ["demo"] });
    deepEqual([await send({}), await send({ headers })], [401, 200]);
    equal(await statusOf(worker, "/admin/rebuild/", headers), 200);
    equal(await send({ method: "DELETE" }), 401);
    equal(await send({ method: "DELETE", headers }), 200);
    equal(await send({ headers }), 404);
    equal(await statusOf(worker, "/simple/demo/", headers), 404);
    const other = await fetch(`${worker.url}/simple/other/`, { redirect: "manual" });
    equal(other.headers.get("location"), "https://x.test/simple/other/");
    await other.body?.cancel();
  });

  it("let it count guesses by the address that the platform tells", async () => {
    await using worker = await startWorker({ OPEN: "none", USERS });
    const ask = (name: string, password: string, address: string): Promise<number> =>
      statusOf(worker, "/simple/", {
        authorization: `Basic ${btoa(`${name}:${password}`)}`,
        "cf-connecting-ip": address,
      });
    for (let guess = 0; guess < 10; guess++) {
      equal(await ask("ada", `wrong ${guess}`, "192.0.2.1"), 401);
    }
    equal(await ask("ada", "right", "192.0.2.1"), 429);
    equal(await ask("ada", "right", "192.0.2.2"), 200);
  });
});

async function statusOf(
  worker: CairnServer,
  path: string,
  headers: Record<string, string> = {},
): Promise<number> {
  const response = await fetch(worker.url + path, { headers });
  await response.body?.cancel();
  return response.status;
}
