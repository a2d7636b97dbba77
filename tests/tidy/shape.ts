/** The shape of code: what is written, and how it is split. */

import ts from "typescript";
import { everyNode, type Rule } from "./rule.ts";
import { isCore, isShipped, isTypeScript } from "./source.ts";

/** A barrel names what is in it. */
export const exportStar: Rule = {
  name: "exports are named one by one",
  appliesTo: isTypeScript,
  check: everyNode((node) => {
    const isStar = ts.isExportDeclaration(node) &&
      (!node.exportClause || ts.isNamespaceExport(node.exportClause));
    return isStar ? node.getText() : undefined;
  }),
  bad: [["mod.ts", `export * from "./src/a.ts";`], ["mod.ts", `export * as a from "./src/a.ts";`]],
  good: [["mod.ts", `export { a } from "./src/a.ts";`]],
};

/** Only worker entries have default exports, as their runtime demands. */
export const defaultExports: Rule = {
  name: "nothing is exported by default but programs",
  appliesTo: (path) => isShipped(path) && !/^src\/apps\/|\.d\.ts$/.test(path),
  check: everyNode((node) => {
    const isDefault = ts.isExportAssignment(node) ||
      (ts.canHaveModifiers(node) && hasModifier(node, ts.SyntaxKind.DefaultKeyword));
    return isDefault ? "default export" : undefined;
  }),
  bad: [
    ["src/hash/a.ts", "export default 1;"],
    ["src/hash/a.ts", "export default function f() {}"],
  ],
  good: [
    ["src/apps/worker.ts", "export default { fetch };"],
    ["src/hash/a.d.ts", "declare const module: WebAssembly.Module; export default module;"],
  ],
};

const NOT_ERASABLE = [ts.SyntaxKind.EnumDeclaration, ts.SyntaxKind.ModuleDeclaration];
const MODIFIERS = [
  ts.SyntaxKind.PrivateKeyword,
  ts.SyntaxKind.ProtectedKeyword,
  ts.SyntaxKind.PublicKeyword,
];

/** TypeScript is JavaScript with types, and state is private by `#`. */
export const erasable: Rule = {
  name: "no enum, no namespace, no private, protected or public",
  appliesTo: isTypeScript,
  check: everyNode((node) => {
    const isRefused = NOT_ERASABLE.includes(node.kind) || MODIFIERS.includes(node.kind);
    const isGlobal = ts.isModuleDeclaration(node) && node.name.getText() === "global";
    return isRefused && !isGlobal ? node.getText().split("\n")[0] : undefined;
  }),
  bad: [
    ["src/hash/a.ts", "enum Mode { A }"],
    ["src/hash/a.ts", "namespace A { export const b = 1; }"],
    ["src/hash/a.ts", "class A { private b = 1; }"],
    ["src/hash/a.ts", "class A { constructor(public b: number) {} }"],
  ],
  good: [["src/hash/a.ts", `class A { #b = 1; } const c = { "private": 1 };`]],
};

/** Inheritance is for errors and for proxies. */
export const inheritance: Rule = {
  name: "only errors, proxies and what a platform demands inherit",
  appliesTo: isShipped,
  check: everyNode((node) => {
    if (!ts.isHeritageClause(node) || node.token !== ts.SyntaxKind.ExtendsKeyword) return undefined;
    if (!ts.isClassLike(node.parent)) return undefined;
    const base = node.types[0]!.expression.getText();
    return /(Error|^ProxyBackend|^DurableObject)$/.test(base) ? undefined : `extends ${base}`;
  }),
  bad: [["src/region/a.ts", "class A extends Map {}"]],
  good: [
    ["src/contracts/errors.ts", "class A extends CacheError {}"],
    ["src/region/a.ts", "interface A extends B {}"],
    ["src/region/a.ts", "class A implements Backend {}"],
  ],
};

const PARAMETERS = 3;

/** Two parameters say what a function works on; the rest are options. */
export const parameters: Rule = {
  name: "exported functions take at most two parameters and an options object",
  appliesTo: isShipped,
  check: everyNode((node) => {
    if (!isPublicFunction(node)) return undefined;
    const named = node.parameters.filter(({ name }) => name.getText() !== "this");
    return named.length > PARAMETERS ? `${named.length} parameters` : undefined;
  }),
  bad: [
    ["src/hash/a.ts", "export function f(a: A, b: B, c: C, d: D): void {}"],
    ["src/hash/a.ts", "export class A { f(a: A, b: B, c: C, d: D): void {} }"],
    ["src/hash/a.ts", "export const f = (a: A, b: B, c: C, d: D): void => {};"],
  ],
  good: [
    ["src/hash/a.ts", "export function f(a: A, b: B, options: Options): void {}"],
    ["src/hash/a.ts", "function round(a: A, b: B, c: C, d: D): void {}"],
    ["src/hash/a.ts", "export class A { #f(a: A, b: B, c: C, d: D): void {} }"],
  ],
};

const OPTIONS = 8;

/** Nobody keeps nine options in mind. */
export const options: Rule = {
  name: `options objects have at most ${OPTIONS} options`,
  appliesTo: isShipped,
  check: everyNode((node) => {
    if (!ts.isInterfaceDeclaration(node) || !node.name.text.endsWith("Options")) return undefined;
    return node.members.length > OPTIONS ? `${node.members.length} options` : undefined;
  }),
  bad: [[
    "src/hash/a.ts",
    `interface AOptions { ${"abcdefghi".split("").map((n) => `${n}: 1;`).join("")} }`,
  ]],
  good: [[
    "src/hash/a.ts",
    `interface AOptions { ${"abcdefgh".split("").map((n) => `${n}: 1;`).join("")} }`,
  ]],
};

/** What an object can do is declared, never sniffed; a callback that may be left out is an option. */
export const optionalMethods: Rule = {
  name: "no interface has an optional method",
  appliesTo: isShipped,
  check: everyNode((node, { path }) => {
    const isFunction = ts.isPropertySignature(node) && path.startsWith("src/contracts/") &&
      node.type !== undefined && ts.isFunctionTypeNode(node.type);
    if (!ts.isMethodSignature(node) && !isFunction) return undefined;
    return node.questionToken ? node.getText().split("\n")[0] : undefined;
  }),
  bad: [
    ["backends/a.ts", "interface A { f?(): void; }"],
    ["src/contracts/a.ts", "interface A { f?: () => void; }"],
  ],
  good: [["src/region/a.ts", "interface AOptions { random?: () => number; f(): void; }"]],
};

/** Importing a module does nothing, so a bundler may drop what is not used. */
export const sideEffects: Rule = {
  name: "importing a module does nothing",
  appliesTo: isCore,
  check: everyNode((node) => {
    const isTop = ts.isExpressionStatement(node) && ts.isSourceFile(node.parent);
    const isBare = ts.isImportDeclaration(node) && !node.importClause;
    return isTop || isBare ? node.getText().split("\n")[0] : undefined;
  }),
  bad: [
    ["src/hash/a.ts", "register(a);"],
    ["src/hash/a.ts", `import "./b.ts";`],
  ],
  good: [["src/hash/a.ts", "export const a = Object.freeze({});"]],
};

const TIME_NAME = /(ttl|timeout|interval|delay|duration|Seconds|Secs?|Millis)$/i;

/** Durations are in milliseconds and say so. */
export const durations: Rule = {
  name: "the name of a duration ends in Ms",
  appliesTo: isShipped,
  check: everyNode((node) => {
    const isDeclared = ts.isPropertySignature(node) || ts.isParameter(node);
    if (!isDeclared || node.type?.kind !== ts.SyntaxKind.NumberKeyword) return undefined;
    return TIME_NAME.test(node.name.getText()) ? node.getText() : undefined;
  }),
  bad: [
    ["src/region/a.ts", "interface A { timeout: number; }"],
    ["src/region/a.ts", "function f(ttl: number) {}"],
  ],
  good: [["src/region/a.ts", "interface A { timeoutMs: number; timeout: Clock; }"]],
};

function isPublicFunction(node: ts.Node): node is ts.FunctionLikeDeclaration {
  if (ts.isFunctionDeclaration(node)) return isExported(node);
  if (ts.isArrowFunction(node)) {
    const statement = node.parent.parent?.parent;
    return ts.isVariableDeclaration(node.parent) && ts.isVariableStatement(statement) &&
      isExported(statement);
  }
  if (!ts.isMethodDeclaration(node) && !ts.isConstructorDeclaration(node)) return false;
  const isHidden = node.name !== undefined && ts.isPrivateIdentifier(node.name);
  return !isHidden && ts.isClassDeclaration(node.parent) && isExported(node.parent);
}

function isExported(node: ts.HasModifiers): boolean {
  return hasModifier(node, ts.SyntaxKind.ExportKeyword);
}

function hasModifier(node: ts.HasModifiers, kind: ts.SyntaxKind): boolean {
  return ts.getModifiers(node)?.some((modifier) => modifier.kind === kind) ?? false;
}
