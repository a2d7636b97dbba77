import type ts from "typescript";
import { lineOf, nodesOf, type Source } from "./source.ts";

/** One rule of the house, with samples that show what it catches and what it lets pass. */
export interface Rule {
  /** What holds, as a sentence. */
  readonly name: string;
  /** Which files it is about. */
  readonly appliesTo: (path: string) => boolean;
  /** Complaints about one file, each beginning with its line. */
  readonly check: (source: Source) => string[];
  /** Files that break the rule: path and text. */
  readonly bad: readonly Sample[];
  /** Files that come near to breaking it. */
  readonly good: readonly Sample[];
}

/** A made-up file: its path and its text. */
export type Sample = readonly [path: string, text: string];

/** A check that looks at every node by itself. */
export function everyNode(
  complain: (node: ts.Node, source: Source) => string | undefined,
): Rule["check"] {
  return (source) => {
    const complaints: string[] = [];
    for (const node of nodesOf(source.tree)) {
      const complaint = complain(node, source);
      if (complaint) complaints.push(`${lineOf(source, node)}: ${complaint}`);
    }
    return complaints;
  };
}

/** A check that looks for patterns line by line. */
export function everyLine(patterns: readonly RegExp[]): Rule["check"] {
  return ({ text }) =>
    text.split("\n").flatMap((line, index) => {
      const found = patterns.map((pattern) => pattern.exec(line)?.[0]).find(Boolean);
      return found ? [`${index + 1}: "${found.trim()}"`] : [];
    });
}

/** What a rule has to say about a set of files. */
export function complaints(rule: Rule, sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => rule.appliesTo(path))
    .flatMap((source) => rule.check(source).map((complaint) => `${source.path}:${complaint}`));
}
