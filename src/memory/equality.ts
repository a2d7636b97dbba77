/**
 * Whether two values hold the same data: what a store would say that compares their bytes.
 *
 * Plain data only: arrays, plain objects, bytes, dates, maps and sets by their content and order,
 * everything else by identity. Depth is bounded by the call stack.
 */
export function isEqualData(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return false;
  if (a instanceof Uint8Array) return isEqualSequence(a, b as Uint8Array);
  if (Array.isArray(a)) return isEqualSequence(a, b as unknown[]);
  if (a instanceof Date) return a.getTime() === (b as Date).getTime();
  if (a instanceof Map || a instanceof Set) return isEqualSequence([...a], [...b as Set<unknown>]);
  const prototype = Object.getPrototypeOf(a);
  return (prototype === null || prototype === Object.prototype) && isEqualRecord(a, b);
}

function isEqualSequence(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!isEqualData(a[at], b[at])) return false;
  return true;
}

function isEqualRecord(a: object, b: object): boolean {
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) =>
    Object.hasOwn(b, key) && isEqualData(a[key as keyof object], b[key as keyof object])
  );
}
