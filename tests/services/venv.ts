import { PYTHON_FOLDER } from "./python.ts";

/** Makes the virtual environment of the tests' Python tools. */

const ATTEMPTS = 3;
const REQUIREMENTS = "tests/services/requirements.txt";
const STAMP = `${PYTHON_FOLDER}/requirements.txt`;
const PYTHONS = ["python3", "/usr/bin/python3"];

/** Whether the environment already holds what the requirements ask for. */
export async function hasVenv(): Promise<boolean> {
  return await textOf(REQUIREMENTS) === await textOf(STAMP);
}

/** Makes the environment anew; the copy of the requirements in it is written last. */
export async function makeVenv(
  run: (command: readonly string[]) => Promise<boolean>,
): Promise<boolean> {
  for (const python of PYTHONS) {
    if (!await run([python, "-m", "venv", "--clear", PYTHON_FOLDER])) continue;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const pip = [`${PYTHON_FOLDER}/bin/python`, "-m", "pip", "install", "-q"];
      if (!await run([...pip, "--requirement", REQUIREMENTS])) continue;
      await Deno.copyFile(REQUIREMENTS, STAMP);
      return true;
    }
  }
  return false;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
