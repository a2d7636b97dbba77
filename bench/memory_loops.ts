/**
 * The loops in which caches are measured. Each contender imports this file under a URL of its own, so
 * that the compiler sees one kind of cache in each copy and none suffers from another's.
 */

/** What every cache can be made to look like. */
export interface Subject {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
}

/** What is stored. */
export const VALUE: Readonly<{ id: number }> = Object.freeze({ id: 1 });

let consumed = 0;

/** Reads present keys; fails if one is missing. */
export function hit(subject: Subject, keys: readonly string[], order: Uint32Array): number {
  let missing = 0;
  for (let at = 0; at < order.length; at++) {
    if (subject.get(keys[order[at]!]!) === undefined) missing++;
  }
  consumed += missing;
  if (missing > 0) throw new Error(`${missing} of ${order.length} reads missed`);
  return order.length;
}

/** Stores over present keys. */
export function update(subject: Subject, keys: readonly string[], order: Uint32Array): number {
  for (let at = 0; at < order.length; at++) subject.set(keys[order[at]!]!, VALUE);
  return order.length;
}

/** Stores ever new keys. */
export function churn(subject: Subject, keys: readonly string[], _order: Uint32Array): number {
  for (let at = 0; at < keys.length; at++) subject.set(keys[at]!, VALUE);
  return keys.length;
}

/** Reads keys, and stores those that are missing. */
export function readThrough(subject: Subject, keys: readonly string[], order: Uint32Array): number {
  for (let at = 0; at < order.length; at++) {
    const key = keys[order[at]!]!;
    if (subject.get(key) === undefined) subject.set(key, VALUE);
  }
  return order.length;
}

/** {@linkcode readThrough} that counts what was found. */
export function hitsOf(subject: Subject, keys: readonly string[], order: Uint32Array): number {
  let hits = 0;
  for (const at of order) {
    const key = keys[at]!;
    if (subject.get(key) === undefined) subject.set(key, VALUE);
    else hits++;
  }
  return hits;
}

/** What was consumed, so that no loop is optimised away. */
export function consumedSoFar(): number {
  return consumed;
}
