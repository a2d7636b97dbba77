// runs on: deno
/** Entries and locks on D1, in its own runtime. */

import { testInside } from "./workerd/inside.ts";

await testInside("tests/system/workerd/d1_entries.ts", { d1Databases: ["DATABASE"] });
