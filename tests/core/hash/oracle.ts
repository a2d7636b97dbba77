/**
 * The simplest possible ketama: digests by the text of RFC 1321, points in a plain array, a search
 * from the first point to the last. Nothing here is shared with what it judges.
 */

/** The MD5 digest of text, as four words. */
export function md5Words(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)];
  const bits = bytes.length * 8;
  bytes.push(0x80);
  while (bytes.length % 64 !== 56) bytes.push(0);
  for (let i = 0; i < 8; i++) bytes.push(Math.floor(bits / 2 ** (8 * i)) % 256);
  let state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
  for (let at = 0; at < bytes.length; at += 64) state = md5Block(state, bytes.slice(at, at + 64));
  return state;
}

const SHIFTS = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

function md5Block(state: number[], block: number[]): number[] {
  let [a, b, c, d] = state as [number, number, number, number];
  for (let step = 0; step < 64; step++) {
    const round = step >> 4;
    const mixed = [(b & c) | (~b & d), (b & d) | (c & ~d), b ^ c ^ d, c ^ (b | ~d)][round]!;
    const word = [step, 5 * step + 1, 3 * step + 5, 7 * step][round]! % 16;
    const message = block.slice(4 * word, 4 * word + 4).reduceRight((sum, byte) =>
      sum * 256 + byte
    );
    const sum = (a + mixed + message + Math.floor(Math.abs(Math.sin(step + 1)) * 2 ** 32)) | 0;
    const shift = SHIFTS[round]![step % 4]!;
    [a, d, c, b] = [d, c, b, b + (sum << shift | sum >>> 32 - shift) | 0];
  }
  return [a, b, c, d].map((word, i) => word + state[i]! >>> 0);
}

/** A shard as the oracle takes it. */
export interface OracleShard {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
}

/** The points [value, index] of libmemcached's weighted ring, sorted. */
export function oraclePoints(shards: readonly (OracleShard | undefined)[]): [number, number][] {
  const live = shards.filter((shard) => shard !== undefined);
  const f = Math.fround;
  const total = f(live.reduce((sum, { weight }) => sum + (weight || 1), 0));
  const points: [number, number][] = [];
  shards.forEach((shard, index) => {
    if (!shard) return;
    const name = shard.port === 11211 ? shard.host : `${shard.host}:${shard.port}`;
    const share = f(f(shard.weight || 1) / total);
    const names = Math.floor(f(f(f(f(share * 160) / 4) * f(live.length)) + 1e-10));
    for (let i = 0; i < names; i++) {
      for (const word of md5Words(`${name}-${i}`)) points.push([word, index]);
    }
  });
  return points.sort(([a, i], [b, j]) => a - b || i - j);
}

/** The index of the shard that holds `key`. */
export function oracleIndex(points: readonly [number, number][], key: string): number {
  const hash = md5Words(key)[0]!;
  return (points.find(([value]) => value >= hash) ?? points[0]!)[1];
}
