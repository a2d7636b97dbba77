/** Users from an htpasswd file that is read again whenever it has changed. */

import type { Log } from "../wheels/log.ts";
import { parseHtpasswd, type Users } from "../wheels/users/htpasswd.ts";
import { WatchedFile } from "./watched_file.ts";

/** Checks names and passwords against the file as it is now. */
export class UsersFile {
  readonly #file: WatchedFile<Users>;

  constructor(file: WatchedFile<Users>) {
    this.#file = file;
  }

  /** Reads the file. Rejects where it is not there or is no htpasswd file. */
  static async open(path: string, log: Log): Promise<UsersFile> {
    const parse = (text: string): Users => parsed(text, log);
    return new UsersFile(await WatchedFile.open(path, { what: "users", parse, log }));
  }

  /** Whether there is such a user with such a password. A broken file leaves the users as they were. */
  async verify(name: string, password: string): Promise<boolean> {
    return await (await this.#file.now()).verify(name, password);
  }

  /** Whether that was found right a moment ago. A changed file makes this forget everything. */
  async remembers(name: string, password: string): Promise<boolean> {
    return await (await this.#file.now()).remembers(name, password);
  }
}

function parsed(text: string, log: Log): Users {
  const users = parseHtpasswd(text);
  for (const name of users.unusable) {
    log("warn", `Nobody comes in as "${name}": its hash is of an unknown kind`);
  }
  return users;
}
