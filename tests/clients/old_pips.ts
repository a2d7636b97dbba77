/** Earlier versions of pip, run from their wheels by the Python of the tests. */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Ran } from "./command.ts";
import type { PythonTools } from "./python.ts";

/** Those that distributions and images of the last years came with. */
export const OLD_PIPS: readonly string[] = ["18.1", "19.2.3", "22.0.4", "23.0.1", "23.2.1", "24.2"];

// What the oldest of them take from `collections` has moved since.
const PREPARE = `
import collections, collections.abc, runpy, sys
for name in ("Mapping", "MutableMapping", "Sequence", "MutableSet", "Callable", "Iterable"):
    if not hasattr(collections, name):
        setattr(collections, name, getattr(collections.abc, name))
sys.path.insert(0, sys.argv.pop(1))
`;

/** Earlier versions of pip in a folder. */
export class OldPips {
  readonly #tools: PythonTools;
  readonly #folder: string;

  constructor(tools: PythonTools, folder: string) {
    this.#tools = tools;
    this.#folder = folder;
  }

  /** Takes their wheels from an index. */
  static async from(index: string, tools: PythonTools): Promise<OldPips> {
    const folder = join(tools.folder, "pips");
    for (const version of OLD_PIPS) {
      const args = ["download", "--no-deps", "-d", folder, "--index-url", index];
      const { code, output } = await tools.pip(...args, `pip==${version}`);
      if (code !== 0) throw new Error(`Cannot get pip ${version}: ${output}`);
    }
    return new OldPips(tools, folder);
  }

  /** Runs one, isolated and without its cache. */
  pip(version: string, ...args: string[]): Promise<Ran> {
    const run = "runpy.run_module('pip', run_name='__main__', alter_sys=True)";
    return this.#python(version, `${PREPARE}${run}`, "--isolated", "--no-cache-dir", ...args);
  }

  /** Runs a script that may import one. */
  script(version: string, script: string, ...args: string[]): Promise<Ran> {
    return this.#python(version, `${PREPARE}${script}`, ...args);
  }

  #python(version: string, script: string, ...args: string[]): Promise<Ran> {
    const wheel = readdirSync(this.#folder).find((name) => name.startsWith(`pip-${version}-`));
    return this.#tools.run("python", "-c", script, join(this.#folder, wheel!), ...args);
  }
}
