/** Namespaces: one map from key to slot for each, so that none can see another's keys. */

/** The keys of one namespace. */
export interface Space {
  /** The name; the default namespace's is empty. */
  readonly name: string;
  /** Its number, reused after the namespace is gone. */
  readonly id: number;
  /** Where each key's entry is. */
  readonly slots: Map<string, number>;
}

/** The namespaces of a cache. One without entries is dropped, so that names do not pile up. */
export class Spaces {
  /** The default namespace. It stays. */
  readonly home: Space = makeSpace("", 0);
  readonly #byName = new Map<string, Space>();
  readonly #byId: (Space | undefined)[] = [this.home];
  readonly #freeIds: number[] = [];

  /** The namespace called `name`, if it has entries. */
  find(name: string): Space | undefined {
    return name === "" ? this.home : this.#byName.get(name);
  }

  /** The namespace called `name`, made if need be. */
  open(name: string): Space {
    return this.find(name) ?? this.#make(name);
  }

  /** The namespace with that number. */
  at(id: number): Space {
    return this.#byId[id]!;
  }

  /** Drops a namespace if it has no entries left. */
  close(space: Space): void {
    if (space.slots.size > 0 || space === this.home) return;
    this.#byName.delete(space.name);
    this.#byId[space.id] = undefined;
    this.#freeIds.push(space.id);
  }

  /** All namespaces. */
  all(): Space[] {
    return [this.home, ...this.#byName.values()];
  }

  #make(name: string): Space {
    const space = makeSpace(name, this.#freeIds.pop() ?? this.#byId.length);
    this.#byName.set(name, space);
    this.#byId[space.id] = space;
    return space;
  }
}

function makeSpace(name: string, id: number): Space {
  return { name, id, slots: new Map() };
}
