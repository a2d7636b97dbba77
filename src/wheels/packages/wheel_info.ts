/** The WHEEL file of a wheel: which tags it was built for, and by what (PEP 427). */

import { InvalidDistributionError } from "../../contracts/errors.ts";
import { readWheelFile } from "./archive_zip.ts";
import { fieldsIn } from "./metadata.ts";
import { parseFilename } from "./names.ts";
import type { RangeSource } from "./range_source.ts";
import { expandTags } from "./tags.ts";
import { tagText, type WheelName } from "./wheel_name.ts";

/** What a WHEEL file says. */
export interface WheelInfo {
  /** The version of the format, e.g. `"1.0"`. */
  readonly wheelVersion: string;
  /** What built it; `undefined` where it does not say. */
  readonly generator: string | undefined;
  /** Whether its root goes where pure Python goes. */
  readonly isRootPurelib: boolean;
  /** The build tag; `undefined` where there is none. */
  readonly build: string | undefined;
  /** The tags, one each, in their order. */
  readonly tags: readonly string[];
}

/**
 * Reads a WHEEL file. Throws an `InvalidDistributionError` where its version or its tags are missing or
 * are none.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseWheelInfo } from "@cairn/cache/wheels";
 *
 * const text = "Wheel-Version: 1.0\nTag: py2-none-any\nTag: py3-none-any\n";
 * const info = parseWheelInfo(new TextEncoder().encode(text));
 * assert.deepEqual(info.tags, ["py2-none-any", "py3-none-any"]);
 * ```
 */
export function parseWheelInfo(bytes: Uint8Array): WheelInfo {
  const fields = fieldsIn(bytes, "WHEEL");
  const one = (name: string): string | undefined => fields.get(name)?.[0]?.trim() || undefined;
  const wheelVersion = one("wheel-version");
  if (wheelVersion === undefined || fields.get("wheel-version")!.length > 1) {
    throw new InvalidDistributionError("WHEEL states no Wheel-Version, or more than one");
  }
  if (!/^[0-9]+\.[0-9]+$/.test(wheelVersion)) {
    throw new InvalidDistributionError("WHEEL states a Wheel-Version that is none");
  }
  const tags = (fields.get("tag") ?? []).map((tag) => tag.trim());
  if (tags.length === 0 || tags.some((tag) => expandTags(tag) === undefined)) {
    throw new InvalidDistributionError("WHEEL states no Tag, or one that is none");
  }
  return Object.freeze({
    wheelVersion,
    generator: one("generator"),
    isRootPurelib: one("root-is-purelib")?.toLowerCase() === "true",
    build: one("build"),
    tags: Object.freeze(tags),
  });
}

/** The WHEEL file that belongs to a name; pure Python is what needs no ABI and no platform. */
export function wheelInfoText(name: WheelName, { generator }: { generator: string }): string {
  const isPure = name.abi === undefined && name.platform === undefined;
  const fields = [
    "Wheel-Version: 1.0",
    `Generator: ${generator}`,
    `Root-Is-Purelib: ${isPure}`,
    ...(expandTags(tagText(name)) ?? []).map((tag) => `Tag: ${tag}`),
    ...(name.build === undefined ? [] : [`Build: ${name.build}`]),
  ];
  return `${fields.join("\n")}\n`;
}

/**
 * The WHEEL file of an archive, of which no more is read than that takes. Throws an
 * `InvalidDistributionError` for what is no wheel; errors of the source pass through.
 */
export async function readWheelInfo(filename: string, source: RangeSource): Promise<WheelInfo> {
  const parsed = parseFilename(filename);
  if (parsed?.kind !== "wheel") throw new InvalidDistributionError("it is no wheel by its name");
  return parseWheelInfo(await readWheelFile(parsed, source));
}
