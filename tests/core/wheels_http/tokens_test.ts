import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { Rights } from "../../../src/wheels/users/rights.ts";
import { type TokenOptions, Tokens } from "../../../src/wheels/users/tokens.ts";
import { parseTokens } from "../../../src/wheels/users/tokens_text.ts";
import type { AccessOptions } from "../../../src/wheels/http/access.ts";
import { makeWheel, sha256Of } from "../../testing/make_wheel.ts";
import { House, postOf, uploadForm } from "./house.ts";

type Facts = Omit<TokenOptions, "sha256">;

/** Tokens whose secret is their name with `-secret` behind it. */
async function tokensOf(facts: Readonly<Record<string, Facts>>): Promise<Tokens> {
  const options: Record<string, TokenOptions> = {};
  for (const [name, fact] of Object.entries(facts)) {
    options[name] = {
      ...fact,
      sha256: await sha256Of(new TextEncoder().encode(`${name}-secret`)),
    };
  }
  return new Tokens(options);
}

function as(token: string): Record<string, string> {
  return { authorization: `Basic ${btoa(`__token__:${token}-secret`)}` };
}

async function houseOf(
  facts: Readonly<Record<string, Facts>>,
  access: Partial<AccessOptions> = { open: [] },
): Promise<House> {
  return new House({ app: { access: { tokens: await tokensOf(facts), ...access } } });
}

async function uploadStatus(house: House, token: string, name: string): Promise<number> {
  const form = await uploadForm(makeWheel({ name, version: "1.0" }));
  return (await house.fetch("/legacy/", await postOf(form, as(token)))).status;
}

describe("tokens", () => {
  it("I-141: are good for their scopes, and for their projects only", async () => {
    const house = await houseOf({
      ci: { scopes: ["upload"], projects: ["Acme.*", "demo"] },
      all: { scopes: ["read", "upload"] },
      reader: { scopes: ["read"] },
      narrow: { scopes: ["read"], projects: ["demo"] },
      boss: { scopes: ["admin"] },
    });
    const uploads: [string, string, number][] = [
      ...[["ci", "acme-tool", 200], ["ci", "demo", 200], ["ci", "other", 403]] as const,
      ...[["all", "other", 200], ["reader", "more", 403], ["boss", "more", 200]] as const,
      ...[["narrow", "demo", 403], ["nobody", "demo", 401]] as const,
    ].map(([token, name, status]) => [token, name, status]);
    for (const [token, name, status] of uploads) {
      equal(await uploadStatus(house, token, name), status, `${token} to ${name}`);
    }
    const reads: [string, string, number][] = [
      ["reader", "demo", 200],
      ["narrow", "demo", 200],
      ["narrow", "other", 404],
      ["boss", "other", 200],
      ["ci", "demo", 403],
      ["nobody", "demo", 401],
    ];
    for (const [token, name, status] of reads) {
      const response = await house.fetch(`/simple/${name}/`, { headers: as(token) });
      equal(response.status, status, `${token} reads ${name}`);
      match(response.headers.get("cache-control")!, /private|no-store/);
    }
    const listed = await house.fetch("/simple/", { headers: as("narrow") });
    deepEqual((await listed.text()).match(/href="[^"]+"/g), ['href="demo/"']);
    equal((await house.index.fetch("demo-1.0-py3-none-any.whl"))?.uploader, "ci");
  });

  it("I-141: stand beside users, and take the place of none of their rights", async () => {
    const house = await houseOf({ ci: { scopes: ["upload"], projects: ["demo"] } }, {
      users: {
        verify: (_, password) => Promise.resolve(password === "right"),
        remembers: async () => false,
      },
      rights: new Rights({ read: ["everyone"], write: ["user:ann"], admins: ["root"] }),
    });
    equal(await uploadStatus(house, "ci", "demo"), 200);
    equal(await uploadStatus(house, "ci", "other"), 403);
    equal((await house.fetch("/simple/demo/")).status, 200);
    const remove = async (headers: Record<string, string>): Promise<number> =>
      (await house.fetch("/api/package/demo/demo-1.0-py3-none-any.whl/", {
        method: "DELETE",
        headers,
      })).status;
    equal(await remove(as("ci")), 403, "deleting takes the scope admin");
    equal(await remove({ authorization: `Basic ${btoa("root:right")}` }), 200);
  });

  it("are guessed no more often than passwords", async () => {
    const house = await houseOf({ ci: { scopes: ["read"] } });
    const statuses: number[] = [];
    for (let guess = 0; guess < 12; guess++) {
      statuses.push((await house.fetch("/simple/", { headers: as(`guess${guess}`) })).status);
    }
    deepEqual([statuses[0], statuses.at(-1)], [401, 429]);
    equal(
      (await house.fetch("/simple/", { headers: as("ci") })).status,
      200,
      "a right one is right",
    );
  });

  it("are in no log and no answer", async () => {
    const house = await houseOf({ ci: { scopes: ["read"] } });
    const answers = [
      await house.fetch("/simple/", { headers: as("ci") }),
      await house.fetch("/simple/", { headers: as("wrong") }),
    ];
    for (const response of answers) {
      const told = `${await response.text()}${JSON.stringify([...response.headers])}`;
      equal(told.includes("secret"), false);
    }
    equal(JSON.stringify(house.logged).includes("secret"), false);
  });
});

describe("tokens as a text", () => {
  const SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

  it("are those of the object", async () => {
    const text = `{ "ci": { "sha256": "${SHA256.toUpperCase()}", "scopes": ["upload"] } }`;
    equal((await parseTokens(text).bearerOf("test"))?.name, "ci");
    await rejects(async () => await parseTokens("[").bearerOf("test"), { name: "SyntaxError" });
  });

  const cases: [string, RegExp][] = [
    ["[]", /"tokens" is no object/],
    ['{ "ci": 1 }', /"ci" is no object/],
    ['{ "ci": {} }', /"ci" has no "sha256"/],
    [`{ "ci": { "sha256": "${SHA256}" } }`, /"ci" has no "scopes"/],
    ['{ "ci": { "sha256": "1", "scopes": ["read"] } }', /its SHA-256 is no 64/],
    [`{ "ci": { "sha256": "${SHA256}", "scopes": [] } }`, /it has no scope/],
    [`{ "ci": { "sha256": "${SHA256}", "scopes": ["write"] } }`, /"write" is no scope/],
    [`{ "ci": { "sha256": "${SHA256}", "scopes": "read" } }`, /"ci.scopes" is no list/],
    [`{ "ci": { "sha256": "${SHA256}", "scopes": ["read"], "project": [] } }`, /"ci.project"/],
    [
      `{ "ci": { "sha256": "${SHA256}", "scopes": ["read"], "projects": ["a*b"] } }`,
      /Cannot use token "ci" for "a\*b"/,
    ],
    [
      `{ "a": { "sha256": "${SHA256}", "scopes": ["read"] }, "b": { "sha256": "${SHA256}", "scopes": ["read"] } }`,
      /"b": another one has its SHA-256/,
    ],
  ];
  for (const [text, message] of cases) {
    it(`are refused: ${text.replace(SHA256, "…")}`, () => throws(() => parseTokens(text), message));
  }
});
