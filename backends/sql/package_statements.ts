/**
 * The statements of the SQL index, run by nobody here.
 *
 * Each change is a list of statements for one transaction, without a look at the rows in between,
 * because that is all that D1 offers. First the serial of the index grows, under the condition that
 * something will change; then the projects concerned take it over as theirs; then the rows change.
 * So every serial is greater than all before it, whatever project it was for.
 *
 * A row is complete when its `data` has a size: PyPICloud writes none.
 */

import type { PackageRow } from "./package_row.ts";
import { packageColumns, type SqlDialect } from "./dialect.ts";
import { joined, raw, sql, type SqlFragment } from "./fragment.ts";
import type { SqlStatement } from "./runner.ts";

/** The version of the tables' layout that this code reads and writes. */
export const schemaVersion = 2;

/** Rows as JSON texts, each small enough to be one parameter. */
export interface RowChunk {
  /** An array of arrays of the columns, in the order of {@linkcode PackageRow}. */
  readonly rows: string;
  /** An array of their filenames. */
  readonly filenames: string;
  /** An array of their project names. */
  readonly names: string;
}

const always = sql`true`;
const currentSerial = sql`(select serial from cairn_index)`;
const isComplete = sql`data like '%"size":%'`;
const columns = raw(packageColumns.join(", "));
const reload = "reload";

/** The statements in one database's language. */
export class IndexStatements {
  readonly #dialect: SqlDialect;
  readonly #selected: SqlFragment;

  /** In the language of a dialect. */
  constructor(dialect: SqlDialect) {
    this.#dialect = dialect;
    this.#selected = sql`filename, name, version, ${dialect.lastModified} as last_modified,
      summary, data`;
  }

  /** Reads or makes the version of the layout; the last statement answers it. */
  version(): SqlStatement[] {
    return this.#compiled([
      ...this.#dialect.openings,
      sql`insert into cairn_index (id, serial, schema_version) values (1, 0, 0)
        ${this.#dialect.onConflict("id", [])}`,
      sql`select schema_version from cairn_index`,
    ]);
  }

  /** Makes the tables where they are not there yet. */
  tables(): SqlStatement[] {
    return this.#change([
      ...this.#dialect.tables,
      sql`update cairn_index set schema_version = ${schemaVersion}`,
    ]);
  }

  /** Answers the row of a file. */
  file(filename: string): SqlStatement {
    return this.#compile(this.#file(filename));
  }

  /** Answers the rows of files, whose names are a JSON array. */
  fileMany(filenames: string): SqlStatement {
    return this.#compile(sql`select ${this.#selected} from packages
      join (${this.#dialect.texts(filenames)}) as asked on filename = value`);
  }

  /** Answers the rows of a project's files. */
  files(project: string): SqlStatement {
    return this.#compile(sql`select ${this.#selected} from packages where name = ${project}`);
  }

  /** Answers at most `limit` rows after a filename. */
  page(after: string, limit: number): SqlStatement {
    return this.#compile(sql`select ${this.#selected} from packages where filename > ${after}
      order by filename limit ${limit}`);
  }

  /** Answers of every complete row what a summary is made of. */
  facts(): SqlStatement {
    return this.#compile(sql`select filename, name, version,
      ${this.#dialect.lastModified} as last_modified, summary from packages where ${isComplete}`);
  }

  /** Answers `serial` and `is_claimed` of a project, if it is known. */
  project(project: string): SqlStatement {
    return this.#compile(
      sql`select serial, is_claimed from cairn_projects where name = ${project}`,
    );
  }

  /** Answers the names of the projects with complete rows or a claim. */
  names(): SqlStatement {
    return this.#compile(sql`select name from cairn_projects
      where is_claimed = 1 or (serial > 0 and exists (select filename from packages
        where packages.name = cairn_projects.name and ${isComplete}))`);
  }

  /** Answers the serial of the index. */
  serial(): SqlStatement {
    return this.#compile(sql`select serial from cairn_index`);
  }

  /** Answers the `value` of the cursor, if there is one. */
  cursor(): SqlStatement {
    return this.#compile(sql`select value from cairn_cursors where name = ${reload}`);
  }

  /** Moves the cursor; the first statement after the lock answers the one there was. */
  moveCursor(from: string | undefined, to: string | undefined): SqlStatement[] {
    const held = sql`coalesce((select value from cairn_cursors where name = ${reload}), '')`;
    const change = to === undefined
      ? sql`delete from cairn_cursors where name = ${reload} and value = ${from ?? ""}`
      : sql`insert into cairn_cursors (name, value)
        select ${reload}, ${to} from cairn_index where ${held} = ${from ?? ""}
        ${this.#dialect.onConflict("name", ["value"])}`;
    return this.#change([sql`select ${held} as value`, change]);
  }

  /**
   * Adds a row unless its file has a complete one; the last statement answers the row there, and the
   * first after the lock the `data` of an incomplete one that it took the place of.
   */
  add(row: PackageRow): SqlStatement[] {
    const held = sql`select filename from packages
      where filename = ${row.filename} and ${isComplete}`;
    const isNew = sql`not exists (${held})`;
    const incomplete = sql`from packages
      where filename = ${row.filename} and not (${isComplete})`;
    return this.#change([
      sql`select data ${incomplete}`,
      this.#raiseSerial(isNew),
      this.#raiseProjects(sql`select ${row.name} as name from cairn_index where ${isNew}`),
      sql`delete ${incomplete}`,
      sql`insert into packages (${columns}) values (${this.#values(row)})
        ${this.#dialect.onConflict("filename", [])}`,
      this.#file(row.filename),
    ]);
  }

  /** Adds or replaces rows; three statements, however many rows there are. */
  save(chunks: readonly RowChunk[]): SqlStatement[] {
    const { texts, rows, onConflict } = this.#dialect;
    const names = united(chunks.map((chunk) => texts(chunk.names)));
    const filenames = united(chunks.map((chunk) => texts(chunk.filenames)));
    return this.#change([
      this.#raiseSerial(always),
      this.#raiseProjects(sql`select value as name from (${names}) as saved
        union select name from packages join (${filenames}) as saved on filename = value`),
      sql`insert into packages (${columns})
        select ${columns} from (${united(chunks.map((chunk) => rows(chunk.rows)))}) as saved
        where true ${onConflict("filename", packageColumns.slice(1))}`,
    ]);
  }

  /** Replaces or removes a row if it is as expected; the first statement after the lock finds it. */
  replace(expected: PackageRow, next: PackageRow | undefined): SqlStatement[] {
    const isExpected = sql`filename = ${expected.filename}
      and name = ${expected.name} and version = ${expected.version}
      and last_modified = ${this.#dialect.instant(expected.last_modified)}
      and coalesce(summary, '') = ${expected.summary ?? ""} and data = ${expected.data}`;
    const found = sql`from packages where ${isExpected}`;
    const names = sql`select name ${found}`;
    const both = next === undefined
      ? names
      : sql`${names} union select ${next.name} as name from cairn_index
        where exists (select filename ${found})`;
    return this.#change([
      sql`select filename ${found}`,
      this.#raiseSerial(sql`exists (select filename ${found})`),
      this.#raiseProjects(both),
      next === undefined ? sql`delete ${found}` : this.#update(next, isExpected),
    ]);
  }

  /** Removes a file's row; the first statement after the lock answers it, if it was there. */
  clear(filename: string): SqlStatement[] {
    const row = sql`from packages where filename = ${filename}`;
    return this.#change([
      sql`select filename ${row}`,
      this.#raiseSerial(sql`exists (select filename ${row})`),
      this.#raiseProjects(sql`select name ${row}`),
      sql`delete ${row}`,
    ]);
  }

  /** Removes every row. */
  clearAll(): SqlStatement[] {
    return this.#change([
      this.#raiseSerial(sql`exists (select filename from packages)`),
      this.#raiseProjects(sql`select distinct name from packages`),
      sql`delete from packages`,
    ]);
  }

  /** Sets a project's claim. */
  claim(project: string, isClaimed: boolean): SqlStatement[] {
    const wanted = Number(isClaimed);
    return this.#change([
      this.#raiseSerial(sql`coalesce(
        (select is_claimed from cairn_projects where name = ${project}), 0) <> ${wanted}`),
      sql`insert into cairn_projects (name, serial, is_claimed) values (${project}, 0, ${wanted})
        ${this.#dialect.onConflict("name", ["is_claimed"])}`,
    ]);
  }

  /** How many statements of a change come before its own. */
  get lockStatements(): number {
    return this.#dialect.lock.length;
  }

  #file(filename: string): SqlFragment {
    return sql`select ${this.#selected} from packages where filename = ${filename}`;
  }

  #values(row: PackageRow): SqlFragment {
    return sql`${row.filename}, ${row.name}, ${row.version},
      ${this.#dialect.instant(row.last_modified)}, ${row.summary}, ${row.data}`;
  }

  #update(next: PackageRow, isExpected: SqlFragment): SqlFragment {
    return sql`update packages set name = ${next.name}, version = ${next.version},
      last_modified = ${this.#dialect.instant(next.last_modified)}, summary = ${next.summary},
      data = ${next.data} where ${isExpected}`;
  }

  #raiseSerial(condition: SqlFragment): SqlFragment {
    return sql`update cairn_index set serial = serial + 1 where ${condition}`;
  }

  // `where true` keeps SQLite from taking the conflict clause for a join.
  #raiseProjects(names: SqlFragment): SqlFragment {
    return sql`insert into cairn_projects (name, serial, is_claimed)
      select name, ${currentSerial}, 0 from (${names}) as changed where true
      ${this.#dialect.onConflict("name", ["serial"])}`;
  }

  #change(statements: readonly SqlFragment[]): SqlStatement[] {
    return this.#compiled([...this.#dialect.lock, ...statements]);
  }

  #compiled(statements: readonly SqlFragment[]): SqlStatement[] {
    return statements.map((statement) => this.#compile(statement));
  }

  #compile(statement: SqlFragment): SqlStatement {
    return statement.statement(this.#dialect.placeholder);
  }
}

function united(relations: readonly SqlFragment[]): SqlFragment {
  return joined(relations, " union all ");
}
