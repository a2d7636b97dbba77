/** As much XML as test reports need: elements, attributes, text, CDATA, comments, entities. */

/** An element and what is in it. */
export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** The text directly inside, entities decoded. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly children: OpenElement[];
  text: string;
}

const TOKEN =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>]+)((?:\s+[^\s=]+="[^"]*")*)\s*(\/?)>|([^<]+)/y;

/** Parses a document and gives its root element; `SyntaxError` where it is not well formed. */
export function parseXml(text: string): XmlElement {
  const document = open("", {});
  const path = [document];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text);
    if (!token) throw new SyntaxError(`Could not parse the XML: no markup at offset ${at}`);
    take(token, path);
  }
  const [root] = document.children;
  if (path.length !== 1 || !root) throw new SyntaxError("Could not parse the XML: it is cut short");
  return root;
}

function take(token: RegExpExecArray, path: OpenElement[]): void {
  const [, cdata, closing, opening, attributes, selfClosing, text] = token;
  const parent = path.at(-1)!;
  if (cdata !== undefined) parent.text += cdata;
  else if (text !== undefined) parent.text += decode(text);
  else if (opening !== undefined) {
    const element = open(opening, parseAttributes(attributes ?? ""));
    parent.children.push(element);
    if (!selfClosing) path.push(element);
  } else if (closing !== undefined) {
    if (parent.name !== closing) {
      throw new SyntaxError(`Could not parse the XML: "${closing}" closes "${parent.name}"`);
    }
    path.pop();
  }
}

function open(name: string, attributes: Record<string, string>): OpenElement {
  return { name, attributes, children: [], text: "" };
}

function parseAttributes(text: string): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [, name, value] of text.matchAll(/([^\s=]+)="([^"]*)"/g)) {
    attributes[name!] = decode(value!);
  }
  return attributes;
}

const NAMED: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function decode(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    return NAMED[name] ?? whole;
  });
}
