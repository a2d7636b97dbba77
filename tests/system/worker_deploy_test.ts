// runs on: deno
/** The Worker as wrangler would deploy it. */

import { equal, match, ok } from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { it } from "node:test";
import { run } from "../clients/command.ts";
import { nodeProgram } from "../run/toolchain.ts";

/** What the platform may have to load, in KiB compressed with gzip: design budget 150 kB. */
const MOST_GZIP_KIB = 150_000 / 1_024;

it("wrangler bundles the Worker with all its bindings, within its budget", async () => {
  const node = await nodeProgram(24);
  const out = mkdtempSync(join(tmpdir(), "cairn-worker-"));
  try {
    const { code, output } = await run(
      node,
      [
        join(process.cwd(), "node_modules/wrangler/bin/wrangler.js"),
        "deploy",
        "--dry-run",
        "--outdir",
        out,
      ],
      {
        cwd: "src/apps",
        env: {
          PATH: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
          HOME: out,
          CI: "1",
          NO_COLOR: "1",
          WRANGLER_SEND_METRICS: "false",
        },
      },
    );
    equal(code, 0, output);
    for (const binding of ["FILES", "INDEX", "PAGES"]) {
      match(output, new RegExp(`env\\.${binding}`));
    }
    const [, gzipKiB] = /gzip: ([\d.]+) KiB/.exec(output) ?? [];
    ok(Number(gzipKiB) <= MOST_GZIP_KIB, `The Worker takes ${gzipKiB} KiB: ${output}`);
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
});
