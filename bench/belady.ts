/**
 * Bélády's optimum: who leaves is the entry whose next request is farthest away (Bélády, "A study of
 * replacement algorithms for a virtual-storage computer", 1966). It knows the future, and so says
 * how much there was to gain.
 */

/** How many requests a cache of `capacity` entries could have answered. */
export function beladyHits(ids: Uint32Array, capacity: number): number {
  const nextUse = nextUses(ids);
  const heldUntil = new Map<number, number>();
  const farthest = new FarthestFirst();
  let hits = 0;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at]!;
    if (heldUntil.has(id)) hits++;
    else if (heldUntil.size >= capacity) evict(heldUntil, farthest);
    heldUntil.set(id, nextUse[at]!);
    farthest.push(id, nextUse[at]!);
  }
  return hits;
}

function nextUses(ids: Uint32Array): Float64Array {
  const next = new Float64Array(ids.length);
  const seen = new Map<number, number>();
  for (let at = ids.length - 1; at >= 0; at--) {
    next[at] = seen.get(ids[at]!) ?? Infinity;
    seen.set(ids[at]!, at);
  }
  return next;
}

/** The heap also holds uses that are over by now; they no longer agree with the table. */
function evict(heldUntil: Map<number, number>, farthest: FarthestFirst): void {
  for (;;) {
    const { id, use } = farthest.pop();
    if (heldUntil.get(id) !== use) continue;
    heldUntil.delete(id);
    return;
  }
}

/** A heap of uses, the farthest on top. */
class FarthestFirst {
  readonly #ids: number[] = [];
  readonly #uses: number[] = [];

  push(id: number, use: number): void {
    let at = this.#uses.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#uses[parent]! >= use) break;
      this.#put(at, this.#ids[parent]!, this.#uses[parent]!);
      at = parent;
    }
    this.#put(at, id, use);
  }

  pop(): { id: number; use: number } {
    const top = { id: this.#ids[0]!, use: this.#uses[0]! };
    const [id, use] = [this.#ids.pop()!, this.#uses.pop()!];
    if (this.#uses.length > 0) this.#sink(id, use);
    return top;
  }

  #sink(id: number, use: number): void {
    const size = this.#uses.length;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#uses[child + 1]! > this.#uses[child]!) child++;
      if (this.#uses[child]! <= use) break;
      this.#put(at, this.#ids[child]!, this.#uses[child]!);
      at = child;
    }
    this.#put(at, id, use);
  }

  #put(at: number, id: number, use: number): void {
    this.#ids[at] = id;
    this.#uses[at] = use;
  }
}
