/** Bundles the portable tests into one module for a runtime that loads no files. */

import { build, type Plugin, stop } from "esbuild";
import type { Outcome } from "./test_shim.ts";

/** What differs from runtime to runtime. */
export interface BundleOptions {
  /** The export conditions under which packages are looked up. */
  readonly conditions: readonly string[];
  /** Code at the end of the entry; it sees `runFile`. */
  readonly epilogue: string;
  /** Modules that the runtime has itself. Default: none. */
  readonly external?: readonly string[];
}

const SHIM = "./tests/runtimes/test_shim.ts";

/** What takes the place of Node's modules. A Worker has `node:assert` only if asked for. */
const REPLACED: Readonly<Record<string, string>> = {
  "node:test": "tests/runtimes/test_shim.ts",
  "node:assert/strict": "tests/runtimes/assert_shim.ts",
};

const MARK = "mark:";

/** Test files as one module. */
export interface Bundle {
  /** The text of an ES module that registers the tests of `files`, in order. */
  readonly script: string;
  readonly files: readonly string[];
  /** The files that could not be bundled, as failures. */
  readonly broken: readonly Outcome[];
}

/** Bundles the files that can be bundled. */
export async function bundle(files: readonly string[], options: BundleOptions): Promise<Bundle> {
  try {
    return await bundleSound(files, [], options);
  } catch {
    const broken = (await Promise.all(files.map((file) => failureOf(file, options)))).flat();
    const sound = files.filter((file) => !broken.some((outcome) => outcome.file === file));
    return await bundleSound(sound, broken, options);
  } finally {
    await stop();
  }
}

async function bundleSound(
  files: readonly string[],
  broken: readonly Outcome[],
  options: BundleOptions,
): Promise<Bundle> {
  return { script: await textOf(files, options), files, broken };
}

async function failureOf(file: string, options: BundleOptions): Promise<Outcome[]> {
  try {
    await textOf([file], options);
    return [];
  } catch (error) {
    return [{ name: file, file, status: "failed", reason: String(error) }];
  }
}

async function textOf(files: readonly string[], options: BundleOptions): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entryOf(files, options.epilogue), resolveDir: Deno.cwd(), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    logLevel: "silent",
    // Two functions of one name must not become two names: keys are built of them.
    keepNames: true,
    conditions: [...options.conditions],
    external: [...options.external ?? []],
    // The library has no side effects, and says so; its tests have nothing else.
    ignoreAnnotations: true,
    plugins: [marks(), replacements()],
  });
  return outputFiles[0]!.text;
}

/** Modules run in the order of their imports, so a mark before a file tells whose tests follow. */
function entryOf(files: readonly string[], epilogue: string): string {
  const imports = files.flatMap((file) => [`import "${MARK}${file}";`, `import "./${file}";`]);
  return [...imports, `import { runFile } from "${SHIM}";`, epilogue].join("\n");
}

function marks(): Plugin {
  return {
    name: "marks",
    setup({ onResolve, onLoad }): void {
      onResolve({ filter: /^mark:/ }, ({ path }) => ({ path, namespace: "marks" }));
      onLoad({ filter: /./, namespace: "marks" }, ({ path }) => {
        const file = JSON.stringify(path.slice(MARK.length));
        const contents = `import { enterFile } from "${SHIM}"; enterFile(${file});`;
        return { contents, resolveDir: Deno.cwd() };
      });
    },
  };
}

function replacements(): Plugin {
  return {
    name: "replacements",
    setup({ onResolve }): void {
      onResolve({ filter: /^node:/ }, ({ path }) => {
        const file = REPLACED[path];
        return file ? { path: `${Deno.cwd()}/${file}` } : undefined;
      });
    },
  };
}
