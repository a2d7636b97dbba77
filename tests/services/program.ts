/** Programs of this machine that some tests need. */

import { accessSync, constants } from "node:fs";
import process from "node:process";

/** A program, or why there is none. */
export interface Program {
  /** Its path; empty where it is missing. */
  readonly path: string;
  /** `false`, or the reason to skip: it fits the `skip` option of a test. */
  readonly missing: string | false;
}

/**
 * Looks for a program under any of `names`, on the PATH and then in `folders`, or at a full path.
 *
 * Where there is none it says so in one line, which the runner collects.
 */
export function findProgram(names: readonly string[], folders: readonly string[] = []): Program {
  const places = [...(process.env["PATH"] ?? "").split(":"), ...folders];
  for (const name of names) {
    const paths = name.includes("/") ? [name] : places.map((place) => `${place}/${name}`);
    const path = paths.find(isExecutable);
    if (path) return { path, missing: false };
  }
  const missing = `no ${names[0]!.split("/").at(-1)} on this machine`;
  console.log(`skipped: ${missing}`);
  return { path: "", missing };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
