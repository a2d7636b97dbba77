/** Requests for many keys to a store that takes few of them at a time. */

/** How many requests are under way at once. */
const requestsAtOnce = 16;

/**
 * Runs `run` for every item, a bounded number of them side by side, and answers the results in order;
 * the first failure rejects.
 */
export async function sideBySide<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  for (const some of groupsOf(items, requestsAtOnce)) {
    results.push(...await Promise.all(some.map(run)));
  }
  return results;
}

/** Items in groups of at most `size`, in order. */
export function groupsOf<T>(items: readonly T[], size: number): T[][] {
  const groups: T[][] = [];
  for (let start = 0; start < items.length; start += size) {
    groups.push(items.slice(start, start + size));
  }
  return groups;
}
