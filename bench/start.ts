// Question: how long from the command to healthy, the first time and later?
// Method: `stowage serve` on an empty directory, stopped, then started again on the same one; asked every 10 ms.
import { type Answer, scratch, startStowage } from './harness.ts';

export async function start(rounds: number): Promise<Answer> {
  const first: number[] = [];
  const later: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const directory = scratch();
    for (const times of [first, later]) {
      const stowage = await startStowage(`${directory}/stowage`);
      times.push(stowage.readyMs / 1000);
      await stowage.stop();
    }
  }
  return {
    question: 'Start to healthy',
    unit: 's',
    figures: { 'first time': first, later },
    targets: [
      { title: 'seconds, first time', values: first, atMost: 5 },
      { title: 'seconds, later', values: later, atMost: 1.5 },
    ],
  };
}
