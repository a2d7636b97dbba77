/** Users from an htpasswd file that is read again whenever it has changed. */

import { readFile, stat } from "node:fs/promises";
import { type Log, reasonOf } from "../wheels/log.ts";
import { parseHtpasswd, type Users } from "../wheels/users/htpasswd.ts";

/** Checks names and passwords against the file as it is now. */
export class UsersFile {
  readonly #path: string;
  readonly #log: Log;
  #users: Users;
  #version: string;

  constructor(path: string, log: Log, read: { users: Users; version: string }) {
    this.#path = path;
    this.#log = log;
    this.#users = read.users;
    this.#version = read.version;
  }

  /** Reads the file. Rejects where it is not there or is no htpasswd file. */
  static async open(path: string, log: Log): Promise<UsersFile> {
    try {
      const version = await versionOf(path);
      return new UsersFile(path, log, { users: await read(path, log), version });
    } catch (cause) {
      throw new Error(`Cannot open users file "${path}": ${reasonOf(cause)}`, { cause });
    }
  }

  /** Whether there is such a user with such a password. A broken file leaves the users as they were. */
  async verify(name: string, password: string): Promise<boolean> {
    await this.#refresh();
    return await this.#users.verify(name, password);
  }

  /** Whether that was found right a moment ago. A changed file makes this forget everything. */
  async remembers(name: string, password: string): Promise<boolean> {
    await this.#refresh();
    return await this.#users.remembers(name, password);
  }

  async #refresh(): Promise<void> {
    try {
      const version = await versionOf(this.#path);
      if (version === this.#version) return;
      this.#version = version;
      this.#users = await read(this.#path, this.#log);
      this.#log("info", `Read the users anew`, { users: this.#users.names.length });
    } catch (error) {
      this.#log("error", `Kept the users as they were: ${reasonOf(error)}`);
    }
  }
}

async function read(path: string, log: Log): Promise<Users> {
  const users = parseHtpasswd(await readFile(path, "utf8"));
  for (const name of users.unusable) {
    log("warn", `Nobody comes in as "${name}": its hash is of an unknown kind`);
  }
  return users;
}

async function versionOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}:${size}:${ino}`;
}
