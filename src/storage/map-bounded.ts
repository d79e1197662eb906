/**
 * Maps over items with at most `atOnceMax` calls under way; results in the items' order. After a failure no further
 * call starts, and its error is thrown when those under way have ended.
 */
export async function mapBounded<T, R>(
  items: readonly T[],
  atOnceMax: number,
  map: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let failure: { readonly error: unknown } | null = null;
  const queue = items.entries();
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failure !== null) return;
      try {
        results[index] = await map(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, work));
  if (failure !== null) throw (failure as { readonly error: unknown }).error;
  return results;
}
