/**
 * The statements of the SQL index, built with Kysely and run by nobody here.
 *
 * Each change is a list of statements for one transaction, without a look at the rows in between,
 * because that is all that D1 offers. First the serial of the index grows, under the condition that
 * something will change; then the projects concerned take it over as theirs; then the rows change.
 * So every serial is greater than all before it, whatever project it was for.
 */

import {
  type CompiledQuery,
  DummyDriver,
  type Expression,
  type Generated,
  Kysely,
  type RawBuilder,
  sql,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { PackageRow } from "./package_row.ts";

/** The version of the tables' layout that this code reads and writes. */
export const schemaVersion = 1;

interface Tables {
  /** PyPICloud's own. */
  readonly packages: PackageRow;
  /** One row for each project that ever had a file or a claim. */
  readonly cairn_projects: { name: string; serial: number; is_claimed: Generated<number> };
  /** One row: the serial of the index, and the version of the layout. */
  readonly cairn_index: { id: number; serial: number; schema_version: number };
}

const db = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (introspected) => new SqliteIntrospector(introspected),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  },
});

const currentSerial = db.selectFrom("cairn_index").select("serial");
const always = sql<boolean>`true`;

/** The statements that read or make the version of the layout; the last one answers it. */
export const versionStatements: readonly CompiledQuery[] = [
  db.schema.createTable("cairn_index").ifNotExists()
    .addColumn("id", "integer", (column) => column.primaryKey().notNull())
    .addColumn("serial", "bigint", (column) => column.notNull())
    .addColumn("schema_version", "integer", (column) => column.notNull())
    .compile(),
  db.insertInto("cairn_index").values({ id: 1, serial: 0, schema_version: 0 })
    .onConflict((conflict) => conflict.doNothing()).compile(),
  db.selectFrom("cairn_index").select("schema_version").compile(),
];

/** The statements that make the tables where they are not there yet. */
export const tableStatements: readonly CompiledQuery[] = [
  db.schema.createTable("packages").ifNotExists()
    .addColumn("filename", "varchar(255)", (column) => column.primaryKey().notNull())
    .addColumn("name", "varchar(255)", (column) => column.notNull())
    .addColumn("version", "varchar(1000)", (column) => column.notNull())
    .addColumn("last_modified", "datetime", (column) => column.notNull())
    .addColumn("summary", "text")
    .addColumn("data", "text", (column) => column.notNull())
    .compile(),
  db.schema.createIndex("ix_packages_name").ifNotExists().on("packages").column("name").compile(),
  db.schema.createIndex("ix_packages_last_modified").ifNotExists()
    .on("packages").column("last_modified").compile(),
  db.schema.createTable("cairn_projects").ifNotExists()
    .addColumn("name", "varchar(255)", (column) => column.primaryKey().notNull())
    .addColumn("serial", "bigint", (column) => column.notNull())
    .addColumn("is_claimed", "integer", (column) => column.notNull())
    .compile(),
  db.updateTable("cairn_index").set({ schema_version: schemaVersion }).compile(),
];

/** Answers the row of a file. */
export function selectFile(filename: string): CompiledQuery {
  return db.selectFrom("packages").selectAll().where("filename", "=", filename).compile();
}

/** Answers the rows of a project's files. */
export function selectFiles(project: string): CompiledQuery {
  return db.selectFrom("packages").selectAll().where("name", "=", project).compile();
}

/** Answers `serial` and `is_claimed` of a project, if it is known. */
export function selectProject(project: string): CompiledQuery {
  return db.selectFrom("cairn_projects").select(["serial", "is_claimed"])
    .where("name", "=", project).compile();
}

/** Answers the names of the projects with files or a claim. */
export function selectNames(): CompiledQuery {
  const claimed = db.selectFrom("cairn_projects").select("name").where("is_claimed", "=", 1);
  return db.selectFrom("packages").select("name").union(claimed).compile();
}

/** Answers the serial of the index. */
export function selectSerial(): CompiledQuery {
  return currentSerial.compile();
}

/** Adds a row unless its file has one of ours; the last statement answers the row that is there. */
export function addStatements(row: PackageRow): CompiledQuery[] {
  const ours = db.selectFrom("packages").select("filename").where("filename", "=", row.filename)
    .where(sql<boolean>`json_extract(data, '$.size') is not null`);
  const isNew = sql<boolean>`not exists ${ours}`;
  const { filename: _, ...facts } = row;
  return [
    raiseSerial(isNew),
    raiseProjects(sql`(select ${row.name} as name where ${isNew})`),
    db.insertInto("packages").values(row)
      .onConflict((conflict) => conflict.column("filename").doUpdateSet(facts).where(isNew))
      .compile(),
    selectFile(row.filename),
  ];
}

/** Rows as JSON texts, each small enough to be one parameter. */
export interface RowChunk {
  /** An array of arrays of the columns, in the order of {@linkcode PackageRow}. */
  readonly rows: string;
  /** An array of their filenames. */
  readonly filenames: string;
  /** An array of their project names. */
  readonly names: string;
}

/** Adds or replaces rows; three statements, however many rows there are. */
export function saveStatements(chunks: readonly RowChunk[]): CompiledQuery[] {
  const names = valuesOf(chunks.map((chunk) => chunk.names));
  const filenames = valuesOf(chunks.map((chunk) => chunk.filenames));
  const rows = valuesOf(chunks.map((chunk) => chunk.rows));
  const columns = ["filename", "name", "version", "last_modified", "summary", "data"] as const;
  const fields = columns.map((_, index) => sql`json_extract(value, ${sql.lit(`$[${index}]`)})`);
  const replaced = columns.slice(1).map((column) =>
    sql`${sql.ref(column)} = excluded.${sql.ref(column)}`
  );
  return [
    raiseSerial(always),
    raiseProjects(sql`(select value as name from (${names})
      union select name from packages where filename in (${filenames}))`),
    sql`insert into packages (${sql.join(columns.map((column) => sql.ref(column)))})
      select ${sql.join(fields)} from (${rows}) where true
      on conflict (filename) do update set ${sql.join(replaced)}`.compile(db),
  ];
}

/** Removes a file's row; the first statement answers it, if it was there. */
export function clearStatements(filename: string): CompiledQuery[] {
  const row = db.selectFrom("packages").where("filename", "=", filename);
  return [
    row.select("filename").compile(),
    raiseSerial(sql<boolean>`exists ${row.select("filename")}`),
    raiseProjects(row.select("name")),
    db.deleteFrom("packages").where("filename", "=", filename).compile(),
  ];
}

/** Removes every row. */
export function clearAllStatements(): CompiledQuery[] {
  return [
    raiseSerial(sql<boolean>`exists ${db.selectFrom("packages").select("filename")}`),
    raiseProjects(db.selectFrom("packages").select("name").distinct()),
    db.deleteFrom("packages").compile(),
  ];
}

/** Sets a project's claim. */
export function claimStatements(project: string, isClaimed: boolean): CompiledQuery[] {
  const claim = db.selectFrom("cairn_projects").select("is_claimed").where("name", "=", project);
  const wanted = Number(isClaimed);
  return [
    raiseSerial(sql<boolean>`coalesce(${claim}, 0) <> ${wanted}`),
    db.insertInto("cairn_projects").values({ name: project, serial: 0, is_claimed: wanted })
      .onConflict((conflict) => conflict.column("name").doUpdateSet({ is_claimed: wanted }))
      .compile(),
  ];
}

function raiseSerial(condition: RawBuilder<boolean>): CompiledQuery {
  return db.updateTable("cairn_index")
    .set({ serial: sql<number>`serial + 1` })
    .where(condition).compile();
}

// `where true` keeps SQLite from taking the conflict clause for a join.
function raiseProjects(names: Expression<unknown>): CompiledQuery {
  return sql`insert into cairn_projects (name, serial, is_claimed)
    select name, ${currentSerial}, 0 from ${names} where true
    on conflict (name) do update set serial = excluded.serial`.compile(db);
}

function valuesOf(arrays: readonly string[]): RawBuilder<unknown> {
  return sql.join(
    arrays.map((array) => sql`select value from json_each(${array})`),
    sql` union all `,
  );
}
