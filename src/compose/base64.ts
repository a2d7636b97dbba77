/** Base64 (RFC 4648 §4) for bytes inside JSON. Both functions run in bounded chunks. */

const chunkBytes = 0x6000;

/** The base64 of bytes. */
export function toBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let offset = 0; offset < bytes.length; offset += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(offset, offset + chunkBytes));
  }
  return btoa(binary);
}

/** The bytes of a base64 text; a `SyntaxError` if it is none. */
export function fromBase64(text: string): Uint8Array {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) {
    throw new SyntaxError("Cannot read bytes: the text is no base64");
  }
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index++) bytes[index] = binary.charCodeAt(index);
  return bytes;
}
