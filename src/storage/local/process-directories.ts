import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { isRunning, newTemporaryName } from './temporary-files.ts';

const NAME = /^(\d{1,10})-(\d{1,20})-[0-9a-z]{1,12}-[0-9a-z]{1,12}-([0-9a-f]{8})$/;

/** A name for a directory that only this process writes to, given once: process, its start, a number and the host. */
export function newProcessDirectoryName(): string {
  return `${newTemporaryName()}-${hostMark()}`;
}

/** What became of the process whose directory has this name; unknown for other names, and for other hosts. */
export function ownerOfDirectory(name: string): 'running' | 'gone' | 'unknown' {
  const match = NAME.exec(name);
  // A container that shares the disk has process ids of its own.
  if (match === null || match[3] !== hostMark()) return 'unknown';
  return isRunning(Number(match[1]), match[2] ?? '') ? 'running' : 'gone';
}

function hostMark(): string {
  return createHash('sha256').update(hostname()).digest('hex').slice(0, 8);
}
