/** How long files and functions may be. */

import ts from "typescript";
import { everyNode, type Rule } from "./rule.ts";
import { isShipped, isTypeScript, linesOf, nodesOf, type Source } from "./source.ts";

const FILE_LINES = 400;
const FUNCTION_LINES = 70;

/** Files end before a reader's patience does. */
export const fileLength: Rule = {
  name: `files have at most ${FILE_LINES} lines`,
  appliesTo: (path) => path.endsWith(".ts"),
  check: ({ text }) => {
    const lines = text.trimEnd().split("\n").length;
    return lines > FILE_LINES ? [`1: ${lines} lines`] : [];
  },
  bad: [["src/hash/a.ts", "const a = 1;\n".repeat(FILE_LINES + 1)]],
  good: [["src/hash/a.ts", "const a = 1;\n".repeat(FILE_LINES)]],
};

/** No function is long, and a class is no function. */
export const functionLength: Rule = {
  name: `functions have at most ${FUNCTION_LINES} lines`,
  appliesTo: isTypeScript,
  check: everyNode((node, source) => {
    if (!isMeasured(node, source)) return undefined;
    const lines = linesOf(source, node);
    return lines > FUNCTION_LINES ? `${lines} lines` : undefined;
  }),
  bad: [
    ["src/hash/a.ts", functionOf(FUNCTION_LINES + 1)],
    ["src/hash/a.ts", `class A {\n  ${functionOf(FUNCTION_LINES + 1).replace("function ", "")}\n}`],
    ["tests/run/a.ts", functionOf(FUNCTION_LINES + 1)],
  ],
  good: [
    ["src/hash/a.ts", functionOf(FUNCTION_LINES)],
    ["tests/core/a_test.ts", `describe("a", ${functionOf(FUNCTION_LINES + 1)});`],
  ],
};

/** The lengths of all functions of the shipped code, in lines, shortest first. */
export function functionLengths(sources: readonly Source[]): number[] {
  return sources
    .filter(({ path }) => isShipped(path))
    .flatMap((source) =>
      [...nodesOf(source.tree)].filter(isFunction).map((node) => linesOf(source, node))
    )
    .sort((a, b) => a - b);
}

/** In tests the function handed to `describe` or `it` is a chapter, not a function. */
function isMeasured(node: ts.Node, { path }: Source): boolean {
  if (!isFunction(node)) return false;
  const isCallback = ts.isArrowFunction(node) || ts.isFunctionExpression(node);
  return isShipped(path) || !isCallback;
}

function isFunction(node: ts.Node): boolean {
  return ts.isFunctionLike(node) && "body" in node && node.body !== undefined;
}

function functionOf(lines: number): string {
  return `function f() {\n${"  g();\n".repeat(lines - 2)}}`;
}
