import { lstat, rename } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../../core/log.ts';
import { mapBounded } from '../map-bounded.ts';
import { systemCode } from './errors.ts';
import { syncDirectory, unlinkFile } from './file-calls.ts';
import { isNoted, listJournals, notesPathOf, readLiveObjects, removeJournal } from './journal-directory.ts';
import { isOwnName, type JournalName, newOwnerName, ownerState } from './journal-names.ts';
import { type Layout, placeOfName } from './layout.ts';
import { restoreObject } from './restore-object.ts';

/** Journals that this process writes or replays, by path: of its own names, those that are alive. */
export const journalsInUse = new Set<string>();

/** Age of the last record after which a journal of a process that we can't see counts as left, in milliseconds. */
const LEFT_MS = 120_000;

/** How long an open waits for another process that replays, in milliseconds, and how often it looks. */
const OTHERS_MS_MAX = 60_000;
const OTHERS_LOOK_MS = 50;

/** Objects restored at once. */
const RESTORES_AT_ONCE = 32;

/** Notes without their journal are removed after this age, in milliseconds. */
const STRAY_NOTES_MS = 24 * 60 * 60 * 1000;

/**
 * Brings back what processes that are gone had acknowledged and not yet written to its own place, and removes their
 * journals. Journals of running processes stay untouched. Fulfilled when nothing is missing any more.
 */
export async function replayJournals(layout: Layout, nowMs: number, log: Log): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const found = await listJournals(layout.journal);
    for (const journal of found) {
      const path = await takeOver(layout, journal, nowMs);
      if (path !== null) await replay(layout, path, journal.base, log);
    }
    await removeStrayNotes(layout, found, nowMs);
    if (!found.some((journal) => isBeingReplayed(layout, journal))) return;
    if (performance.now() - startedMs > OTHERS_MS_MAX) {
      log.warn({}, 'Another process still replays a journal: some objects may be missing until it is done.');
      return;
    }
    await sleep(OTHERS_LOOK_MS);
  }
}

/** Renames a journal that its owner left, so that one process replays it. @returns its path; null for others. */
async function takeOver(layout: Layout, journal: JournalName, nowMs: number): Promise<string | null> {
  const path = `${layout.journal}/${journal.name}`;
  try {
    if (!(await isLeft(path, journal, nowMs))) return null;
    const ownPath = `${layout.journal}/${journal.base}.${newOwnerName()}.replay`;
    journalsInUse.add(ownPath);
    await rename(path, ownPath).catch((error: unknown) => {
      journalsInUse.delete(ownPath);
      throw error;
    });
    return ownPath;
  } catch (error) {
    // Another process was faster.
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

async function isLeft(path: string, journal: JournalName, nowMs: number): Promise<boolean> {
  if (journal.owner === null) return false;
  if (isOwnName(journal.owner)) return !journalsInUse.has(path);
  const state = ownerState(journal.owner);
  // As long as the machine runs its caches have what the journal has: there is no hurry.
  if (state === 'unknown') return nowMs - (await lstat(path)).mtimeMs > LEFT_MS;
  return state === 'gone';
}

function isBeingReplayed(layout: Layout, journal: JournalName): boolean {
  if (journal.kind !== 'replay' || journal.owner === null) return false;
  if (isOwnName(journal.owner)) return journalsInUse.has(`${layout.journal}/${journal.name}`);
  return ownerState(journal.owner) === 'running';
}

async function replay(layout: Layout, path: string, base: string, log: Log): Promise<void> {
  const notesPath = notesPathOf(layout.journal, base);
  try {
    const objects = await readLiveObjects(path, notesPath);
    const written = await mapBounded(objects, RESTORES_AT_ONCE, (object) =>
      restoreObject(layout, object, {
        isSettled: () => isNoted(notesPath, object.version),
        rewrite: false,
      }),
    );
    const directories = new Set(objects.map(({ name }) => placeOfName(layout, name).directory));
    await mapBounded([...directories], RESTORES_AT_ONCE, syncDirectory);
    await removeJournal(path, layout.journal);
    await unlinkFile(notesPath).catch(() => {});
    const restored = written.filter(Boolean).length;
    if (objects.length > 0)
      log.info({ objects: objects.length, restored }, 'Replayed a journal of the store.');
  } finally {
    journalsInUse.delete(path);
  }
}

async function removeStrayNotes(layout: Layout, found: readonly JournalName[], nowMs: number): Promise<void> {
  const bases = new Set(found.filter(({ kind }) => kind !== 'settled').map(({ base }) => base));
  for (const { name, base, kind } of found) {
    if (kind !== 'settled' || bases.has(base)) continue;
    const path = `${layout.journal}/${name}`;
    try {
      if (nowMs - (await lstat(path)).mtimeMs > STRAY_NOTES_MS) await unlinkFile(path);
    } catch {
      // Another process that opens the store cleans as well.
    }
  }
}
