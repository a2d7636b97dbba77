/**
 * Where a region finds what reads configurations. Without a registered backend no configuration can
 * name one, so the reader comes with the first that is registered, and a program without any carries
 * none.
 */

import { PluginNotFoundError } from "../contracts/errors.ts";
import type { ConfiguredSettings, FlatConfig } from "./config.ts";

/** Reads the settings under a prefix. */
export type ConfigReader = (config: FlatConfig, prefix: string) => Promise<ConfiguredSettings>;

let known: ConfigReader | undefined;

/** Takes the reader. */
export function readConfigsBy(reader: ConfigReader): void {
  known = reader;
}

/** Reads a configuration. Rejects with a `PluginNotFoundError` where no backend was registered. */
export async function readConfig(config: FlatConfig, prefix: string): Promise<ConfiguredSettings> {
  if (known === undefined) throw new PluginNotFoundError(String(config[`${prefix}backend`]));
  return await known(config, prefix);
}
