/** The little that cairn needs of a SQL database: to run statements in one transaction. */

/** What can be bound to a parameter. */
export type SqlValue = string | number | null;

/** A statement with the values of its parameters, in order. */
export interface SqlStatement {
  /** The text, with the placeholders of the database. */
  readonly sql: string;
  /** One value for each placeholder. */
  readonly parameters: readonly unknown[];
}

/** A row: its values by column. */
export type SqlRow = Readonly<Record<string, unknown>>;

/** Runs statements; errors are the database's own. */
export interface SqlRunner {
  /** For messages and statistics, e.g. `"sqlite"`. */
  readonly name: string;
  /** Makes the connection ready, once, before anything else is run. */
  prepare(): Promise<void>;
  /** Runs queries that see one and the same state, in one trip; answers the rows of each. */
  read(statements: readonly SqlStatement[]): Promise<SqlRow[][]>;
  /** Runs statements all or none, in one trip, one after the other; answers the rows of each. */
  write(statements: readonly SqlStatement[]): Promise<SqlRow[][]>;
}
