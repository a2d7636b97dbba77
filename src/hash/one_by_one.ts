import type { ByteKeys, KeyHasher } from "./kernel.ts";

/** Fills `hasher.hashes` key by key, for hashers that know no faster way; answers how many. */
export function hashOneByOne(
  hasher: KeyHasher,
  keys: { readonly keys: readonly string[]; readonly from: number; readonly prefix: string },
): number {
  const { hashes } = hasher;
  const count = Math.min(keys.keys.length - keys.from, hashes.length);
  for (let i = 0; i < count; i++) {
    hashes[i] = hasher.hash(keys.prefix, keys.keys[keys.from + i]!);
  }
  return count;
}

/** The same for keys in bytes. */
export function hashBytesOneByOne(
  hasher: KeyHasher,
  { bytes, ends, from }: ByteKeys & { readonly from: number },
): number {
  const { hashes } = hasher;
  const count = Math.min(ends.length - from, hashes.length);
  let start = from === 0 ? 0 : ends[from - 1]!;
  for (let i = 0; i < count; i++) {
    const end = ends[from + i]!;
    hashes[i] = hasher.hashBytes(bytes.subarray(start, end));
    start = end;
  }
  return count;
}
