/** Bundles the portable tests into one module for a runtime that loads no files. */

import { build, type Plugin } from "esbuild";

/** What a runtime lacks or names otherwise. */
export interface BundleOptions {
  /** Modules to be replaced: the bare name and the file that takes its place. */
  readonly replaced: Readonly<Record<string, string>>;
  /** Modules that the runtime has itself. */
  readonly external: readonly string[];
  /** The export conditions under which packages are looked up. */
  readonly conditions: readonly string[];
  /** Code at the end of the entry; it sees `runFile`. */
  readonly epilogue: string;
}

const SHIM = "./tests/runtimes/test_shim.ts";
const MARK = "mark:";

/** Gives the text of an ES module that registers the tests of `files`, in order. */
export async function bundle(files: readonly string[], options: BundleOptions): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: entryOf(files, options.epilogue), resolveDir: Deno.cwd(), loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
    logLevel: "silent",
    external: [...options.external],
    conditions: [...options.conditions],
    plugins: [marks(), replacements({ "node:test": SHIM, ...options.replaced })],
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

function replacements(replaced: Readonly<Record<string, string>>): Plugin {
  return {
    name: "replacements",
    setup({ onResolve }): void {
      onResolve({ filter: /^node:/ }, ({ path }) => {
        const file = replaced[path];
        return file ? { path: `${Deno.cwd()}/${file.replace(/^\.\//, "")}` } : undefined;
      });
    },
  };
}
