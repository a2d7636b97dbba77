/**
 * Compatibility tags of wheels: `python-abi-platform`, each part a dotted set that stands for all
 * combinations (PEP 425). Tags are compared as lower-case text; what they mean to an interpreter
 * is the installer's affair.
 */

/** As many tags as one name may stand for. Real wheels have fewer than a hundred. */
const MOST_TAGS = 1024;

const PART = /^[a-z0-9_]+$/;

/**
 * Expands a compressed tag set, or answers `undefined` for text that is none or that stands for
 * more than 1,024 tags. Tags keep the order of their parts, and none comes twice.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { expandTags } from "@cairn/cache/wheels";
 *
 * assert.deepEqual(expandTags("py2.py3-none-any"), ["py2-none-any", "py3-none-any"]);
 * assert.equal(expandTags("py3-any"), undefined);
 * ```
 */
export function expandTags(text: string): string[] | undefined {
  const sets = text.toLowerCase().split("-").map((set) => set.split("."));
  const [pythons, abis, platforms] = sets;
  if (sets.length !== 3 || !sets.flat().every((part) => PART.test(part))) return undefined;
  if (pythons!.length * abis!.length * platforms!.length > MOST_TAGS) return undefined;
  const tags = pythons!.flatMap((python) =>
    abis!.flatMap((abi) => platforms!.map((platform) => `${python}-${abi}-${platform}`))
  );
  return [...new Set(tags)];
}
