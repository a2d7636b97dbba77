// runs on: deno
/** The R2 file store in its own runtime. */

import { testInside } from "./workerd/inside.ts";

await testInside("tests/system/workerd/r2_files.ts", { r2Buckets: ["BUCKET"] });
