/** A backend to inherit from: overrides some verbs of another one. */

import type { Backend, Limits, Write } from "../contracts/backend.ts";
import type { Entry } from "../contracts/entry.ts";
import { type LockedStore, proxiedStore } from "./proxied_locks.ts";

/**
 * The class that users extend to change what a backend does.
 *
 * Every verb not overridden goes to the backend beneath, `proxied`. A backend has one verb for each
 * thing to do and one shape of value, so an override is seen whatever the store. A proxy is made
 * without a backend and wrapped around one by the region (or by `wrap`), so that it can be named in
 * a configuration before there is one. It serves that one backend for good.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { memoryBackend, ProxyBackend } from "@cairn/cache";
 *
 * class Logging extends ProxyBackend {
 *   readonly asked: string[] = [];
 *
 *   override async get(keys: readonly string[]) {
 *     this.asked.push(...keys);
 *     return await super.get(keys);
 *   }
 * }
 *
 * const logging = new Logging().wrap(memoryBackend());
 * await logging.get(["a", "b"]);
 * deepEqual(logging.asked, ["a", "b"]);
 * ```
 */
export class ProxyBackend<V = Entry> implements Backend<V> {
  #proxied: Backend<V> | undefined;

  /**
   * Puts this proxy around `backend` and answers it. A `TypeError` if it is already around another:
   * to rebind it would redirect whoever uses it.
   */
  wrap(backend: Backend<V>): this {
    if (this.#proxied && this.#proxied !== backend) {
      const state = `this ${this.constructor.name} already wraps "${this.#proxied.name}"`;
      throw new TypeError(`Cannot wrap "${backend.name}": ${state}`);
    }
    this.#proxied = backend;
    return this;
  }

  /**
   * Puts this proxy, and others within it, around a store whose locks write values: they see what
   * creations store, too. That is how a region wraps; `V` is then `Entry`.
   */
  wrapStore(store: LockedStore, others: readonly ProxyBackend[] = []): LockedStore {
    const proxies = [this as unknown as ProxyBackend, ...others];
    return proxiedStore(store, (bottom) => wrapped(bottom, proxies));
  }

  /** The backend beneath; a `TypeError` before `wrap`. */
  get proxied(): Backend<V> {
    if (this.#proxied) return this.#proxied;
    throw new TypeError(`Cannot use ${this.constructor.name}: it wraps no backend yet`);
  }

  /** The name of the backend beneath. */
  get name(): string {
    return this.proxied.name;
  }

  /** The limits of the backend beneath. */
  get limits(): Limits {
    return this.proxied.limits;
  }

  /** Reads from the backend beneath. */
  get(keys: readonly string[]): Promise<(V | undefined)[]> {
    return this.proxied.get(keys);
  }

  /** Stores in the backend beneath. */
  set(writes: readonly Write<V>[]): Promise<void> {
    return this.proxied.set(writes);
  }

  /** Removes from the backend beneath. */
  delete(keys: readonly string[]): Promise<void> {
    return this.proxied.delete(keys);
  }
}

/** A proxy, or its class to be instantiated without arguments. */
export type ProxyLike<V = Entry> = ProxyBackend<V> | (new () => ProxyBackend<V>);

/**
 * Puts proxies around a backend; the first is the outermost. A `TypeError` for anything else than a
 * proxy or a class of proxies, before any of them is bound.
 */
export function wrapped<V>(
  backend: Backend<V>,
  proxies: readonly ProxyLike<V>[],
): Backend<V> {
  const instances = proxies.map((proxy) => typeof proxy === "function" ? new proxy() : proxy);
  const stranger = instances.findIndex((proxy) => !(proxy instanceof ProxyBackend));
  if (stranger >= 0) {
    throw new TypeError(`Cannot wrap "${backend.name}": proxy ${stranger} is no ProxyBackend`);
  }
  return instances.reduceRight<Backend<V>>((beneath, proxy) => proxy.wrap(beneath), backend);
}

/** The backend beneath all proxies; itself if it is none. */
export function actualBackend<V>(backend: Backend<V>): Backend<V> {
  let actual = backend;
  // Told by what it has, so that who has no proxy carries none.
  while ("proxied" in actual) actual = actual.proxied as Backend<V>;
  return actual;
}
