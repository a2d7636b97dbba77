/** The Python package registry that this machine's pip is configured for. */

import process from "node:process";
import { run } from "./command.ts";

const DEFAULT_INDEX = "from pip._internal.models.index import PyPI; print(PyPI.simple_url)";
const LIMIT_MS = 60_000;

/** Its simple index; or `undefined` and a line that says so, where none answers. */
export async function configuredIndex(): Promise<string | undefined> {
  const index = await answeringIndex();
  if (index === undefined) console.log("skipped: no Python package registry answers");
  return index;
}

async function answeringIndex(): Promise<string | undefined> {
  const index = process.env["PIP_INDEX_URL"] ??
    await printedBy("-m", "pip", "config", "get", "global.index-url") ??
    await printedBy("-c", DEFAULT_INDEX);
  if (index === undefined) return undefined;
  const address = index.endsWith("/") ? index : `${index}/`;
  try {
    const response = await fetch(`${address}six/`, { signal: AbortSignal.timeout(LIMIT_MS) });
    await response.body?.cancel();
    return response.ok ? address : undefined;
  } catch (error) {
    console.log(`No answer from the configured registry: ${error}`);
    return undefined;
  }
}

/** The hosts, besides the index's own, that the files of a project come from. */
export async function fileHostsOf(index: string, project: string): Promise<string[]> {
  const response = await fetch(`${index}${project}/`, { headers: { accept: "text/html" } });
  const hrefs = (await response.text()).matchAll(/href="([^"#]+)/g);
  const hosts = [...hrefs].map(([, href]) => new URL(href!, response.url).host);
  return [...new Set(hosts)].filter((host) => host !== new URL(index).host);
}

async function printedBy(...args: string[]): Promise<string | undefined> {
  const env = process.env as Record<string, string>;
  const { code, output } = await run("python3", args, { env });
  return code === 0 ? output.trim() : undefined;
}
