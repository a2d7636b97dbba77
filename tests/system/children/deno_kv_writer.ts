/**
 * A process that dies while it writes to a Deno KV file: `deno_kv_writer.ts FILE COMMIT before|during`.
 *
 * It writes more keys than one commit takes, then a value of many parts, then one under a lock, and
 * kills itself before the
 * commit of that number, or as soon as it is handed to Deno KV. It prints "done" if it got to the end.
 */

import process from "node:process";
import { denoKvBackend, denoKvLocks } from "../../../backends/deno_kv.ts";
import type { DenoKvAtomic } from "../../../backends/deno_kv.ts";
import { no, type OpenKv, openKv, write } from "../../testing/deno_kv_fixture.ts";

const [file, number, moment] = process.argv.slice(2);
const kv = await openKv(file!);
let commits = 0;

function dying(atomic: DenoKvAtomic): DenoKvAtomic {
  return {
    check: (check) => atomic.check(check),
    set: (key, value, options) => atomic.set(key, value, options),
    delete: (key) => atomic.delete(key),
    commit: () => {
      const isLast = ++commits === Number(number);
      if (isLast && moment === "before") process.kill(process.pid, "SIGKILL");
      const committing = atomic.commit();
      if (isLast) process.kill(process.pid, "SIGKILL");
      return committing;
    },
  };
}

const mortal: OpenKv = {
  getMany: (keys) => kv.getMany(keys),
  list: (selector) => kv.list(selector),
  close: () => kv.close(),
  atomic: () => dying(kv.atomic()),
};

await denoKvBackend(mortal).set(
  Array.from({ length: 1_200 }, (_, index) => write(`small ${index}`, 20)),
);
await denoKvBackend(mortal).set([write("plain", 2_000_000)]);
const { lease } = await denoKvLocks(mortal).acquire("locked", {
  leaseMs: 1_000,
  waitMs: 0,
  enough: no,
});
await lease!.commit(write("locked", 2_000_000));
console.log("done");
kv.close();
