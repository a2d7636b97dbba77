/**
 * XML-RPC as far as a search needs it: reading a call, writing an answer or a fault.
 *
 * A call is small and flat, and whoever sends another one is refused: depth and size are bounded, and
 * there are no document types, so that no entity of the sender's own could unfold. Source: the
 * XML-RPC specification of 1999.
 */

import { Parser } from "htmlparser2";

/** A value: a text, a list, or a struct. Numbers, booleans and dates are kept as their texts. */
export type XmlValue = string | readonly XmlValue[] | ReadonlyMap<string, XmlValue>;

/** A method that is called. */
export interface XmlCall {
  /** Its name. */
  readonly method: string;
  /** Its parameters. */
  readonly params: readonly XmlValue[];
}

interface Node {
  readonly name: string;
  readonly children: Node[];
  text: string;
}

const DEEPEST = 32;

/** Reads a call. Throws a `SyntaxError` for anything else. */
export function parseXmlCall(xml: string): XmlCall {
  const call = childOf(treeOf(xml), "methodCall");
  const method = call && childOf(call, "methodName")?.text.trim();
  if (call === undefined || !method) throw new SyntaxError("Cannot read call: it names no method");
  const params = childOf(call, "params")?.children ?? [];
  return { method, params: params.map((param) => valueOf(childOf(param, "value"))) };
}

/** The answer to a call: a list of structs of texts. */
export function xmlAnswer(rows: readonly Readonly<Record<string, string>>[]): string {
  const values = rows.map((row) => `<value>${structOf(row)}</value>\n`).join("");
  const list = `<value><array><data>\n${values}</data></array></value>`;
  return document(`<params><param>${list}</param></params>`);
}

/** The answer to a call that makes no sense. */
export function xmlFault(code: number, message: string): string {
  const struct =
    `<struct><member><name>faultCode</name><value><int>${code}</int></value></member>` +
    `${memberOf("faultString", message)}</struct>`;
  return document(`<fault><value>${struct}</value></fault>`);
}

function document(content: string): string {
  return `<?xml version="1.0" encoding="utf-8"?>\n<methodResponse>${content}</methodResponse>\n`;
}

function structOf(row: Readonly<Record<string, string>>): string {
  const members = Object.entries(row).map(([name, text]) => memberOf(name, text));
  return `<struct>${members.join("")}</struct>`;
}

function memberOf(name: string, text: string): string {
  return `<member><name>${name}</name><value><string>${escapeXml(text)}</string></value></member>`;
}

// XML has no way to write these characters, not even as references.
// deno-lint-ignore no-control-regex -- control characters are what is looked for
const UNWRITABLE = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g;

function escapeXml(text: string): string {
  return text.toWellFormed().replace(UNWRITABLE, "\ufffd")
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function treeOf(xml: string): Node {
  const root: Node = { name: "", children: [], text: "" };
  const path: Node[] = [root];
  const parser = new Parser({
    onopentag(name): void {
      const node: Node = { name, children: [], text: "" };
      path.at(-1)!.children.push(node);
      if (path.push(node) > DEEPEST) throw new SyntaxError("Cannot read call: it is too deep");
    },
    ontext(data): void {
      path.at(-1)!.text += data;
    },
    onclosetag(): void {
      path.pop();
    },
    onprocessinginstruction(name): void {
      if (!name.startsWith("!")) return;
      throw new SyntaxError("Cannot read call: it has a document type");
    },
  }, { xmlMode: true });
  parser.end(xml);
  return root;
}

function valueOf(value: Node | undefined): XmlValue {
  if (value === undefined) throw new SyntaxError("Cannot read call: a value is missing");
  const [typed] = value.children;
  if (typed === undefined) return value.text;
  if (typed.name === "struct") return new Map(typed.children.map(entryOf));
  if (typed.name !== "array") return typed.text;
  return (childOf(typed, "data")?.children ?? []).map(valueOf);
}

function entryOf(member: Node): [string, XmlValue] {
  return [childOf(member, "name")?.text ?? "", valueOf(childOf(member, "value"))];
}

function childOf(node: Node, name: string): Node | undefined {
  return node.children.find((child) => child.name === name);
}
