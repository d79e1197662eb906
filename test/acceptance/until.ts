import { setTimeout as pause } from 'node:timers/promises';

/** Asks again until the answer satisfies, at most `seconds`; returns the last answer either way. */
export async function until<T>(
  ask: () => Promise<T>,
  enough: (answer: T) => boolean,
  seconds = 5,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await ask();
    if (enough(answer) || Date.now() > deadline) return answer;
    await pause(50);
  }
}
