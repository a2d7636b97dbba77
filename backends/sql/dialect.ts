/** What differs between SQL databases in the statements of the index. */

import { joined, raw, sql, type SqlFragment } from "./fragment.ts";

/** One database's ways. */
export interface SqlDialect {
  /** How the n-th parameter of a statement is written, from 1. */
  placeholder(position: number): string;
  /** Put before every change: makes changes follow one another where the database does not. */
  readonly lock: readonly SqlFragment[];
  /** Makes what the statements on the version stand on, where it is not there yet. */
  readonly openings: readonly SqlFragment[];
  /** Makes the tables and indexes where they are not there yet, and fits those of PyPICloud. */
  readonly tables: readonly SqlFragment[];
  /** `packages.last_modified` as text. */
  readonly lastModified: SqlFragment;
  /** A text parameter as a value of `packages.last_modified`. */
  instant(text: string): SqlFragment;
  /** A relation with the column `value` for the texts in a JSON array. */
  texts(array: string): SqlFragment;
  /** A relation with the columns of `packages` for the arrays in a JSON array. */
  rows(arrays: string): SqlFragment;
  /** The end of an insert: what to do with a row whose key is there; no columns leave it as it is. */
  onConflict(key: string, replaced: readonly string[]): SqlFragment;
}

/** The columns of `packages`. */
export const packageColumns = [
  "filename",
  "name",
  "version",
  "last_modified",
  "summary",
  "data",
] as const;

/** `on conflict`, as SQLite and PostgreSQL have it. */
export function onConflict(key: string, replaced: readonly string[]): SqlFragment {
  if (replaced.length === 0) return sql`on conflict (${raw(key)}) do nothing`;
  const sets = replaced.map((column) => sql`${raw(column)} = excluded.${raw(column)}`);
  return sql`on conflict (${raw(key)}) do update set ${joined(sets)}`;
}

/** The statement that makes the table with the serial and the version of the layout. */
export function indexTable(): SqlFragment {
  return sql`create table if not exists cairn_index (
    id integer not null primary key,
    serial bigint not null,
    schema_version integer not null)`;
}

/** The tables for databases that know `create index if not exists`. */
export function usualTables(datetime: string): SqlFragment[] {
  return [
    sql`create table if not exists packages (
      filename varchar(255) not null primary key,
      name varchar(255) not null,
      version varchar(1000) not null,
      last_modified ${raw(datetime)} not null,
      summary text,
      data text not null)`,
    sql`create index if not exists ix_packages_name on packages (name)`,
    sql`create index if not exists ix_packages_last_modified on packages (last_modified)`,
    sql`create table if not exists cairn_projects (
      name varchar(255) not null primary key,
      serial bigint not null,
      is_claimed integer not null)`,
    sql`create table if not exists cairn_cursors (
      name varchar(255) not null primary key,
      value text not null)`,
  ];
}

/** SQLite, and D1, which is SQLite. */
export const sqliteDialect: SqlDialect = Object.freeze({
  placeholder: () => "?",
  lock: [],
  openings: [indexTable()],
  tables: usualTables("datetime"),
  lastModified: raw("last_modified"),
  instant: (text: string) => sql`${text}`,
  texts: (array: string) => sql`select value from json_each(${array})`,
  rows: (arrays: string) => {
    const fields = packageColumns.map((column, index) =>
      sql`json_extract(value, ${raw(`'$[${index}]'`)}) as ${raw(column)}`
    );
    return sql`select ${joined(fields)} from json_each(${arrays})`;
  },
  onConflict,
});
