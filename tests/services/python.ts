import { fileURLToPath } from "node:url";
import { findProgram, type Program } from "./program.ts";

/** The folder of the virtual environment that holds the Python tools of the tests. */
export const PYTHON_FOLDER: string = fileURLToPath(new URL("../.tools/python", import.meta.url));

/**
 * A program of the tests' own virtual environment: `python`, `pip`, `twine`, `uv`.
 *
 * `requirements.txt` lists what is in it; the runner makes it before the tests that may need it.
 */
export function pythonTool(name: string): Program {
  return findProgram([`${PYTHON_FOLDER}/bin/${name}`]);
}
