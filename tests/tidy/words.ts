/** Words that no source may hold. They are put together here so that this file holds none. */

import { everyLine, type Rule } from "./rule.ts";
import { isShipped } from "./source.ts";

const word = (...parts: string[]): string => parts.join("");
const host = (...parts: string[]): string => parts.join("\\.");

const UNFINISHED = ["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"];
const MAKING = [
  ["this", "session"],
  ["previous", "session"],
  ["the", "CEO"],
  ["as", "an", "AI"],
  ["AI", "assistant"],
  ["developer", "agent"],
  ["sub", "agent"],
].map((words) => words.join("[ -]?"));
const REGISTRIES = [
  host("pypi", "org"),
  host("pythonhosted", "org"),
  host("npmjs", "(org|com)"),
  host("jsr", "io"),
  host("npm", "jsr", "io"),
];
const MACHINE = [word("/wo", "rk/"), word("/ro", "ot/"), word("/tmp/", "cairn/")];

/** Sources are finished. */
export const unfinished: Rule = {
  name: "nothing is marked as unfinished",
  appliesTo: () => true,
  check: everyLine([new RegExp(`\\b(${UNFINISHED.join("|")})\\b`), /\bnot implemented\b/i]),
  bad: UNFINISHED.map((mark) => ["src/hash/a.ts", `// ${mark}: write it`] as const),
  good: [["src/hash/a.ts", "// The todo list of a scheduler is a queue."]],
};

/** The repository speaks of the project, not of how it was made. */
export const making: Rule = {
  name: "nothing speaks of how the project is made",
  appliesTo: () => true,
  check: everyLine([new RegExp(`\\b(${MAKING.join("|")})\\b`, "i")]),
  bad: [["README.md", `Written in ${word("this ", "session")}.`]],
  good: [["src/wheels/a.ts", `const agent = request.headers.get("user-agent");`]],
};

/** Which registry is used is the user's to say. */
export const registries: Rule = {
  name: "no package registry is named",
  appliesTo: () => true,
  check: everyLine([new RegExp(`\\b(${REGISTRIES.join("|")})\\b`)]),
  bad: [
    ["src/apps/a.ts", `const upstream = "https://${["pypi", "org"].join(".")}/simple/";`],
    ["README.md", `See https://registry.${["npmjs", "org"].join(".")}.`],
  ],
  good: [["src/wheels/a.ts", `// PyPI answers 404 here; pypi.example does too.`]],
};

/** Nothing depends on where it was written. */
export const machine: Rule = {
  name: "no path of one machine is named",
  appliesTo: () => true,
  check: everyLine([new RegExp(`(^|[\\s"'\`(=])(${MACHINE.join("|")})`)]),
  bad: [["tests/a_test.ts", `const data = "${word("/wo", "rk/")}main/data";`]],
  good: [["src/wheels/a.ts", `// The header names ./work/ of the archive.`]],
};

/** Comments are sentences, not decoration. */
export const banners: Rule = {
  name: "no comment is a banner",
  appliesTo: isShipped,
  check: everyLine([/^\s*(\/\/|\*)\s*[-=*#~]{4,}/]),
  bad: [["src/hash/a.ts", "// ---------- MD5 ----------"]],
  good: [["src/hash/a.ts", "/** A list:\n * - one\n * - two\n */"]],
};
