/** What a file says, read again whenever the file has changed. */

import { readFile, stat } from "node:fs/promises";
import { type Log, reasonOf } from "../wheels/log.ts";

/** What is made of a file. */
export interface Watched<T> {
  /** What it holds, for messages, e.g. `"users"`. */
  readonly what: string;
  /** Reads its text. Throws where it makes no sense. */
  readonly parse: (text: string) => T;
  /** Told of changes. */
  readonly log: Log;
}

/** A file as it is now, or as it was when it last made sense. */
export class WatchedFile<T> {
  readonly #path: string;
  readonly #watched: Watched<T>;
  #content: T;
  #version: string;

  constructor(path: string, watched: Watched<T>, read: { content: T; version: string }) {
    this.#path = path;
    this.#watched = watched;
    this.#content = read.content;
    this.#version = read.version;
  }

  /** Reads the file. Rejects where it is not there or makes no sense. */
  static async open<T>(path: string, watched: Watched<T>): Promise<WatchedFile<T>> {
    try {
      const version = await versionOf(path);
      const content = watched.parse(await readFile(path, "utf8"));
      return new WatchedFile(path, watched, { content, version });
    } catch (cause) {
      const message = `Cannot open ${watched.what} file "${path}": ${reasonOf(cause)}`;
      throw new Error(message, { cause });
    }
  }

  /** What it says. A broken file leaves that as it was. */
  async now(): Promise<T> {
    const { what, parse, log } = this.#watched;
    try {
      const version = await versionOf(this.#path);
      if (version !== this.#version) {
        this.#version = version;
        this.#content = parse(await readFile(this.#path, "utf8"));
        log("info", `Read the ${what} anew`);
      }
    } catch (error) {
      log("error", `Kept the ${what} as they were: ${reasonOf(error)}`);
    }
    return this.#content;
  }
}

async function versionOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}:${size}:${ino}`;
}
