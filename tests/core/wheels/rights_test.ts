import { deepEqual, equal, throws } from "node:assert/strict";
import { describe, it } from "node:test";

import { type Right, Rights, type RightsOptions } from "../../../src/wheels/users/rights.ts";
import { parseRights } from "../../../src/wheels/users/rights_text.ts";

const RIGHTS: readonly Right[] = ["read", "write", "delete"];

function rightsOf(options: RightsOptions, name: string | undefined, project = "demo"): Right[] {
  const rights = new Rights(options);
  return RIGHTS.filter((right) => rights.may(name, right, project));
}

describe("rights", () => {
  it("without settings, who has a password reads, and nobody writes", () => {
    deepEqual(rightsOf({}, undefined), []);
    deepEqual(rightsOf({}, "ann"), ["read"]);
    equal(new Rights({}).mayFill(undefined), false);
    equal(new Rights({}).mayFill("ann"), true);
  });

  it("each principal stands for whom it says", () => {
    const groups = { staff: ["ann", "bob"], guests: ["eve"] };
    const cases: readonly (readonly [string, readonly (string | undefined)[]])[] = [
      ["everyone", [undefined, "ann", "bob", "eve", "everyone"]],
      ["authenticated", ["ann", "bob", "eve", "everyone"]],
      ["user:ann", ["ann"]],
      ["group:staff", ["ann", "bob"]],
      ["group:guests", ["eve"]],
    ];
    for (const [principal, expected] of cases) {
      const rights = new Rights({ groups, read: [principal] });
      const found = [undefined, "ann", "bob", "eve", "everyone"]
        .filter((name) => rights.may(name, "read", "demo"));
      deepEqual(found, expected, principal);
    }
  });

  it("a project's rule takes the place of the defaults entirely, in any spelling", () => {
    const options: RightsOptions = {
      read: ["everyone"],
      write: ["authenticated"],
      projects: { "Acme_.Tool": { read: ["user:ann"] } },
    };
    deepEqual(rightsOf(options, "bob", "acme-tool"), []);
    deepEqual(rightsOf(options, "ann", "acme-tool"), ["read"]);
    deepEqual(rightsOf(options, "bob", "other"), ["read", "write", "delete"]);
    equal(new Rights(options).hasRuleOf("acme-tool"), true);
    equal(new Rights(options).hasRuleOf("other"), false);
  });

  it("who deletes must be named twice: among the writers and among those who delete", () => {
    const write = ["user:ann", "user:bob"];
    deepEqual(rightsOf({ write, delete: ["user:bob", "user:eve"] }, "ann"), ["read", "write"]);
    deepEqual(rightsOf({ write, delete: ["user:bob", "user:eve"] }, "bob"), [...RIGHTS]);
    deepEqual(rightsOf({ write, delete: ["user:bob", "user:eve"] }, "eve"), ["read"]);
    deepEqual(rightsOf({ write, delete: [] }, "bob"), ["read", "write"]);
  });

  it("admins may do everything, and nobody is one by having no name", () => {
    const options: RightsOptions = {
      admins: ["root"],
      read: [],
      delete: [],
      projects: { demo: {} },
    };
    deepEqual(rightsOf(options, "root"), [...RIGHTS]);
    deepEqual(rightsOf(options, "ann"), []);
    equal(new Rights(options).isAdmin(undefined), false);
    equal(new Rights(options).mayReadAll("root"), true);
    equal(new Rights(options).mayWriteSome("root"), true);
  });

  it("tells whether all may be read and something written", () => {
    const some = new Rights({ read: ["everyone"], projects: { a: { write: ["user:ann"] } } });
    equal(some.mayReadAll("ann"), false);
    equal(new Rights({ read: ["everyone"] }).mayReadAll(undefined), true);
    equal(some.mayWriteSome("ann"), true);
    equal(some.mayWriteSome("bob"), false);
  });

  it("names such as constructor and __proto__ are names like others", () => {
    deepEqual(rightsOf({ groups: { staff: ["ann"] }, read: ["group:staff"] }, "constructor"), []);
    deepEqual(rightsOf({ projects: { demo: { read: ["everyone"] } } }, "ann", "constructor"), [
      "read",
    ]);
  });

  it("a setting that makes no sense is refused", () => {
    const wrong: readonly RightsOptions[] = [
      { read: ["all"] },
      { read: ["group:nobody"] },
      { write: ["user:"] },
      { projects: { "a b": {} } },
      { projects: { "my-pkg": {}, "My.Pkg": {} } },
      { projects: { demo: { write: ["ann"] } } },
    ];
    for (const options of wrong) throws(() => new Rights(options), { name: "TypeError" });
  });
});

describe("rights as a text", () => {
  it("are those of the object", () => {
    const options: RightsOptions = {
      groups: { staff: ["ann"] },
      admins: ["root"],
      read: ["everyone"],
      write: ["group:staff"],
      delete: [],
      fill: [],
      projects: { demo: { read: ["group:staff"] } },
    };
    const rights = parseRights(`\ufeff${JSON.stringify(options)}`);
    equal(rights.may("ann", "write", "other"), true);
    equal(rights.may("ann", "delete", "other"), false);
    equal(rights.may(undefined, "read", "demo"), false);
    equal(rights.mayFill("ann"), false);
    equal(rights.isAdmin("root"), true);
  });

  it("what is not understood is refused, and said", () => {
    const cases: readonly (readonly [string, RegExp])[] = [
      ["", /no JSON/],
      ["[]", /"rights" is no object/],
      ["null", /"rights" is no object/],
      ['{"raed":[]}', /"raed" is no setting/],
      ['{"read":"everyone"}', /"read" is no list/],
      ['{"read":[1]}', /"read" is no list/],
      ['{"groups":{"a":"ann"}}', /"groups.a" is no list/],
      ['{"projects":[]}', /"projects" is no object/],
      ['{"projects":{"a":{"delete":[]}}}', /"projects.a.delete" is no setting/],
      ['{"projects":{"a":{"read":{}}}}', /"projects.a.read" is no list/],
      ['{"projects":{"a":null}}', /"projects.a" is no object/],
    ];
    for (const [text, message] of cases) throws(() => parseRights(text), { message });
  });
});
