/**
 * A Worker with a region whose values are in Workers KV and whose creations a Durable Object decides
 * about; run several times over by `region_edge_test.ts`.
 */

import { durableObjectLocks, type OpenStub } from "../../../backends/durable_object.ts";
import { type KVNamespace, workersKVBackend } from "../../../backends/workers_kv.ts";
import { json } from "../../../src/compose/json_codec.ts";
import { locksBeside } from "../../../src/compose/locks_beside.ts";
import { serialized } from "../../../src/compose/serialized.ts";
import { makeRegion } from "../../../src/region/region.ts";

interface Env {
  readonly CACHE: KVNamespace;
  readonly STORE: { getByName(name: string): ReturnType<OpenStub> };
  /** Answers what is created, when the test lets it. */
  readonly ORIGIN: { fetch(url: string): Promise<Response> };
}

/** Answers the cached value of the key that the path names, or removes it. */
export async function answer(request: Request, env: Env): Promise<Response> {
  const key = new URL(request.url).pathname;
  const backend = serialized(json, workersKVBackend(env.CACHE));
  const locks = locksBeside(backend, durableObjectLocks(() => env.STORE.getByName("locks")));
  const region = makeRegion();
  region.configure({ backend, locks, hardTtlMs: 3_600_000, lock: { waitMs: 60_000 } });
  if (request.method === "DELETE") {
    await region.delete(key);
    return new Response("removed");
  }
  const create = async (): Promise<string> => {
    return await (await env.ORIGIN.fetch(`http://origin.example${key}`)).text();
  };
  return new Response(await region.getOrCreate(key, create));
}
