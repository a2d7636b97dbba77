/** The Python programs of the tests: pip, uv and twine from a virtual environment of their own. */

import { mkdtempSync, rmSync } from "node:fs";
import { devNull, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { type Ran, run } from "./command.ts";

/** Python programs that read no configuration of the machine and keep nothing. */
export class PythonTools implements Disposable {
  readonly #bin: string;
  /** A folder of their own, removed in the end. */
  readonly folder: string = mkdtempSync(join(tmpdir(), "cairn-python-"));

  /** Takes them from the `bin` folder of a virtual environment. */
  constructor(bin: string) {
    this.#bin = bin;
  }

  /** Runs `pip` isolated, without its cache. */
  pip(...args: string[]): Promise<Ran> {
    return this.run("python", "-m", "pip", "--isolated", "--no-cache-dir", ...args);
  }

  /** Runs `twine` without asking for anything. */
  twine(...args: string[]): Promise<Ran> {
    const [command = "", ...rest] = args;
    return this.run("twine", command, "--non-interactive", "--disable-progress-bar", ...rest);
  }

  /** Runs `uv` without configuration and cache. */
  uv(...args: string[]): Promise<Ran> {
    return this.run("uv", "--no-config", "--no-cache", "--no-python-downloads", ...args);
  }

  /** Runs a program of the environment in the folder. */
  run(program: string, ...args: string[]): Promise<Ran> {
    return run(join(this.#bin, program), args, { env: this.#environment(), cwd: this.folder });
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #environment(): Record<string, string> {
    return {
      PATH: `${this.#bin}:${process.env["PATH"] ?? ""}`,
      HOME: this.folder,
      PIP_CONFIG_FILE: devNull,
      PIP_DISABLE_PIP_VERSION_CHECK: "1",
      PIP_NO_INPUT: "1",
      PYTHONDONTWRITEBYTECODE: "1",
      NO_COLOR: "1",
      LANG: "C.UTF-8",
    };
  }
}
