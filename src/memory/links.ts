/**
 * Doubly linked lists of slots in two integer columns: no node objects, constant-time removal.
 *
 * Each list is a ring closed by a node of its own; those come first in the columns, and slot `s` is
 * node `s + lists`. A slot is in one list or in none; in none it is a ring of itself, which makes
 * removing it again harmless. Answers below 0 mean "no slot".
 */
export class Links {
  readonly #lists: number;
  #next: Int32Array;
  #prev: Int32Array;

  /** Makes `lists` empty lists over `capacity` slots. */
  constructor(lists: number, capacity: number) {
    this.#lists = lists;
    this.#next = new Int32Array(0);
    this.#prev = new Int32Array(0);
    this.grow(capacity);
  }

  /** The first slot of a list, below 0 if it is empty. */
  first(list: number): number {
    return this.#next[list]! - this.#lists;
  }

  /** The slot after `slot` in its list, below 0 if it is the last. */
  after(slot: number): number {
    return this.#next[slot + this.#lists]! - this.#lists;
  }

  /** Whether the slot is in a list. */
  has(slot: number): boolean {
    const node = slot + this.#lists;
    return this.#next[node] !== node;
  }

  /** Puts a slot that is in no list at the end of one. */
  append(list: number, slot: number): void {
    const node = slot + this.#lists;
    const last = this.#prev[list]!;
    this.#next[last] = node;
    this.#prev[node] = last;
    this.#next[node] = list;
    this.#prev[list] = node;
  }

  /** Takes a slot out of its list, if it is in one. */
  remove(slot: number): void {
    const node = slot + this.#lists;
    const next = this.#next[node]!;
    const prev = this.#prev[node]!;
    this.#next[prev] = next;
    this.#prev[next] = prev;
    this.#next[node] = node;
    this.#prev[node] = node;
  }

  /** Puts all slots of one list at the end of another, in constant time. */
  moveAll(from: number, to: number): void {
    const first = this.#next[from]!;
    if (first === from) return;
    const last = this.#prev[from]!;
    const end = this.#prev[to]!;
    this.#next[end] = first;
    this.#prev[first] = end;
    this.#next[last] = to;
    this.#prev[to] = last;
    this.#next[from] = from;
    this.#prev[from] = from;
  }

  /** Makes room for `capacity` slots; the new ones are in no list. */
  grow(capacity: number): void {
    const from = this.#next.length;
    this.#next = grown(this.#next, capacity + this.#lists);
    this.#prev = grown(this.#prev, capacity + this.#lists);
    for (let node = from; node < this.#next.length; node++) {
      this.#next[node] = node;
      this.#prev[node] = node;
    }
  }
}

function grown(column: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(column);
  return larger;
}
