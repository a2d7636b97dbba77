/**
 * Names of backends, for configurations that are text. What a name stands for is loaded when it is
 * first asked for, so that nobody carries a store they do not use.
 */

import type { Backend } from "../contracts/backend.ts";
import type { Entry } from "../contracts/entry.ts";
import { PluginNotFoundError } from "../contracts/errors.ts";
import type { Locks } from "../contracts/locks.ts";

/** A store, opened: what a region is configured with. */
export interface OpenedStore {
  /** The backend. */
  readonly backend: Backend<Entry>;
  /** Its locks, where it has some of its own. */
  readonly locks?: Locks<Entry>;
}

/** The arguments of an opener: those of the configuration, and the address where one was given. */
export interface OpenerArguments {
  /** The address, e.g. `redis://localhost/0`, where the store was asked for by one. */
  readonly url?: URL;
  /** Everything else. */
  readonly [argument: string]: unknown;
}

/** Opens a store. */
export type BackendOpener = (args: OpenerArguments) => OpenedStore | Promise<OpenedStore>;

const openers = new Map<string, () => BackendOpener | Promise<BackendOpener>>();

/**
 * Registers what opens the backend of a name, or of addresses whose scheme is the name. `load` is
 * called when the name is first used; a later registration takes the name over.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { makeRegion, memoryBackend, registerBackend } from "@cairn/cache";
 *
 * registerBackend("shelf", () => () => ({ backend: memoryBackend() }));
 * const region = makeRegion();
 * await region.configureFromConfig({ "cache.backend": "shelf" }, "cache.");
 * equal(region.backend.name, "memory");
 * ```
 */
export function registerBackend(
  name: string,
  load: () => BackendOpener | Promise<BackendOpener>,
): void {
  let loaded: Promise<BackendOpener> | undefined;
  openers.set(name, () => loaded ??= Promise.resolve(load()));
}

/**
 * Opens a backend by its name, or by an address whose scheme is its name. Rejects with a
 * `PluginNotFoundError` for a name that nobody registered.
 */
export async function openBackend(
  nameOrUrl: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<OpenedStore> {
  const byName = openers.get(nameOrUrl);
  if (byName !== undefined) return await (await byName())({ ...args });
  const url = URL.canParse(nameOrUrl) ? new URL(nameOrUrl) : undefined;
  const scheme = url?.protocol.slice(0, -1) ?? nameOrUrl;
  const byScheme = url === undefined ? undefined : openers.get(scheme);
  if (byScheme === undefined || url === undefined) throw new PluginNotFoundError(scheme);
  return await (await byScheme())({ ...args, url });
}
