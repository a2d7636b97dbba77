import { equal } from "node:assert/strict";
import { describe, it } from "node:test";
import { isInstalled } from "./setup.ts";

const locked = {
  "": {},
  "node_modules/a": { version: "1.0.0" },
  "node_modules/b-linux": { version: "2.0.0", optional: true },
};

describe("isInstalled", () => {
  it("is content with what the lock asks for, optional packages or not", () => {
    equal(isInstalled(locked, { "node_modules/a": { version: "1.0.0" } }), true);
    const both = {
      "node_modules/a": { version: "1.0.0" },
      "node_modules/b-linux": { version: "2.0.0" },
    };
    equal(isInstalled(locked, both), true);
  });

  it("sees what is missing, of another version, or too much", () => {
    equal(isInstalled(locked, {}), false);
    equal(isInstalled(locked, { "node_modules/a": { version: "1.0.1" } }), false);
    const stale = {
      "node_modules/a": { version: "1.0.0" },
      "node_modules/b-linux": { version: "1.9.0" },
    };
    equal(isInstalled(locked, stale), false);
    const more = { "node_modules/a": { version: "1.0.0" }, "node_modules/c": { version: "1.0.0" } };
    equal(isInstalled(locked, more), false);
  });
});
