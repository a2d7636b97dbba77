/** Requests for many keys to a store that takes one key at a time. */

/** How many requests are under way at once. */
const requestsAtOnce = 16;

/** Runs `run` for every item, a bounded number of them side by side; the first failure rejects. */
export async function sideBySide<T>(
  items: readonly T[],
  run: (item: T) => Promise<void>,
): Promise<void> {
  for (let start = 0; start < items.length; start += requestsAtOnce) {
    await Promise.all(items.slice(start, start + requestsAtOnce).map(run));
  }
}
