/** Finding the private maps that something is kept in, to see that they do not grow. */

/** The maps in which `act` puts something at `key`. */
export async function mapsWith(key: string, act: () => unknown): Promise<Map<unknown, unknown>[]> {
  const { set } = Map.prototype;
  const maps = new Set<Map<unknown, unknown>>();
  Map.prototype.set = function (name: unknown, value: unknown) {
    if (name === key) maps.add(this);
    return set.call(this, name, value);
  };
  try {
    await act();
  } finally {
    Map.prototype.set = set;
  }
  return [...maps];
}
