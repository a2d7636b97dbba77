/** The index on real PostgreSQL and MariaDB servers. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createPool, type Pool as MariadbPool } from "mysql2/promise";
import pg from "pg";
import { mysqlIndex } from "../../backends/index_mysql.ts";
import { postgresIndex } from "../../backends/index_postgres.ts";
import { BackendError } from "../../src/contracts/errors.ts";
import type { IndexCache } from "../../src/contracts/index_cache.ts";
import {
  fullRecord,
  type IndexCacheFixture,
  recordOf,
} from "../conformance/index_cache_fixture.ts";
import { indexCacheSuite } from "../conformance/index_cache_suite.ts";
import { mariadb } from "../services/mariadb.ts";
import { postgres } from "../services/postgres.ts";
import type { Server } from "../services/server.ts";
import { TcpLink } from "../services/tcp_link.ts";
import { until } from "../testing/until.ts";

/** An opening of a database: its index, and a way to look behind it. */
interface Opened {
  readonly index: IndexCache;
  query(sql: string): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

const tables = ["packages", "cairn_projects", "cairn_cursors", "cairn_index"];

async function emptied(opened: Opened): Promise<Opened> {
  await opened.query(`drop table if exists ${tables.join()}`);
  return opened;
}

function suite(name: string, open: () => Opened): void {
  indexCacheSuite(name, async (): Promise<IndexCacheFixture> => {
    const [own, other] = [await emptied(open()), open()];
    const close = async (): Promise<void> => {
      await own.close();
      await other.close();
    };
    return { index: own.index, other: other.index, breakStore: close, close };
  }, { layout: "sql" });
}

/** A connection that holds the lock of all changes. */
interface Holder {
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** Finds those who wait for it. */
  readonly waiting: string;
  close(): Promise<void>;
}

function cutCase(
  open: (port?: number) => Opened,
  hold: () => Promise<Holder>,
  portOf: () => number,
): void {
  it("a connection that is cut while it is used fails its call, and no other", async () => {
    await emptied(open()).then(({ close }) => close());
    const link = await TcpLink.open(portOf());
    const [opened, holder] = [open(link.port), await hold()];
    await opened.index.save(recordOf("demo"));
    await holder.query("start transaction");
    await holder.query("select serial from cairn_index for update");
    const saving = opened.index.save(recordOf("demo", "2.0")).catch((error) => error);
    await until("somebody waits for the lock", async () => {
      return (await holder.query(holder.waiting)).length > 0;
    });
    link.cut();
    ok(await saving instanceof BackendError);
    await holder.query("rollback");
    await opened.index.save(recordOf("demo", "3.0"));
    ok(await opened.index.fetch(recordOf("demo", "3.0").filename));
    for (const each of [opened, holder, link]) await each.close();
  });
}

function ownCases(open: () => Opened, old: { readonly tables: readonly string[] }): void {
  it("opens anew what several open at once, and writes what PyPICloud reads", async () => {
    const opened = await emptied(open());
    const others = Array.from({ length: 6 }, open);
    await Promise.all(others.map((other, at) => other.index.add(recordOf("demo", `1.${at}`))));
    equal((await opened.index.all("demo")).files.length, 6);
    await opened.index.save(fullRecord);
    const [row] = await opened.query("select * from packages where version = '2.0rc1'");
    equal(row?.filename, fullRecord.filename);
    equal(row?.summary, fullRecord.summary);
    equal(JSON.parse(String(row?.data)).hash_sha256, fullRecord.sha256);
    for (const each of [opened, ...others]) await each.close();
  });

  it("takes over a table of PyPICloud's and completes its rows in place", async () => {
    const opened = await emptied(open());
    for (const statement of old.tables) await opened.query(statement);
    const { index } = opened;
    equal(await index.fetch("demo-1.0.tar.gz"), undefined);
    deepEqual(await index.list({ limit: 10 }), { files: [], cursor: undefined });
    deepEqual(await index.distinct(), []);
    const given = recordOf("demo", "1.0", { filename: "demo-1.0.tar.gz" });
    const complete = { ...given, uploader: "zoe" };
    deepEqual(await index.add(given), complete);
    deepEqual(await index.add({ ...given, sizeBytes: 1 }), complete);
    await index.save({ ...complete, filename: "Demo-1.0.tar.gz" });
    equal((await index.all("demo")).files.length, 2);
    ok((await index.project("demo")).serial > 0);
    await opened.close();
  });

  it("refuses tables of a newer schema, names both versions, and leaves them alone", async () => {
    const opened = await emptied(open());
    await opened.index.save(recordOf("demo"));
    await opened.query("update cairn_index set schema_version = 3");
    const newer = open();
    const named = (error: unknown): boolean =>
      error instanceof BackendError && /schema 3, .* knows 2/.test(error.message);
    await rejects(() => newer.index.all("demo"), named);
    await rejects(() => newer.index.save(recordOf("demo", "2.0")), named);
    match((await newer.index.checkHealth()).reason, /schema 3, .* knows 2/);
    await opened.query("update cairn_index set schema_version = 2");
    deepEqual((await newer.index.all("demo")).files, [recordOf("demo")]);
    for (const each of [opened, newer]) await each.close();
  });
}

const columns = `filename VARCHAR(255) NOT NULL, name VARCHAR(255) NOT NULL,
  version VARCHAR(1000) NOT NULL`;
const oldRow = `INSERT INTO packages VALUES ('demo-1.0.tar.gz', 'demo', '1.0',
  '2020-01-02 03:04:05.678901', NULL, '{"uploader": "zoe"}')`;

describe("PostgreSQL", { skip: postgres.missing }, () => {
  let server: Server;
  before(async () => void (server = await postgres.start()));
  after(() => server.stop());

  const open = (port = server.port): Opened => {
    const place = { host: "127.0.0.1", port, user: "postgres", max: 8 };
    const pool = new pg.Pool({ ...place, database: "postgres" });
    // A connection that ends while nobody uses it is told here, and replaced at its next use.
    pool.on("error", () => {});
    return {
      index: postgresIndex(pool),
      query: async (sql) => (await pool.query(sql)).rows,
      close: async () => {
        if (!pool.ending) await pool.end();
      },
    };
  };
  suite("postgres", () => open());
  cutCase(open, async () => {
    const client = new pg.Client({ host: "127.0.0.1", port: server.port, user: "postgres" });
    await client.connect();
    return {
      query: async (sql) => (await client.query(sql)).rows,
      waiting: "select pid from pg_stat_activity where wait_event_type = 'Lock'",
      close: () => client.end(),
    };
  }, () => server.port);
  ownCases(open, {
    tables: [
      `CREATE TABLE packages (${columns}, last_modified TIMESTAMP WITHOUT TIME ZONE NOT NULL,
        summary TEXT, data TEXT NOT NULL, PRIMARY KEY (filename))`,
      "CREATE INDEX ix_packages_name ON packages (name)",
      "CREATE INDEX ix_packages_last_modified ON packages (last_modified)",
      oldRow,
    ],
  });
});

describe("MariaDB", { skip: mariadb.missing }, () => {
  let server: Server;
  before(async () => {
    server = await mariadb.start();
    const pool = pooled();
    await pool.query("create database cairn");
    await pool.end();
  });
  after(() => server.stop());

  const pooled = (database?: string, port = server.port): MariadbPool => {
    const place = { host: "127.0.0.1", port, user: "root", charset: "utf8mb4" };
    return createPool({ ...place, connectionLimit: 8, ...database && { database } });
  };
  const open = (port = server.port): Opened => {
    const pool = pooled("cairn", port);
    let ended: Promise<void> | undefined;
    return {
      index: mysqlIndex(pool),
      query: async (sql) => (await pool.query(sql))[0] as Record<string, unknown>[],
      close: () => ended ??= pool.end(),
    };
  };
  suite("mariadb", () => open());
  cutCase(open, async () => {
    const pool = pooled("cairn");
    const connection = await pool.getConnection();
    return {
      query: async (sql) => (await connection.query(sql))[0] as Record<string, unknown>[],
      waiting: `select id from information_schema.processlist
        where info like 'select serial from cairn_index%' and id <> connection_id()`,
      close: () => pool.end(),
    };
  }, () => server.port);
  ownCases(open, {
    tables: [
      `CREATE TABLE packages (${columns}, last_modified DATETIME NOT NULL, summary TEXT,
        data TEXT NOT NULL, PRIMARY KEY (filename)) CHARSET utf8 COLLATE utf8_general_ci`,
      "CREATE INDEX ix_packages_name ON packages (name)",
      "CREATE INDEX ix_packages_last_modified ON packages (last_modified)",
      oldRow,
    ],
  });
});
