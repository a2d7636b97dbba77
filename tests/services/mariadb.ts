import { findProgram, type Program } from "./program.ts";
import { isGreeting, runAs, type Service, service } from "./server.ts";

const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin"];
const program = findProgram(["mariadbd", "mysqld"], SYSTEM_FOLDERS);
const install = program.missing ? program : findProgram(["mariadb-install-db"]);
const USER = "mysql";

/** MariaDB with tables of its own; the user `root` needs no password. */
export const mariadb: Service = service({
  program,
  user: USER,
  prepare: ({ folder }) => {
    const tables = [`--datadir=${folder}/data`, "--auth-root-authentication-method=normal"];
    runAs(USER, [install.path, "--no-defaults", ...tables, "--skip-test-db"]);
  },
  // It listens long before it greets, and a signal that comes in between is lost.
  isReady: ({ port }) => isGreeting(port),
  arguments: ({ port, folder }) => [
    ...["--no-defaults", `--datadir=${folder}/data`, `--socket=${folder}/socket`],
    ...[`--port=${port}`, "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"],
  ],
});

/** MariaDB's own client. */
export const mariadbClient: Program = findProgram(["mariadb", "mysql"]);
