/** Runs portable tests inside Chromium: `deno run -A tests/runtimes/chromium.ts REPORT FILE...` */

import { chromium, type Page } from "playwright-core";
import { chromiumProgram } from "../services/chromium.ts";
import { bundle } from "./bundle.ts";
import type { Outcome } from "./test_shim.ts";

const EPILOGUE = "globalThis.runFile = runFile;";
const FILE_LIMIT_MS = 300_000;
const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const [report, ...wanted] = Deno.args;
const outcomes = chromiumProgram.missing ? [leftOut(chromiumProgram.missing)] : await runInside();
await Deno.writeTextFile(report!, JSON.stringify(outcomes));

function leftOut(reason: string): Outcome {
  return { name: "core on Chromium", file: "", status: "skipped", reason };
}

async function runInside(): Promise<Outcome[]> {
  const { script, files, broken } = await bundle(wanted, {
    conditions: ["browser"],
    epilogue: EPILOGUE,
  });
  const server = serve(script);
  // Chromium's own sandbox does not work for root, as which CI runs.
  const browser = await chromium.launch({
    executablePath: chromiumProgram.path!,
    args: FLAGS,
    chromiumSandbox: false,
  });
  try {
    const page = await browser.newPage();
    await load(page, `http://127.0.0.1:${server.addr.port}/`);
    return [...broken, ...await runOnPage(page, files)];
  } finally {
    await browser.close();
    await server.shutdown();
  }
}

/** Serves the page from loopback, which browsers hold for a secure context. */
function serve(script: string): Deno.HttpServer<Deno.NetAddr> {
  const page =
    '<!doctype html><meta charset="utf-8"><script type="module" src="/tests.js"></script>';
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, ({ url }) => {
    const isScript = new URL(url).pathname === "/tests.js";
    const type = isScript ? "text/javascript" : "text/html";
    return new Response(isScript ? script : page, { headers: { "content-type": type } });
  });
}

async function load(page: Page, address: string): Promise<void> {
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error.stack ?? error)));
  page.setDefaultTimeout(FILE_LIMIT_MS);
  await page.goto(address, { waitUntil: "load" });
  if (errors.length > 0) throw new Error(`The tests did not load: ${errors.join("\n")}`);
}

async function runOnPage(page: Page, files: readonly string[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const file of files) {
    const found = await page.evaluate((name) => Reflect.get(globalThis, "runFile")(name), file);
    outcomes.push(...found as Outcome[]);
  }
  return outcomes;
}
