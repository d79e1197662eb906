import fs from 'node:fs';
import { systemCode } from './errors.ts';
import { syncData } from './file-calls.ts';
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
  readonly sync: (fd: number) => Promise<void>;
}

/** A record on its way. */
interface Accepted {
  readonly index: number;
  readonly record: Buffer;
  /** Where its object belongs; null for a record that places none. */
  readonly path: string | null;
}

const SYSTEM_CALLS: GroupCalls = { write: writeAll, sync: syncData };
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = fs.constants;

/**
 * Makes records durable, then gives the object of each `put` among them its place. So whatever has a place is on disk.
 * The objects' files are made while the sync runs, under temporary names. All other calls block the thread.
 *
 * @returns the objects that have got no place; a key that is taken already is not recorded.
 * @throws what the calls throw: then nothing of the group can be relied on, and nothing has been placed.
 */
export async function commitGroup(
  group: RecordGroup,
  calls: GroupCalls = SYSTEM_CALLS,
): Promise<readonly Refusal[]> {
  const refusals: Refusal[] = [];
  const accepted = group.records.flatMap((record, index): Accepted[] => {
    const path = isPut(record) ? placeOfName(group.layout, nameOfRecord(record)).path : null;
    const refused = path === null ? undefined : attempt(() => requireFree(path));
    if (refused === undefined) return [{ index, record, path }];
    refusals.push({ ...refused, index, recorded: false });
    return [];
  });
  if (accepted.length === 0) return refusals;
  calls.write(
    group.fd,
    accepted.map(({ record }) => record),
  );
  const files = new TemporaryFiles(group.layout.temporary);
  const synced = calls.sync(group.fd);
  const unwritten = accepted.map(({ record, path }) =>
    path === null ? undefined : attempt(() => files.write(path, record.subarray(RECORD_HEADER_BYTES))),
  );
  try {
    await synced;
    for (const [at, { index, path }] of accepted.entries()) {
      if (path === null) continue;
      const refused = unwritten[at] ?? attempt(() => files.place(path));
      if (refused !== undefined) refusals.push({ ...refused, index, recorded: true });
    }
  } finally {
    files.remove();
  }
  return refusals;
}

/** The files of one group under temporary names. */
class TemporaryFiles {
  readonly #directory: string;
  readonly #nameOf = new Map<string, string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  write(path: string, file: Buffer): void {
    const temporaryPath = `${this.#directory}/${newTemporaryName()}`;
    const fd = fs.openSync(temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    this.#nameOf.set(path, temporaryPath);
    try {
      writeAll(fd, [file]);
    } finally {
      fs.closeSync(fd);
    }
  }

  place(path: string): void {
    const temporaryPath = this.#nameOf.get(path);
    if (temporaryPath !== undefined) fs.linkSync(temporaryPath, path);
  }

  /** What can't be removed now is removed as a stale temporary file. */
  remove(): void {
    for (const temporaryPath of this.#nameOf.values()) attempt(() => fs.unlinkSync(temporaryPath));
  }
}

function requireFree(path: string): void {
  if (fs.lstatSync(path, { throwIfNoEntry: false }) === undefined) return;
  throw Object.assign(new Error('The place is taken.'), { code: 'EEXIST' });
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
