/** Chance as an effect. This is the one file that touches the platform's random numbers. */

/** Gives a number in [0, 1), for jitter and early refresh; not for secrets. */
export type Random = () => number;

/** The platform's own generator. */
export const systemRandom: Random = Math.random;

/** A new identity: 128 random bits from WebCrypto as 32 hexadecimal digits. */
export function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

/** `count` random bytes from WebCrypto, fit for secrets. */
export function randomBytes(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}
