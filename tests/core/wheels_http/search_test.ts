import { deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";

import { parseXmlCall, xmlAnswer } from "../../../src/wheels/http/xml_rpc.ts";
import { makeWheel } from "../../testing/make_wheel.ts";
import { type House, postOf, uploadForm } from "./house.ts";
import { as, houseWith } from "./rights_house.ts";

/** The call as Python's xmlrpc.client writes it. */
function callOf(criteria: Record<string, readonly string[]>, operator = "or"): string {
  const members = Object.entries(criteria).map(([name, terms]) => {
    const values = terms.map((term) => `<value><string>${term}</string></value>`).join("\n");
    return `<member>\n<name>${name}</name>\n<value><array><data>\n${values}\n</data></array></value>` +
      "\n</member>";
  });
  const struct = `<struct>\n${members.join("\n")}\n</struct>`;
  return `<?xml version='1.0'?>\n<methodCall>\n<methodName>search</methodName>\n<params>\n<param>\n` +
    `<value>${struct}</value>\n</param>\n<param>\n<value><string>${operator}</string></value>\n` +
    "</param>\n</params>\n</methodCall>\n";
}

async function search(house: House, body: string, name?: string): Promise<Response> {
  const headers = { ...as(name), "content-type": "text/xml; charset=utf-8" };
  return await house.fetch("/pypi/", { method: "POST", body, headers });
}

async function found(house: House, body: string, name?: string): Promise<string[][]> {
  const response = await search(house, body, name);
  equal(response.status, 200);
  match(response.headers.get("content-type")!, /^text\/xml/);
  const xml = await response.text();
  const row = /<struct>(.*?)<\/struct>/g;
  return [...xml.matchAll(row)].map(([, struct]) =>
    [...struct!.matchAll(/<name>(\w+)<\/name><value><string>(.*?)<\/string>/g)].map(([, , text]) =>
      text!
    )
  );
}

async function houseOf(): Promise<House> {
  const house = houseWith({
    read: ["everyone"],
    write: ["user:ann"],
    projects: { "mypkg-secret": { read: ["user:ann"], write: ["user:ann"] } },
  });
  const wheels = [
    { name: "mypkg", version: "1.1" },
    { name: "mypkg", version: "1.2" },
    { name: "mypkg-secret", version: "2.0" },
    { name: "other", version: "3.0", metadata: ["Summary: Fish & <chips>"] },
  ];
  for (const wheel of wheels) {
    const form = await uploadForm(makeWheel(wheel));
    equal((await house.fetch("/legacy/", await postOf(form, as("ann")))).status, 200);
  }
  return house;
}

describe("a search over XML-RPC", () => {
  it("P-077: answers name, version and summary of what matches, and of nothing else", async () => {
    const house = await houseOf();
    const query = callOf({ name: ["mypkg"], summary: ["mypkg"] });
    deepEqual(await found(house, query), [["mypkg", "1.2", ""]]);
    const fish = [["other", "3.0", "Fish &amp; &lt;chips&gt;"]];
    deepEqual(await found(house, callOf({ summary: ["fish &amp; &#60;"] })), fish);
    deepEqual(await found(house, callOf({ name: ["nothing"] })), []);
    deepEqual(await found(house, callOf({})), []);
  });

  it("P-078: hides what its sender may not read", async () => {
    const house = await houseOf();
    const query = callOf({ name: ["secret"] });
    deepEqual(await found(house, query), []);
    deepEqual(await found(house, query, "bob"), []);
    deepEqual(await found(house, query, "ann"), [["mypkg-secret", "2.0", ""]]);
  });

  it("takes a term without a list, and both operators", async () => {
    const house = await houseOf();
    const bare = `<methodCall><methodName>search</methodName><params><param><value><struct>` +
      `<member><name>name</name><value>MYPKG</value></member></struct></value></param></params>` +
      `</methodCall>`;
    deepEqual(await found(house, bare), [["mypkg", "1.2", ""]]);
    deepEqual(await found(house, callOf({ name: ["my", "pkg"] }, "and")), [["mypkg", "1.2", ""]]);
    deepEqual(await found(house, callOf({ name: ["my", "fish"] }, "and")), []);
  });

  it("answers a fault to a call it does not understand", async () => {
    const house = await houseOf();
    const calls: readonly (readonly [string, number])[] = [
      ["<methodCall><methodName>list_packages</methodName></methodCall>", -32_601],
      ["<methodCall><methodName>search</methodName></methodCall>", -32_602],
      [callOf({ name: ["a"] }, "xor"), -32_602],
      [callOf({ name: Array.from({ length: 17 }, () => "a") }), -32_602],
    ];
    for (const [call, code] of calls) {
      const response = await search(house, call);
      equal(response.status, 200);
      ok((await response.text()).includes(`<int>${code}</int>`), call);
    }
  });

  it("refuses what is no call, too large, too deep or has entities of its own", async () => {
    const house = await houseOf();
    const entity = `<!DOCTYPE x [<!ENTITY a "aaaa">]>${callOf({ name: ["&a;"] })}`;
    const deep = `<methodCall>${"<value>".repeat(1_000)}`;
    for (const body of ["", "<a/>", "no xml", deep, entity]) {
      equal((await search(house, body)).status, 400, body.slice(0, 40));
    }
    equal((await search(house, callOf({ name: ["a".repeat(65_536)] }))).status, 413);
  });

  it("a call is read or refused, whatever it is", () => {
    const pieces = fc.array(
      fc.constantFrom(
        "<",
        ">",
        "/",
        "value",
        "array",
        "data",
        "methodCall",
        "methodName",
        "&",
        "a",
      ),
    );
    fc.assert(fc.property(pieces, (parts) => {
      try {
        ok(parseXmlCall(parts.join("")).method !== "");
      } catch (error) {
        ok(error instanceof SyntaxError);
      }
    }));
    throws(() => parseXmlCall("<methodCall/>"), { name: "SyntaxError" });
  });

  it("every text can be written", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (summary) => {
      const xml = xmlAnswer([{ summary }]);
      // deno-lint-ignore no-control-regex -- control characters are what must not be there
      ok(!/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(xml));
      equal(xml.match(/<string>/g)?.length, 1);
    }));
  });
});
