/**
 * Pieces of SQL, and the values that go into them as parameters.
 *
 * A value never becomes text of a statement: each `${value}` of the tag {@linkcode sql} is a
 * parameter, unless it is a fragment itself, whose texts and values then become part of the whole.
 */

import type { SqlStatement, SqlValue } from "./runner.ts";

/** A piece of SQL. Its parameters stand between its texts, so there is one text more. */
export class SqlFragment {
  /** What is written before, between and after the parameters. */
  readonly texts: readonly string[];
  /** The values of the parameters. */
  readonly parameters: readonly SqlValue[];

  /** Of these texts and parameters. */
  constructor(texts: readonly string[], parameters: readonly SqlValue[]) {
    this.texts = texts;
    this.parameters = parameters;
  }

  /** The statement, with `placeholder` saying how the n-th parameter is written, from 1. */
  statement(placeholder: (position: number) => string): SqlStatement {
    const written = this.texts.slice(1).map((text, index) => placeholder(index + 1) + text);
    return { sql: this.texts[0] + written.join(""), parameters: this.parameters };
  }
}

/** Tags a template whose values are parameters or fragments. */
export function sql(
  strings: TemplateStringsArray,
  ...values: readonly (SqlValue | SqlFragment)[]
): SqlFragment {
  const texts = [strings[0]!];
  const parameters: SqlValue[] = [];
  for (const [index, value] of values.entries()) {
    const following = strings[index + 1]!;
    if (value instanceof SqlFragment) {
      texts.push(texts.pop()! + value.texts[0], ...value.texts.slice(1));
      texts.push(texts.pop()! + following);
      parameters.push(...value.parameters);
    } else {
      texts.push(following);
      parameters.push(value);
    }
  }
  return new SqlFragment(texts, parameters);
}

/** A fragment of text that the program itself has written, such as the name of a column. */
export function raw(text: string): SqlFragment {
  return new SqlFragment([text], []);
}

/** Fragments one after the other, with `between` among them. */
export function joined(fragments: readonly SqlFragment[], between = ", "): SqlFragment {
  return fragments.reduce((all, next) => sql`${all}${raw(between)}${next}`);
}
