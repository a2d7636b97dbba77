/** Opening Deno KV by an address. */

import { json } from "../../src/compose/json_codec.ts";
import { serialized } from "../../src/compose/serialized.ts";
import { serializedLocks } from "../../src/compose/serialized_locks.ts";
import type { OpenedStore, OpenerArguments } from "../../src/contracts/opener.ts";
import { type DenoKv, denoKvBackend, denoKvLocks, type DenoKvOptions } from "../deno_kv.ts";

type OpenKv = (path?: string) => Promise<DenoKv & { close(): void }>;

/**
 * Opens `deno-kv:PATH`, or `deno-kv:` for the runtime's own database; `PATH` may be `:memory:` or an
 * address of Deno's. Elsewhere than on Deno it needs the package `@deno/kv`. The argument `prefix` is
 * that of {@linkcode DenoKvOptions}.
 */
export async function openDenoKv(args: OpenerArguments): Promise<OpenedStore> {
  const { address = "", prefix } = args;
  const path = address.slice(address.indexOf(":") + 1);
  const options: DenoKvOptions = typeof prefix === "string" ? { prefix } : {};
  const openKv = await kvOpener();
  const kv = await openKv(path === "" || path === address ? undefined : path);
  return {
    backend: serialized(json, denoKvBackend(kv, options)),
    locks: serializedLocks(json, denoKvLocks(kv, options)),
    close: async () => kv.close(),
  };
}

async function kvOpener(): Promise<OpenKv> {
  const runtime = (globalThis as { Deno?: { openKv?: OpenKv } }).Deno;
  if (runtime?.openKv) return (path) => runtime.openKv!(path);
  return (await import("@deno/kv")).openKv as unknown as OpenKv;
}
