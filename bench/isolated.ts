import { Buffer } from "node:buffer";
import { build, stop } from "esbuild";

/**
 * A copy of modules of its own, bundled: engines specialise code by what has gone through it, and in
 * production one kernel goes through it, not two as in a bench.
 */
export async function isolated<T>(exports: string): Promise<T> {
  const { outputFiles } = await build({
    stdin: { contents: exports, resolveDir: new URL("..", import.meta.url).pathname, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    target: "esnext",
  });
  await stop();
  // A comment that differs keeps the loader from giving the same copy twice.
  const text = `${outputFiles[0]!.text}\n// ${crypto.randomUUID()}`;
  return await import(`data:text/javascript;base64,${Buffer.from(text).toString("base64")}`) as T;
}
