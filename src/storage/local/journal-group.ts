import { mapBounded } from '../map-bounded.ts';
import { systemCode } from './errors.ts';
import { closeFile, createFile, isTaken, linkFile, syncData, unlinkName, writeFully } from './file-calls.ts';
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
  readonly write: (fd: number, records: readonly Buffer[]) => Promise<void>;
  readonly sync: (fd: number) => Promise<void>;
}

/** A record on its way. */
interface Accepted {
  readonly index: number;
  readonly record: Buffer;
  /** Where its object belongs; null for a record that places none. */
  readonly path: string | null;
}

/** Objects' files that are being made at once: each is a descriptor. */
const FILES_AT_ONCE = 32;

const SYSTEM_CALLS: GroupCalls = { write: writeFully, sync: syncData };

/** A group whose records are durable. */
export interface CommittedGroup {
  /** The objects that have got no place; a key that is taken already is not recorded. */
  readonly refusals: readonly Refusal[];
  /** Removes the names under which the files were made: nobody needs to wait for it. Never rejects. */
  readonly tidy: () => Promise<void>;
}

/**
 * Makes records durable, then gives the object of each `put` among them its place. So whatever has a place is on disk.
 * The objects' files are made while the sync runs, under temporary names.
 *
 * @throws what the calls throw: then nothing of the group can be relied on, and nothing has been placed.
 */
export async function commitGroup(
  group: RecordGroup,
  calls: GroupCalls = SYSTEM_CALLS,
): Promise<CommittedGroup> {
  const refusals: Refusal[] = [];
  const accepted: Accepted[] = [];
  for (const [index, record] of group.records.entries()) {
    const path = isPut(record) ? placeOfName(group.layout, nameOfRecord(record)).path : null;
    const refused = path === null ? undefined : await requireFree(path);
    if (refused === undefined) accepted.push({ index, record, path });
    else refusals.push({ ...refused, index, recorded: false });
  }
  if (accepted.length === 0) return { refusals, tidy: () => Promise.resolve() };
  await calls.write(
    group.fd,
    accepted.map(({ record }) => record),
  );
  const synced = calls.sync(group.fd).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  const files = await mapBounded(accepted, FILES_AT_ONCE, async ({ record, path }) =>
    path === null ? null : TemporaryFile.write(group.layout, record),
  );
  const tidy = async (): Promise<void> => {
    await mapBounded(files, FILES_AT_ONCE, async (file) => file?.remove());
  };
  const failed = await synced;
  if (failed !== undefined) {
    await tidy();
    throw failed.error;
  }
  await mapBounded([...accepted.entries()], FILES_AT_ONCE, async ([at, { index, path }]) => {
    const file = files[at] ?? null;
    const refused = path === null ? undefined : await file?.place(path);
    if (refused !== undefined) refusals.push({ ...refused, index, recorded: true });
  });
  return { refusals, tidy };
}

/** An object's file under a temporary name. */
class TemporaryFile {
  readonly #path: string;
  #isMade = false;
  #failure: Failure | undefined;

  private constructor(path: string) {
    this.#path = path;
  }

  /** Never rejects: `place` tells what went wrong. */
  static async write(layout: RecordGroup['layout'], record: Buffer): Promise<TemporaryFile> {
    const file = new TemporaryFile(`${layout.temporary}/${newTemporaryName()}`);
    try {
      const fd = await createFile(file.#path);
      file.#isMade = true;
      await writeFully(fd, [record.subarray(RECORD_HEADER_BYTES)]).finally(() => closeFile(fd));
    } catch (error) {
      file.#failure = toFailure(error);
    }
    return file;
  }

  async place(path: string): Promise<Failure | undefined> {
    if (this.#failure !== undefined) return this.#failure;
    return linkFile(this.#path, path).then(() => undefined, toFailure);
  }

  /** What can't be removed now is removed as a stale temporary file. */
  async remove(): Promise<void> {
    if (this.#isMade) await unlinkName(this.#path).catch(() => {});
  }
}

/** What is told of an error to another thread. */
export type Failure = Pick<Refusal, 'code' | 'message'>;

async function requireFree(path: string): Promise<Failure | undefined> {
  const taken = { code: 'EEXIST', message: 'The place is taken.' };
  return isTaken(path).then((isThere) => (isThere ? taken : undefined), toFailure);
}

export function toFailure(error: unknown): Failure {
  return { code: systemCode(error), message: error instanceof Error ? error.message : '' };
}

/** The error again, with the system's name for it. */
export function fromFailure({ code, message }: Failure): Error {
  return Object.assign(new Error(message), { code });
}
