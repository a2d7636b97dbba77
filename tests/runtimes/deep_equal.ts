/**
 * Whether two values are deeply and strictly equal, as `node:assert/strict` means it: the same
 * prototypes, `Object.is` for primitives, own enumerable properties, symbols included, the bytes
 * of buffers, the members of maps and sets in any order, cycles that run alike.
 */
export function isDeepEqual(left: unknown, right: unknown): boolean {
  return compare(left, right, new Map());
}

/** Pairs under comparison: meeting one again means a cycle, which is equal unless shown otherwise. */
type Pairs = Map<object, object>;

function compare(left: unknown, right: unknown, pairs: Pairs): boolean {
  if (Object.is(left, right)) return true;
  if (!isObject(left) || !isObject(right)) return false;
  if (Object.getPrototypeOf(left) !== Object.getPrototypeOf(right)) return false;
  if (tagOf(left) !== tagOf(right)) return false;
  if (pairs.get(left) === right) return true;
  pairs.set(left, right);
  const isEqual = hasEqualContents(left, right, pairs) && hasEqualProperties(left, right, pairs);
  pairs.delete(left);
  return isEqual;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value);
}

function hasEqualContents(left: object, right: object, pairs: Pairs): boolean {
  if (left instanceof Map) return isEqualMap(left, right as Map<unknown, unknown>, pairs);
  if (left instanceof Set) return isEqualSet(left, right as Set<unknown>, pairs);
  if (left instanceof Date) return Object.is(left.getTime(), (right as Date).getTime());
  if (left instanceof RegExp) return isEqualRegExp(left, right as RegExp);
  if (left instanceof Error) return isEqualError(left, right as Error, pairs);
  if (left instanceof ArrayBuffer) return isEqualBytes(left, right as ArrayBuffer);
  if (left instanceof DataView) return isEqualBytes(bytesOf(left), bytesOf(right as DataView));
  if (isTypedArray(left)) return isEqualTyped(left, right as typeof left);
  if (Array.isArray(left)) return left.length === (right as unknown[]).length;
  if (isBoxed(left)) return Object.is(left.valueOf(), right.valueOf());
  return true;
}

function isBoxed(value: object): boolean {
  return value instanceof Number || value instanceof String || value instanceof Boolean ||
    value instanceof BigInt || value instanceof Symbol;
}

function hasEqualProperties(left: object, right: object, pairs: Pairs): boolean {
  // Its elements are compared already, and megabytes have too many keys to be listed.
  if (isTypedArray(left)) return true;
  const keys = enumerableKeys(left);
  if (keys.length !== enumerableKeys(right).length) return false;
  return keys.every((key) => {
    const isThere = Object.prototype.propertyIsEnumerable.call(right, key);
    return isThere && compare(Reflect.get(left, key), Reflect.get(right, key), pairs);
  });
}

function enumerableKeys(value: object): PropertyKey[] {
  return Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );
}

function isEqualMap(left: Map<unknown, unknown>, right: Map<unknown, unknown>, pairs: Pairs) {
  return isMatched([...left], [...right], pairs);
}

function isEqualSet(left: Set<unknown>, right: Set<unknown>, pairs: Pairs): boolean {
  return isMatched([...left], [...right], pairs);
}

/** Whether each member has a partner of its own on the other side. */
function isMatched(left: readonly unknown[], right: readonly unknown[], pairs: Pairs): boolean {
  if (left.length !== right.length) return false;
  const free = [...right];
  return left.every((member) => {
    const at = free.findIndex((candidate) => compare(member, candidate, pairs));
    if (at !== -1) free.splice(at, 1);
    return at !== -1;
  });
}

function isEqualRegExp(left: RegExp, right: RegExp): boolean {
  return String(left) === String(right) && left.lastIndex === right.lastIndex;
}

function isEqualError(left: Error, right: Error, pairs: Pairs): boolean {
  if (left.name !== right.name || left.message !== right.message) return false;
  if (!compare(left.cause, right.cause, pairs)) return false;
  return compare(Reflect.get(left, "errors"), Reflect.get(right, "errors"), pairs);
}

function isEqualBytes(left: ArrayBuffer | Uint8Array, right: ArrayBuffer | Uint8Array): boolean {
  const [a, b] = [new Uint8Array(left), new Uint8Array(right)];
  return isEqualTyped(a, b);
}

type TypedArray = ArrayBufferView & ArrayLike<number | bigint>;

function isTypedArray(value: object): value is TypedArray {
  return ArrayBuffer.isView(value) && !(value instanceof DataView);
}

function isEqualTyped(left: TypedArray, right: TypedArray): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) {
    if (!Object.is(left[index], right[index])) return false;
  }
  return true;
}

function bytesOf({ buffer, byteOffset, byteLength }: DataView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
