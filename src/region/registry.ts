/**
 * Names of backends, for configurations that are text. What a name stands for is loaded when it is
 * first asked for, so that nobody carries a store they do not use.
 */

import { PluginNotFoundError } from "../contracts/errors.ts";
import type { BackendOpener, OpenedStore } from "../contracts/opener.ts";
import { settingsFromConfig } from "./config.ts";
import { readConfigsBy } from "./config_reader.ts";

export type { BackendOpener, OpenedStore, OpenerArguments } from "../contracts/opener.ts";

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
 * const close = async (): Promise<void> => {};
 * registerBackend("shelf", () => () => ({ backend: memoryBackend(), close }));
 * const region = makeRegion();
 * await region.configureFromConfig({ "cache.backend": "shelf" }, "cache.");
 * equal(region.backend.name, "memory");
 * ```
 */
export function registerBackend(
  name: string,
  load: () => BackendOpener | Promise<BackendOpener>,
): void {
  readConfigsBy((config, prefix) => settingsFromConfig(config, { prefix, open: openBackend }));
  let loaded: Promise<BackendOpener> | undefined;
  openers.set(name, () => loaded ??= Promise.resolve(load()));
}

/**
 * Opens a backend by its name, or by an address whose scheme is its name. Rejects with a
 * `PluginNotFoundError` for a name that nobody registered. It is closed by `close`, once however often
 * that is called, or by `await using`.
 *
 * @example
 * ```ts
 * import { equal } from "node:assert/strict";
 * import { makeRegion, openBackend, registerBackend } from "@cairn/cache";
 * import { openers } from "@cairn/cache/openers";
 *
 * for (const [name, load] of openers) registerBackend(name, load);
 * const store = await openBackend("sqlite::memory:");
 * equal(await makeRegion({ ...store }).getOrCreate("answer", () => 42), 42);
 * await store.close();
 * ```
 */
export async function openBackend(
  nameOrUrl: string,
  args: Readonly<Record<string, unknown>> = {},
): Promise<OpenedStore & AsyncDisposable> {
  const opened = await openedBy(nameOrUrl, args);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => closing ??= opened.close();
  return Object.freeze({ ...opened, close, [Symbol.asyncDispose]: close });
}

async function openedBy(
  nameOrUrl: string,
  args: Readonly<Record<string, unknown>>,
): Promise<OpenedStore> {
  const byName = openers.get(nameOrUrl);
  if (byName !== undefined) return await (await byName())({ ...args });
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(nameOrUrl)?.[1]?.toLowerCase();
  const byScheme = openers.get(scheme ?? "");
  if (byScheme === undefined) throw new PluginNotFoundError(scheme ?? nameOrUrl);
  const url = URL.canParse(nameOrUrl) ? { url: new URL(nameOrUrl) } : {};
  return await (await byScheme())({ ...args, ...url, address: nameOrUrl });
}
