/** What files may be called. */

import { posix } from "node:path";
import type { Rule } from "./rule.ts";
import { isTypeScript } from "./source.ts";

const SAYS_NOTHING = /^(index|utils?|types?|helpers?|common|misc|shared|base|constants)\.ts$/;
const SNAKE_CASE = /^[a-z0-9]+(_[a-z0-9]+)*(\.d)?\.ts$/;

/** A file is named after its one idea. */
export const fileNames: Rule = {
  name: "files are named in snake_case after the one idea in them",
  appliesTo: isTypeScript,
  check: ({ path }) => {
    const name = posix.basename(path);
    return SAYS_NOTHING.test(name) || !SNAKE_CASE.test(name) ? [`1: "${name}"`] : [];
  },
  bad: [
    ["src/hash/index.ts", ""],
    ["src/hash/utils.ts", ""],
    ["src/wheels/http/types.ts", ""],
    ["backends/workersKv.ts", ""],
    ["backends/workers-kv.ts", ""],
  ],
  good: [
    ["src/hash/md5.ts", ""],
    ["src/region/function_key.ts", ""],
    ["tests/core/a_test.ts", ""],
  ],
};
