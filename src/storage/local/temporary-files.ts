import { readFileSync } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

/** Age after which a half-written file of a process that is gone is removed, in milliseconds. */
export const STALE_TEMPORARY_MS = 24 * 60 * 60 * 1000;
/** Age after which a second name is removed, in milliseconds: a backup may have given one to a file that is being written. */
export const SECOND_NAME_MS = 10 * 60 * 1000;

let counter = 0;
let ownPrefix: string | undefined;

/** A name for a file being written: process id, start of the process, thread, and a number that it gives once. */
export function newTemporaryName(): string {
  counter += 1;
  return `${temporaryPrefix()}-${counter.toString(36)}`;
}

/** What all names of this thread begin with. */
export function temporaryPrefix(): string {
  const thread = threadId === 0 ? '' : `t${threadId.toString(36)}`;
  ownPrefix ??= `${process.pid}-${processStart(process.pid) ?? '0'}-${Date.now().toString(36)}${thread}`;
  return ownPrefix;
}

const TEMPORARY_NAME = /^(\d{1,10})-(\d{1,20})-[0-9a-z]{1,12}-[0-9a-z]{1,12}$/;

/**
 * Removes what processes that are gone have left: second names of objects that have their place, and files that are half
 * written. Files of running processes, young ones and files that are not ours stay.
 *
 * @returns how many were removed.
 */
export async function removeStaleTemporaries(directory: string, nowMs: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(directory)) {
    const match = TEMPORARY_NAME.exec(name);
    if (match === null || isRunning(Number(match[1]), match[2] ?? '')) continue;
    const path = join(directory, name);
    try {
      const { mtimeMs, nlink } = await lstat(path);
      // The age guards what the process id can't tell: a writer in another container that shares this directory.
      if (nowMs - mtimeMs < (nlink > 1 ? SECOND_NAME_MS : STALE_TEMPORARY_MS)) continue;
      await unlink(path);
      removed += 1;
    } catch {
      // Another process that opens the store cleans as well.
    }
  }
  return removed;
}

/** Whether the process with this id and start (clock ticks since boot, `0` where unknown) still runs. */
export function isRunning(pid: number, start: string): boolean {
  const known = processStart(pid);
  if (known !== undefined) return known === start;
  try {
    process.kill(pid, 0);
    return start === '0';
  } catch {
    return false;
  }
}

/** Start of a process in clock ticks since boot (Linux, proc_pid_stat(5) field 22); undefined where unknown. */
function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command in field 2 may hold spaces and parentheses: count from behind its last one.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
