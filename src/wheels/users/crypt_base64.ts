/** The base 64 of crypt(3): its own alphabet, little-endian groups of three bytes. */

const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/**
 * Writes a digest in groups of three bytes, each the highest of its group first, and the one or
 * two left over at the end as a smaller group. `order` tells which byte comes where.
 */
export function cryptBase64(digest: Uint8Array, order: readonly number[]): string {
  let text = "";
  for (let at = 0; at < order.length; at += 3) {
    const group = order.slice(at, at + 3);
    const word = group.reduce((value, index) => (value << 8) | digest[index]!, 0);
    text += digits(word, group.length + 1);
  }
  return text;
}

/** A number in so many digits, lowest first. */
export function digits(word: number, count: number): string {
  let text = "";
  for (let index = 0; index < count; index++) text += ALPHABET[(word >>> (6 * index)) & 63];
  return text;
}

/** The value of a digit, or -1. */
export function digitValue(digit: string): number {
  return ALPHABET.indexOf(digit);
}
