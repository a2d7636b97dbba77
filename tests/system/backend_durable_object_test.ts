// runs on: deno
/** Entries and locks in a Durable Object, in its own runtime. */

import { testInside } from "./workerd/inside.ts";

await testInside("tests/system/workerd/durable_object.ts", {
  classes: "tests/system/workerd/test_store.ts",
  durableObjects: { STORE: { className: "TestStore", useSQLite: true } },
  kvNamespaces: ["CACHE"],
});
