import { readFile } from 'node:fs/promises';

/** Whether a process has ended, on Linux: one whose parent has not asked for it yet has ended too. */
export async function isGone(pid: number | string): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  return status === null || status.includes(') Z ');
}
