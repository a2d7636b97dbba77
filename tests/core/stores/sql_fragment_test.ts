import { deepEqual, equal } from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { joined, raw, sql, type SqlFragment } from "../../../backends/sql/fragment.ts";

const numbered = (position: number): string => `$${position}`;

describe("fragments of SQL", () => {
  it("make a parameter of every value, whatever is in it", () => {
    fc.assert(fc.property(fc.array(fc.string()), (values) => {
      const list = values.map((value) => sql`f(${value})`);
      const whole = list.reduce<SqlFragment>((all, next) => sql`${all}, ${next}`, raw("1"));
      const { sql: text, parameters } = whole.statement(numbered);
      deepEqual(parameters, values);
      equal(text, ["1", ...values.map((_, index) => `f($${index + 1})`)].join(", "));
    }));
  });

  it("number parameters across fragments within fragments", () => {
    const inner = sql`a = ${1} and b = ${null}`;
    const outer = sql`select ${raw("c")} from t where (${inner}) or (${inner}) limit ${2}`;
    deepEqual(outer.statement(numbered), {
      sql: "select c from t where (a = $1 and b = $2) or (a = $3 and b = $4) limit $5",
      parameters: [1, null, 1, null, 2],
    });
    equal(inner.statement(() => "?").sql, "a = ? and b = ?");
  });

  it("are joined with a comma, or what is said", () => {
    const each = [sql`${1}`, sql`b`, sql`${3}`];
    equal(joined(each).statement(numbered).sql, "$1, b, $2");
    equal(joined(each, " union all ").statement(numbered).sql, "$1 union all b union all $2");
    equal(joined([sql`a`]).statement(numbered).sql, "a");
  });
});
