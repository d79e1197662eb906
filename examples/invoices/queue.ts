import { StowageError } from 'stowage';

/** Runs what costs much, some at once; a few more wait, and whoever comes then is told to come again. */
export type Queue = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** @throws StowageError `rate_limited` from the queue when too many wait. */
export function openQueue({
  atOnce,
  waitingMax,
}: {
  readonly atOnce: number;
  readonly waitingMax: number;
}): Queue {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < atOnce) running += 1;
    else if (waiting.length < waitingMax) await new Promise<void>((resolve) => waiting.push(resolve));
    else {
      throw new StowageError('rate_limited', 'Too much is asked for at once.', {
        fields: { retry_after_seconds: 5 },
      });
    }
    try {
      return await work();
    } finally {
      // The place is handed on: nobody who comes now gets before those that wait.
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
