import { setImmediate as turn } from 'node:timers/promises';

/** How long more may keep coming, in milliseconds. */
const GATHER_MS_MAX = 5;

/**
 * Waits while each turn of the event loop brings more, at least one turn when there is something, and not at all when it is
 * full. Clients that were answered together come back together, and one after the other: a group that went with the first
 * of them would let all others wait for its end.
 *
 * @param count how many are there.
 */
export async function gather(count: () => number, isFull: () => boolean): Promise<void> {
  const endMs = performance.now() + GATHER_MS_MAX;
  // Those of this turn come first.
  await Promise.resolve();
  for (let seen = 0; seen < count() && !isFull() && performance.now() < endMs; ) {
    seen = count();
    await turn();
  }
}
