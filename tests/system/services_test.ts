import { equal, match, notEqual, rejects } from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { after, before, describe, it } from "node:test";
import { mariadb, mariadbClient } from "../services/mariadb.ts";
import { memcached } from "../services/memcached.ts";
import { postgres, psql } from "../services/postgres.ts";
import { pythonTool } from "../services/python.ts";
import { redis } from "../services/redis.ts";
import { type Server, type Service, service } from "../services/server.ts";

/** Sends a line and gives the first that comes back. */
function ask(port: number, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(`${line}\r\n`));
    socket.once("error", reject);
    socket.once("data", (chunk) => {
      socket.destroy();
      resolve(String(chunk).trim());
    });
  });
}

/** Runs a program and gives what it printed. */
function printed(program: string, args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
  return stdout.trim() || stderr;
}

/** Whether a process with that pid is there. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Trial {
  readonly service: Service;
  /** `false`, or what else is missing for the question. */
  readonly missing?: string | false;
  readonly ask: (port: number) => Promise<string>;
  readonly answer: RegExp;
}

const trials: Readonly<Record<string, Trial>> = {
  redis: { service: redis, ask: (port) => ask(port, "PING"), answer: /^\+PONG$/ },
  memcached: { service: memcached, ask: (port) => ask(port, "version"), answer: /^VERSION \d/ },
  PostgreSQL: {
    service: postgres,
    missing: psql.missing,
    answer: /^42$/,
    ask: (port) => {
      const where = ["-h", "127.0.0.1", "-p", String(port), "-U", "postgres"];
      return Promise.resolve(printed(psql.path, [...where, "-Atc", "select 6 * 7"]));
    },
  },
  MariaDB: {
    service: mariadb,
    missing: mariadbClient.missing,
    answer: /^42$/,
    ask: (port) => {
      const where = ["--no-defaults", "-h", "127.0.0.1", "-P", String(port), "-u", "root"];
      return Promise.resolve(printed(mariadbClient.path, [...where, "-Ne", "select 6 * 7"]));
    },
  },
};

for (const [name, { service, missing = false, ask, answer }] of Object.entries(trials)) {
  describe(`${name}, started by the tests,`, { skip: service.missing || missing }, () => {
    let server: Server;
    before(async () => {
      server = await service.start();
    });
    after(() => server.stop());

    it("answers on a free port", async () => match(await ask(server.port), answer));

    it("is another one each time, and is gone when stopped, with its folder", async () => {
      const other = await service.start();
      notEqual(other.port, server.port);
      equal(isAlive(other.pid), true);
      await other.stop();
      equal(isAlive(other.pid), false);
      equal(existsSync(other.folder), false);
      match(await ask(server.port), answer);
    });
  });
}

describe("service", () => {
  it("says what a server that does not start had to say", async () => {
    const shell = { path: "/bin/sh", missing: false } as const;
    const failing = service({ program: shell, arguments: () => ["-c", "echo no luck; exit 3"] });
    await rejects(failing.start(), /it ended with code 3\nno luck/);
  });
});

for (const name of ["python", "pip", "twine", "uv"]) {
  const tool = pythonTool(name);
  describe(`${name} in the tests' own environment`, { skip: tool.missing }, () => {
    it("runs", () => match(printed(tool.path, ["--version"]), /\d+\.\d+/));
  });
}
