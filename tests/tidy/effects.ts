/** Time, chance, the network and the runtime enter by constructor, never by name. */

import ts from "typescript";
import { everyNode, type Rule } from "./rule.ts";
import { isCore } from "./source.ts";

const OWNERS = ["src/contracts/clock.ts", "src/contracts/random.ts"];

const TIMERS = ["setTimeout", "setInterval", "setImmediate"];
const RUNTIMES = ["Deno", "process", "Bun", "Buffer", "require", "__dirname", "__filename"];
const MEMBERS = ["Date.now", "Math.random", "performance.now"];

/** Only the owners of an effect touch the platform. */
export const effects: Rule = {
  name: "time, timers, chance and fetch are handed in",
  appliesTo: (path) => isCore(path) && !OWNERS.includes(path),
  check: everyNode((node) => {
    const name = effectOf(node);
    return name ? `"${name}"` : undefined;
  }),
  bad: [
    ["src/region/a.ts", "const now = Date.now();"],
    ["src/region/a.ts", "const started = performance.now();"],
    ["src/region/a.ts", "const at = new Date();"],
    ["src/memory/a.ts", "setTimeout(sweep, 10);"],
    ["src/memory/a.ts", "globalThis.setInterval(sweep, 10);"],
    ["src/region/a.ts", "const chance: () => number = Math.random;"],
    ["src/wheels/a.ts", "const response = await fetch(url);"],
    ["src/wheels/a.ts", "const get = options.fetch ?? fetch;"],
    ["src/wheels/a.ts", "const get = options.fetch ?? globalThis.fetch;"],
  ],
  good: [
    ["src/contracts/clock.ts", "export const now = (): number => Date.now();"],
    ["src/wheels/a.ts", "const modified = new Date(file.modifiedAt);"],
    ["src/wheels/a.ts", "async function get({ fetch }: Options) { return await fetch(url); }"],
    ["src/wheels/a.ts", "const get = (fetch: Fetch) => fetch(url);"],
    [
      "src/wheels/a.ts",
      "class A { fetch(request: Request) { return this.#options.fetch(request); } }",
    ],
    ["src/wheels/a.ts", "const handler = { fetch: route }; type F = typeof fetch;"],
  ],
};

/** The core loads wherever the web's own globals are. */
export const runtimes: Rule = {
  name: "the core names no runtime",
  appliesTo: isCore,
  check: everyNode((node) => {
    const name = RUNTIMES.find((runtime) => isGlobal(node, runtime));
    return name ? `"${name}"` : undefined;
  }),
  bad: [
    ["src/region/a.ts", "const home = Deno.env.get('HOME');"],
    ["src/memory/a.ts", "if (process.env.DEBUG) log();"],
    ["src/hash/a.ts", "const bytes = Buffer.from(text);"],
    ["src/hash/a.ts", "const isNode = 'process' in globalThis && globalThis.process;"],
  ],
  good: [
    ["src/region/a.ts", "interface Job { process(): void } const a = job.process();"],
    ["src/apps/a.ts", "const home = Deno.env.get('HOME');"],
    ["src/wheels/a.ts", "function f(process: Process) { return process.id; }"],
  ],
};

function effectOf(node: ts.Node): string | undefined {
  const isNow = ts.isNewExpression(node) && node.expression.getText() === "Date" &&
    (node.arguments?.length ?? 0) === 0;
  if (isNow) return "new Date()";
  const member = MEMBERS.find((text) =>
    ts.isPropertyAccessExpression(node) && node.getText() === text
  );
  return member ?? [...TIMERS, "fetch"].find((name) => isGlobal(node, name));
}

/** Whether a node is the global variable of that name, bare or as a member of `globalThis`. */
function isGlobal(node: ts.Node, name: string): boolean {
  if (ts.isPropertyAccessExpression(node)) return node.getText() === `globalThis.${name}`;
  if (!ts.isIdentifier(node) || node.text !== name) return false;
  return isValue(node) && !isBound(node, name);
}

/** Whether an identifier stands for a value, not for a member, a label, a name or a type. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  if (ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isTypeQueryNode(parent) || ts.isTypeReferenceNode(parent)) return false;
  const isDeclared = "name" in parent && parent.name === node;
  return !isDeclared || ts.isShorthandPropertyAssignment(parent);
}

/** Whether a function or block around the node declares the name. */
function isBound(node: ts.Node, name: string): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (declaredIn(at).some((binding) => namesIn(binding).includes(name))) return true;
  }
  return false;
}

function declaredIn(scope: ts.Node): ts.BindingName[] {
  if (ts.isFunctionLike(scope)) return scope.parameters.map((parameter) => parameter.name);
  if (!ts.isBlock(scope) && !ts.isSourceFile(scope)) return [];
  return scope.statements.flatMap((statement) => {
    if (ts.isFunctionDeclaration(statement)) return statement.name ? [statement.name] : [];
    if (!ts.isVariableStatement(statement)) return [];
    return statement.declarationList.declarations.map((declaration) => declaration.name);
  });
}

function namesIn(binding: ts.BindingName): string[] {
  if (ts.isIdentifier(binding)) return [binding.text];
  return binding.elements.flatMap((element) =>
    ts.isOmittedExpression(element) ? [] : namesIn(element.name)
  );
}
