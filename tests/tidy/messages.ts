/** How errors speak. */

import ts from "typescript";
import { everyNode, type Rule } from "./rule.ts";
import { isShipped } from "./source.ts";

const CONTRACTION = /\b(can't|cannot't|don't|doesn't|isn't|aren't|won't|couldn't|wasn't|it's)\b/i;

/** Action, colon, state: a sentence without a full stop. */
export const messages: Rule = {
  name: "error messages are in sentence case, with no full stop and no contraction",
  appliesTo: isShipped,
  check: everyNode((node) => {
    const text = messageOf(node);
    if (text === undefined) return undefined;
    const isWrong = (isThrown(node) && /^[a-z]/.test(text)) || /[^.]\.$/.test(text) ||
      CONTRACTION.test(text);
    return isWrong ? `"${text}"` : undefined;
  }),
  bad: [
    ["src/hash/a.ts", `throw new RangeError("bad key");`],
    ["src/hash/a.ts", `throw new RangeError("The key is bad.");`],
    ["src/hash/a.ts", "throw new RangeError(`Can't use ${key}`);"],
  ],
  good: [
    ["src/hash/a.ts", 'throw new RangeError(`Cannot use the key: "${key}" is empty`);'],
    ["src/hash/a.ts", "throw new RangeError(`${name} must be positive`);"],
    ["src/hash/a.ts", "throw error;"],
    ["backends/a.ts", `throw new Error("nothing more could be written");`],
  ],
};

/** A plain Error is the state in the message of the error that carries it as its cause. */
function isThrown(node: ts.Node): boolean {
  return ts.isThrowStatement(node.parent) && !node.getText().startsWith("new Error(");
}

/** The literal message of `new SomeError("…")`; a template's expressions read as nothing. */
function messageOf(node: ts.Node): string | undefined {
  if (!ts.isNewExpression(node) || !/^(Type|Range|Syntax)?Error$/.test(node.expression.getText())) {
    return undefined;
  }
  const [first] = node.arguments ?? [];
  if (!first) return undefined;
  if (ts.isStringLiteralLike(first)) return first.text;
  if (!ts.isTemplateExpression(first)) return undefined;
  const spans = first.templateSpans.map(({ literal }) => literal.text);
  return `${first.head.text}${first.head.text === "" ? "A" : ""}${spans.join("\u2026")}`;
}
