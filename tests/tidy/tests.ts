/** How tests are written. */

import ts from "typescript";
import { everyLine, everyNode, type Rule } from "./rule.ts";

const isTest = (path: string): boolean => /^tests\/.*_(test|suite)\.ts$/.test(path);
const isPortable = (path: string): boolean => /^tests\/(core|conformance)\/.*\.ts$/.test(path);

/** A test that is narrowed, put off or left out while it runs proves nothing. */
export const narrowed: Rule = {
  name: "no test is narrowed, put off, or skipped while it runs",
  appliesTo: isTest,
  check: everyNode((node) => {
    if (!ts.isCallExpression(node)) return undefined;
    const called = node.expression.getText();
    return /^(describe|it|test|suite)\.(only|todo)$|^(t|context)\.(skip|todo)$/.test(called)
      ? called
      : undefined;
  }),
  bad: [
    ["tests/core/a_test.ts", `it.only("a", () => {});`],
    ["tests/core/a_test.ts", `it("a", (t) => { t.skip("no server"); });`],
  ],
  good: [["tests/core/a_test.ts", `it("only a", { skip: server.missing }, () => {});`]],
};

/** Time in a portable test is a clock that the test moves. */
export const sleeping: Rule = {
  name: "portable tests neither sleep nor read the time nor roll dice",
  appliesTo: isPortable,
  check: everyLine([
    /\b(setTimeout|setInterval)\(/,
    /\b(Date|performance)\.now\(/,
    /\bMath\.random\b/,
  ]),
  bad: [["tests/core/a_test.ts", "await new Promise((resolve) => setTimeout(resolve, 10));"]],
  good: [["tests/core/a_test.ts", "await clock.advance(10);"]],
};
