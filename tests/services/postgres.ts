import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { findProgram, type Program } from "./program.ts";
import { runAs, type Service, service } from "./server.ts";

// Debian keeps the programs of each major version in a folder of its own, off the PATH.
const VERSIONS = "/usr/lib/postgresql";
const folders = existsSync(VERSIONS)
  ? readdirSync(VERSIONS).sort().reverse().map((version) => `${VERSIONS}/${version}/bin`)
  : [];

const program = findProgram(["postgres"], folders);
const initdb = program.missing ? program : findProgram(["initdb"], folders);
const USER = "postgres";

const pgIsReady = program.missing ? program : findProgram(["pg_isready"], folders);

function isAccepting(port: number): boolean {
  const { status } = spawnSync(pgIsReady.path, ["-q", "-h", "127.0.0.1", "-p", String(port)]);
  return status === 0;
}

/** PostgreSQL with a cluster of its own; the user `postgres` needs no password. */
export const postgres: Service = service({
  program,
  user: USER,
  prepare: ({ folder }) => {
    const cluster = ["--pgdata", `${folder}/data`, "--username", USER, "--auth", "trust"];
    runAs(USER, [initdb.path, ...cluster, "--encoding", "UTF8", "--no-sync"]);
  },
  // It listens before it has recovered its cluster, and refuses whoever comes so early.
  isReady: ({ port }) => isAccepting(port),
  arguments: ({ port, folder }) => [
    ...["-D", `${folder}/data`, "-p", String(port), "-k", folder],
    ...["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"],
  ],
});

/** PostgreSQL's own client. */
export const psql: Program = findProgram(["psql"], folders);
