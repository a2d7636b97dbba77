/**
 * The entries' columns: key, value, namespace and weight of each slot. A slot is a small number
 * that all structures share; a free one is named by the key column of the one freed after it.
 */

const NO_SLOT = -1;
const LEAST_CAPACITY = 64;
/** Beyond this many, columns grow by a quarter instead of doubling, to waste less. */
const DOUBLING_MOST = 4096;

/** Takes, fills and frees slots. */
export class Slots<V> {
  readonly #most: number;
  readonly #isWeighed: boolean;
  #keys: (string | number)[] = [];
  #values: (V | undefined)[] = [];
  #weights: Float64Array | undefined;
  #spaceIds: Uint32Array | undefined;
  #capacity = 0;
  #used = 0;
  #free: number = NO_SLOT;

  /** Makes the columns for at most `most` slots, a few to begin with. */
  constructor(most: number, isWeighed: boolean) {
    this.#most = most;
    this.#isWeighed = isWeighed;
    this.#resize(Math.min(most, LEAST_CAPACITY));
  }

  /** How many slots there are, free and taken. */
  get capacity(): number {
    return this.#capacity;
  }

  /** Whether {@linkcode Slots.take} needs {@linkcode Slots.grow} first. */
  get isFull(): boolean {
    return this.#free === NO_SLOT && this.#used === this.#capacity;
  }

  /** A free slot. */
  take(): number {
    const slot = this.#free;
    if (slot === NO_SLOT) return this.#used++;
    this.#free = this.#keys[slot] as number;
    return slot;
  }

  /** Gives a slot back and lets go of its value. */
  release(slot: number): void {
    this.#keys[slot] = this.#free;
    this.#values[slot] = undefined;
    this.#free = slot;
  }

  /** Adds slots. */
  grow(): void {
    const wanted = this.#capacity * (this.#capacity < DOUBLING_MOST ? 2 : 1.25);
    this.#resize(Math.min(this.#most, Math.ceil(wanted)));
  }

  /** The key of a taken slot. */
  key(slot: number): string {
    return this.#keys[slot] as string;
  }

  /** Names the slot's key. */
  setKey(slot: number, key: string): void {
    this.#keys[slot] = key;
  }

  /** The value of a taken slot. */
  value(slot: number): V {
    return this.#values[slot] as V;
  }

  /** Puts a value into the slot. */
  setValue(slot: number, value: V): void {
    this.#values[slot] = value;
  }

  /** The weight of a taken slot; 1 where nothing is weighed. */
  weight(slot: number): number {
    return this.#weights === undefined ? 1 : this.#weights[slot]!;
  }

  /** Notes the slot's weight. */
  setWeight(slot: number, weight: number): void {
    if (this.#weights !== undefined) this.#weights[slot] = weight;
  }

  /** The number of the slot's namespace. */
  spaceId(slot: number): number {
    return this.#spaceIds === undefined ? 0 : this.#spaceIds[slot]!;
  }

  /** Notes the slot's namespace. The column is made when the first entry needs it. */
  setSpaceId(slot: number, id: number): void {
    if (id > 0) this.#spaceIds ??= new Uint32Array(this.#capacity);
    if (this.#spaceIds !== undefined) this.#spaceIds[slot] = id;
  }

  #resize(capacity: number): void {
    this.#capacity = capacity;
    this.#keys = lengthened(this.#keys, capacity);
    this.#values = lengthened(this.#values, capacity);
    if (this.#isWeighed) this.#weights = grown(this.#weights, new Float64Array(capacity));
    if (this.#spaceIds) this.#spaceIds = grown(this.#spaceIds, new Uint32Array(capacity));
  }
}

// An array made longer by setting its length gets half as much again in reserve.
function lengthened<T>(column: readonly T[], length: number): T[] {
  const longer = new Array<T>(length);
  for (let slot = 0; slot < column.length; slot++) longer[slot] = column[slot]!;
  return longer;
}

function grown<C extends Float64Array | Uint32Array>(column: C | undefined, larger: C): C {
  if (column) larger.set(column);
  return larger;
}
