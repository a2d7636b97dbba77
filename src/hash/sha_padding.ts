/** What SHA-1 and SHA-256 in plain TypeScript share. */

/** A message with its padding: a bit, zeros, and the length in bits, the highest byte first. */
export function paddedOf(message: Uint8Array): DataView {
  const { length } = message;
  const padded = new Uint8Array((length + 72) & ~63);
  padded.set(message);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, length / 0x20000000);
  view.setUint32(padded.length - 4, length << 3);
  return view;
}

/** Words as hexadecimal digits, the highest first. */
export function hexOf(words: Int32Array): string {
  let digits = "";
  for (let i = 0; i < words.length; i++) {
    digits += (words[i]! >>> 0).toString(16).padStart(8, "0");
  }
  return digits;
}
