/** Statements on Cloudflare D1. Its `batch` is its transaction, and one trip. */

import type { SqlRow, SqlRunner, SqlStatement } from "./runner.ts";

/** The part of a D1 binding that cairn uses. */
export interface D1Database {
  /** Makes a statement. */
  prepare(sql: string): D1Statement;
  /** Runs statements in one transaction. */
  batch(statements: D1Statement[]): Promise<{ readonly results: unknown[] }[]>;
}

/** A statement of D1. */
export interface D1Statement {
  /** The statement with values for its parameters, at most 100. */
  bind(...values: unknown[]): D1Statement;
}

/** Makes a runner on a binding. */
export function d1Runner(database: D1Database): SqlRunner {
  const run = async (statements: readonly SqlStatement[]): Promise<SqlRow[][]> => {
    const bound = statements.map(({ sql, parameters }) =>
      database.prepare(sql).bind(...parameters)
    );
    const answers = await database.batch(bound);
    return answers.map(({ results }) => results as SqlRow[]);
  };
  return Object.freeze({ name: "d1", prepare: () => Promise.resolve(), read: run, write: run });
}
