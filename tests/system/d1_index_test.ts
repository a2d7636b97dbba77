// runs on: deno
/** The index on D1 in its own runtime. */

import { testInside } from "./workerd/inside.ts";

await testInside("tests/system/workerd/d1_index.ts", { d1Databases: ["DATABASE"] });
