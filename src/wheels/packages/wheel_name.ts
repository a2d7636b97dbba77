/** The name of a wheel in its parts, as they are written (PEP 427). */

import { parseFilename } from "./names.ts";

/** The parts of a wheel's name. */
export interface WheelName {
  /** The name of the project. */
  readonly distribution: string;
  /** The version. */
  readonly version: string;
  /** The build tag; `undefined` where there is none. */
  readonly build: string | undefined;
  /** The versions of Python, e.g. `"py2.py3"`. */
  readonly python: string;
  /** The ABI; `undefined` for `none`. */
  readonly abi: string | undefined;
  /** The platforms; `undefined` for `any`. */
  readonly platform: string | undefined;
}

/**
 * Takes the name of a wheel apart, with its suffix or without; `undefined` for any other name.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseWheelName } from "@cairn/cache/wheels";
 *
 * const name = parseWheelName("foo-1.0-2-py2.py3-none-any.whl");
 * assert.equal(name?.python, "py2.py3");
 * assert.equal(name?.build, "2");
 * assert.equal(name?.platform, undefined);
 * ```
 */
export function parseWheelName(text: string): WheelName | undefined {
  const stem = text.replace(/\.whl$/, "");
  if (parseFilename(`${stem}.whl`) === undefined) return undefined;
  const parts = stem.split("-");
  const [python, abi, platform] = parts.slice(-3) as [string, string, string];
  return {
    distribution: parts[0]!,
    version: parts[1]!,
    build: parts.length === 6 ? parts[2] : undefined,
    python,
    abi: abi === "none" ? undefined : abi,
    platform: platform === "any" ? undefined : platform,
  };
}

/** The name of a wheel from its parts, without the suffix. */
export function wheelNameText(name: WheelName): string {
  const { distribution, version, build } = name;
  return [distribution, version, ...(build === undefined ? [] : [build]), tagText(name)].join("-");
}

/** The tag of a wheel, its sets together, e.g. `"py2.py3-none-any"`. */
export function tagText({ python, abi = "none", platform = "any" }: WheelName): string {
  return `${python}-${abi}-${platform}`;
}
