/** A longer key is not hashed as a whole: of every so many code units, one. */
const UNITS = 64;

/**
 * 32 bits of hash of a key, for ghosts and sketches only: a collision there costs a little of the
 * hit ratio and nothing else. FNV-1a over code units, finished by MurmurHash3's mixer.
 */
export function keyHash(key: string, seed: number): number {
  const step = 1 + Math.floor(key.length / UNITS);
  let hash = 0x811c9dc5 ^ seed ^ key.length;
  for (let at = 0; at < key.length; at += step) {
    hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
