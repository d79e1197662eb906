// Question: does memory stay flat while many large uploads run?
// Method: after one warm-up upload, 16 connections send 200 MB each at once; the process's resident memory is read from
// /proc every 20 ms; the figure is the highest reading less the one before the run.

import { type Answer, memoryDuring, scratch, startStowage } from './harness.ts';
import { uploadFilm } from './upload-large.ts';

export async function uploadMemory(): Promise<Answer> {
  const directory = scratch();
  const stowage = await startStowage(`${directory}/stowage`);
  try {
    await uploadFilm(stowage, 50_000_000);
    const { before, highest } = await memoryDuring(stowage.pid, () =>
      Promise.all(Array.from({ length: 16 }, () => uploadFilm(stowage, 200_000_000))),
    );
    const growth = (highest - before) / 1e6;
    return {
      question: '16 concurrent 200 MB uploads',
      unit: 'MB',
      figures: { 'memory before': [before / 1e6], 'highest memory': [highest / 1e6] },
      targets: [{ title: 'growth in MB', values: [growth], atMost: 120 }],
    };
  } finally {
    await stowage.stop();
  }
}
