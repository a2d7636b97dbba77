import { deepEqual, equal, notDeepEqual, notEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";

describe("node:assert/strict, as the tests import it,", () => {
  it("tells a number from its text", () => {
    throws(() => equal(1 as unknown, "1"));
    throws(() => deepEqual([1] as unknown, ["1"]));
    notEqual(1 as unknown, "1");
    notDeepEqual([1] as unknown, ["1"]);
  });

  it("tells undefined from null, and 0 from -0", () => {
    throws(() => equal(null as unknown, undefined));
    throws(() => deepEqual([null] as unknown, [undefined]));
    throws(() => deepEqual({ a: 0 }, { a: -0 }));
  });
});
