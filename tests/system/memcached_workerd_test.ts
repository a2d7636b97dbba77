// runs on: deno
/** memcached from inside workerd, over its sockets of `node:net`. */

import { memcached } from "../services/memcached.ts";
import { testInside } from "./workerd/inside.ts";

if (!memcached.missing) {
  const running = await memcached.start();
  const address = `127.0.0.1:${running.port}`;
  await testInside("tests/system/workerd/memcached.ts", {
    bindings: { MEMCACHED: address },
    compatibilityFlags: ["nodejs_compat"],
  });
  await running.stop();
}
