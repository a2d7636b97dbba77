/** Settings of a region from a flat configuration, as dogpile.cache reads them. */

import { NEVER } from "../contracts/clock.ts";
import type { OpenedStore } from "../contracts/opener.ts";
import { checkDuration } from "./policy.ts";
import type { RegionSettings } from "./settings.ts";

/** A flat configuration: text from a file, or values. */
export type FlatConfig = Readonly<Record<string, unknown>>;

/** Opens a backend by its name or address. */
type OpenBackend = (
  nameOrUrl: string,
  args: Readonly<Record<string, unknown>>,
) => Promise<OpenedStore>;

/** What a configuration comes to. */
export type ConfiguredSettings = RegionSettings & Pick<OpenedStore, "close"> & {
  readonly replaceExistingBackend: boolean;
};

/**
 * A text as the value that dogpile.cache takes it for: whole and decimal numbers, `true` and `false`
 * in any case, `None` as `null`; anything else stays text, without blanks around it.
 *
 * @example
 * ```ts
 * import { deepEqual } from "node:assert/strict";
 * import { coerceText } from "@cairn/cache";
 *
 * deepEqual([" 600 ", "False", "None", "127.0.0.1"].map(coerceText), [600, false, null, "127.0.0.1"]);
 * ```
 */
export function coerceText(text: string): unknown {
  const trimmed = text.trim();
  if (NUMBER.test(trimmed)) return Number(trimmed);
  const lower = trimmed.toLowerCase();
  if (lower === "true" || lower === "false") return lower === "true";
  return trimmed === "None" ? null : trimmed;
}

const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?$/i;

const POLICY_FIELDS = ["softTtlMs", "hardTtlMs", "jitter", "staleOnError"] as const;
const AGE_FIELDS = ["nearMaxAgeMs", "marksMaxAgeMs"] as const;

/**
 * Reads the settings under `prefix`, and has their backend opened: `backend` (a registered name or an
 * address, required), `arguments.*` for its opener, `wrap`, dogpile's `expiration_time` in seconds
 * and `replace_existing_backend`, or `softTtlMs`, `hardTtlMs`, `jitter`, `staleOnError`,
 * `nearMaxAgeMs`, `marksMaxAgeMs` and `replaceExistingBackend`.
 */
export async function settingsFromConfig(
  config: FlatConfig,
  { prefix, open }: { prefix: string; open: OpenBackend },
): Promise<ConfiguredSettings> {
  const own = under(config, prefix);
  const name = own.backend;
  if (typeof name !== "string") {
    throw new TypeError(`Cannot configure a region: "${prefix}backend" is missing`);
  }
  const settings: Record<string, unknown> = { ...lifeOf(own, prefix) };
  for (const field of [...POLICY_FIELDS, ...AGE_FIELDS, "wrap"]) {
    if (isStated(own[field])) settings[field] = own[field];
  }
  const replace = own.replace_existing_backend ?? own.replaceExistingBackend ?? false;
  const opened = await open(name, under(own, "arguments."));
  return { ...settings, ...opened, replaceExistingBackend: Boolean(replace) };
}

// dogpile's records have one end, and its store another of its own: a soft life without a hard one.
function lifeOf(own: FlatConfig, prefix: string): Partial<RegionSettings> {
  const seconds = own.expiration_time;
  if (!isStated(seconds)) return {};
  checkDuration(seconds, `${prefix}expiration_time`);
  return { softTtlMs: seconds as number * 1_000, hardTtlMs: NEVER };
}

function isStated(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function under(config: FlatConfig, prefix: string): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(config)) {
    if (!name.startsWith(prefix)) continue;
    own[name.slice(prefix.length)] = typeof value === "string" ? coerceText(value) : value;
  }
  return own;
}
