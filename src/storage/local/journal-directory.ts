import { readdir, readFile } from 'node:fs/promises';
import { systemCode } from './errors.ts';
import {
  closeFile,
  emptyFile,
  openForAppending,
  syncData,
  syncDirectory,
  unlinkFile,
  writeFully,
} from './file-calls.ts';
import { type JournalName, parseJournalName } from './journal-names.ts';
import { type JournalRecord, readNotes, readRecords } from './journal-record.ts';
import { decodeFooter } from './object-footer.ts';
import type { JournaledObject } from './restore-object.ts';

/** The files in the journal's directory that are ours. */
export async function listJournals(directory: string): Promise<JournalName[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    // Taken away with everything else: whatever is wanted next fails for that.
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  });
  return names.map(parseJournalName).filter((name) => name !== null);
}

/** The objects of a journal that were not settled, in the order of their puts. */
export async function readLiveObjects(path: string, notesPath: string): Promise<JournaledObject[]> {
  const records = readRecords(await readFile(path));
  const settled = settledVersions([...records, ...(await readNotesOf(notesPath))]);
  const objects: JournaledObject[] = [];
  for (const record of records) {
    if (record.type !== 'put') continue;
    const { version } = decodeFooter(record.file, record.file.byteLength);
    if (!settled.has(version)) objects.push({ name: record.name, version, file: record.file });
  }
  return objects;
}

/** Whether other processes have noted that this version needs no replay. */
export async function isNoted(notesPath: string, version: string): Promise<boolean> {
  return settledVersions(await readNotesOf(notesPath)).has(version);
}

/** Notes in another process's journal that a put needs no replay; fulfilled when that is on disk. */
export async function appendNote(notesPath: string, directory: string, note: Buffer): Promise<void> {
  const fd = await openForAppending(notesPath);
  try {
    await writeFully(fd, [note]);
    await syncData(fd);
  } finally {
    await closeFile(fd);
  }
  await syncDirectory(directory);
}

/**
 * Removes a journal whose objects are all on disk. It is emptied first: should its name come back after a power cut,
 * it brings no deleted object with it.
 */
export async function removeJournal(path: string, directory: string): Promise<void> {
  await emptyFile(path);
  await unlinkFile(path);
  await syncDirectory(directory);
}

export function notesPathOf(directory: string, base: string): string {
  return `${directory}/${base}.settled`;
}

async function readNotesOf(path: string): Promise<JournalRecord[]> {
  try {
    return readNotes(await readFile(path));
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw error;
  }
}

function settledVersions(records: readonly JournalRecord[]): Set<string> {
  const versions = new Set<string>();
  for (const record of records) if (record.type === 'settled') versions.add(record.version);
  return versions;
}
