import fs from 'node:fs';
import { systemCode } from './errors.ts';
import { isPut, nameOfRecord, RECORD_HEADER_BYTES } from './journal-record.ts';
import { type Layout, placeOfName } from './layout.ts';
import { newTemporaryName } from './temporary-files.ts';

/** Records that one write and one sync make durable. */
export interface RecordGroup {
  /** The journal, open for appending. */
  readonly fd: number;
  readonly records: readonly Buffer[];
  readonly layout: Pick<Layout, 'objects' | 'temporary'>;
}

/** Why the object of one record has not got its place. */
export interface Refusal {
  /** Which of the group's records. */
  readonly index: number;
  /** The system's name of the failure, such as `EEXIST`, and its words. */
  readonly code: string;
  readonly message: string;
  /** Whether the record is in the journal nevertheless, and must be settled. */
  readonly recorded: boolean;
}

/** The two calls that make a group durable. Tests let them fail. */
export interface GroupCalls {
  readonly write: (fd: number, records: readonly Buffer[]) => void;
  readonly sync: (fd: number) => void;
}

const SYSTEM_CALLS: GroupCalls = { write: writeAll, sync: fs.fdatasyncSync };
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants;

/**
 * Makes records durable, then gives the object of each `put` among them its place: a temporary file, linked. So
 * whatever has a place is on disk. Blocks its thread until all is done.
 *
 * @returns the objects that have got no place; a key that is taken already is not recorded.
 * @throws what the calls throw: then nothing of the group can be relied on, and nothing has been placed.
 */
export function commitGroup(group: RecordGroup, calls: GroupCalls = SYSTEM_CALLS): Refusal[] {
  const refusals: Refusal[] = [];
  const accepted = group.records.flatMap((record, index) => {
    const path = isPut(record) ? placeOfName(group.layout, nameOfRecord(record)).path : null;
    const refused = path === null ? undefined : attempt(() => requireFree(path));
    if (refused === undefined) return [{ record, index, path }];
    refusals.push({ ...refused, index, recorded: false });
    return [];
  });
  if (accepted.length === 0) return refusals;
  calls.write(
    group.fd,
    accepted.map(({ record }) => record),
  );
  calls.sync(group.fd);
  for (const { record, index, path } of accepted) {
    if (path === null) continue;
    const refused = attempt(() => place(record.subarray(RECORD_HEADER_BYTES), path, group.layout.temporary));
    if (refused !== undefined) refusals.push({ ...refused, index, recorded: true });
  }
  return refusals;
}

function requireFree(path: string): void {
  if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw Object.assign(new Error('The place is taken.'), { code: 'EEXIST' });
}

function place(file: Buffer, path: string, temporaryDirectory: string): void {
  const temporaryPath = `${temporaryDirectory}/${newTemporaryName()}`;
  const fd = fs.openSync(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    writeAll(fd, [file]);
    fs.linkSync(temporaryPath, path);
  } finally {
    fs.closeSync(fd);
    // A second name that can't be removed now is removed as a stale temporary file.
    attempt(() => fs.unlinkSync(temporaryPath));
  }
}

function writeAll(fd: number, buffers: readonly Buffer[]): void {
  let written = fs.writevSync(fd, buffers);
  for (const buffer of buffers) {
    while (written < buffer.byteLength) written += fs.writeSync(fd, buffer, written);
    written -= buffer.byteLength;
  }
}

function attempt(work: () => void): Pick<Refusal, 'code' | 'message'> | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return { code: systemCode(error), message: error instanceof Error ? error.message : '' };
  }
}
