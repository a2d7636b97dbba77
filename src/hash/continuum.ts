/**
 * The circle of points, and the table that makes a lookup a matter of one or two reads.
 *
 * A key belongs to the first point whose value is not below its hash; past the last point, to the
 * first. A search would take as many steps as the count of points has bits. Instead the leading
 * bits of the hash choose an entry of a direct table with several entries for each point:
 * most entries lie between points and hold the owner itself; the others hold the complement of the
 * index of their first point, from where the reader goes on, seldom further than one point. A last
 * point of the greatest value, owned by the first point's owner, closes the circle.
 */

/** Up to here there are at least four entries for each point, beyond it at least two. */
const ROOMY_POINTS = 65_536;
/** The widest table: 2^22 entries, 16 MiB. Rings of more than a million points scan a little. */
const WIDEST_BITS = 22;

/** How many leading bits of a hash choose the entry in a ring of so many points. */
export function tableBits(points: number): number {
  const bits = 33 - Math.clz32(points - 1);
  return Math.min(points > ROOMY_POINTS ? bits : bits + 1, WIDEST_BITS);
}

/** What a {@linkcode Continuum} is made of. */
export interface ContinuumParts {
  /** The values of the points in ascending order, and one more: 0xffffffff. */
  readonly values: Uint32Array;
  /** The owners of the points; the last is the first again. */
  readonly owners: Uint16Array;
  /** The direct table. */
  readonly table: Int32Array;
}

/** Where owners go. */
export interface OwnersOut {
  /** How many there are. */
  readonly count: number;
  /** Where they are written. */
  readonly out: Uint16Array;
  /** From which place on. */
  readonly at: number;
}

/** Sorted points with their owners. */
export class Continuum {
  readonly #values: Uint32Array;
  readonly #owners: Uint16Array;
  readonly #table: Int32Array;
  readonly #shift: number;

  /** Takes over the parts. */
  constructor(parts: ContinuumParts) {
    this.#values = parts.values;
    this.#owners = parts.owners;
    this.#table = parts.table;
    this.#shift = Math.clz32(parts.table.length) + 1;
  }

  /** The values of the points, ascending, and after them the greatest value there is. */
  get values(): Uint32Array {
    return this.#values;
  }

  /** The owner of each point, and after them that of the first. */
  get owners(): Uint16Array {
    return this.#owners;
  }

  /** The owner of an unsigned hash. */
  ownerOf(hash: number): number {
    const entry = this.#table[hash >>> this.#shift]!;
    if (entry >= 0) return entry;
    const values = this.#values;
    let index = ~entry;
    while (values[index]! < hash) index++;
    return this.#owners[index]!;
  }

  /** The owners of the first hashes. */
  ownersOf(hashes: Uint32Array, { count, out, at }: OwnersOut): void {
    const values = this.#values;
    const table = this.#table;
    const shift = this.#shift;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i]!;
      const entry = table[hash >>> shift]!;
      if (entry >= 0) {
        out[at + i] = entry;
        continue;
      }
      let index = ~entry;
      while (values[index]! < hash) index++;
      out[at + i] = this.#owners[index]!;
    }
  }
}

/** Sorts points and makes a ring of them. Points of equal value keep their order. */
export function continuumOf(values: Uint32Array, owners: Uint16Array): Continuum {
  const points = values.length;
  let from: Points = { values, owners };
  for (const shift of [0, 11, 22]) from = sortedBy(from, shift);
  const closed = { values: new Uint32Array(points + 1), owners: new Uint16Array(points + 1) };
  closed.values.set(from.values);
  closed.values[points] = 0xffffffff;
  closed.owners.set(from.owners);
  closed.owners[points] = from.owners[0]!;
  return new Continuum({ ...closed, table: tableOf(closed, points) });
}

interface Points {
  readonly values: Uint32Array;
  readonly owners: Uint16Array;
}

/** One stable pass of radix sort over eleven bits. */
function sortedBy(from: Points, shift: number): Points {
  const points = from.values.length;
  const next = new Uint32Array(2049);
  for (const value of from.values) next[(value >>> shift & 2047) + 1]!++;
  for (let bin = 1; bin < 2049; bin++) next[bin]! += next[bin - 1]!;
  const values = new Uint32Array(points);
  const owners = new Uint16Array(points);
  for (let i = 0; i < points; i++) {
    const value = from.values[i]!;
    const to = next[value >>> shift & 2047]!++;
    values[to] = value;
    owners[to] = from.owners[i]!;
  }
  return { values, owners };
}

function tableOf({ values, owners }: Points, points: number): Int32Array {
  const bits = tableBits(points);
  const table = new Int32Array(2 ** bits);
  let next = 0;
  for (let i = 0; i < points; i++) {
    const bucket = values[i]! >>> 32 - bits;
    if (bucket < next) continue;
    table.fill(owners[i]!, next, bucket);
    table[bucket] = ~i;
    next = bucket + 1;
  }
  return table.fill(owners[0]!, next);
}
