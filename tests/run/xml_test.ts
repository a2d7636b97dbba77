import { deepEqual, throws } from "node:assert/strict";
import { describe, it } from "node:test";
import { parseXml } from "./xml.ts";

describe("parseXml", () => {
  it("reads elements, attributes and text", () => {
    deepEqual(
      parseXml(`<?xml version="1.0"?>\n<a b="1 > 0"><!-- x --><c/>text<d e="f">g</d></a>`),
      {
        name: "a",
        attributes: { b: "1 > 0" },
        children: [
          { name: "c", attributes: {}, children: [], text: "" },
          { name: "d", attributes: { e: "f" }, children: [], text: "g" },
        ],
        text: "text",
      },
    );
  });

  it("decodes entities in text and attributes, but not in CDATA", () => {
    const root = parseXml(
      `<a b="&lt;&#10;&#x2713;&quot;">&amp;amp; &unknown;<![CDATA[&lt;<b>]]></a>`,
    );
    deepEqual([root.attributes, root.text], [{ b: '<\n✓"' }, "&amp; &unknown;&lt;<b>"]);
  });

  it("refuses what is cut short, crossed or no markup", () => {
    for (const text of ["", "<a>", "<a><b></a></b>", "<a b=c/>", "<a></a><", "text"]) {
      throws(() => parseXml(text), SyntaxError, text);
    }
  });
});
