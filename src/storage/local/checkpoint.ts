import { mapBounded } from '../map-bounded.ts';
import { syncDirectory } from './file-calls.ts';
import { notesPathOf, readLiveObjects } from './journal-directory.ts';
import type { JournalFile } from './journal-file.ts';
import { journalThread } from './journal-thread.ts';
import { type Layout, placeOfName } from './layout.ts';
import type { PlaceLocks } from './place-locks.ts';
import { restoreObject } from './restore-object.ts';

/** How a checkpoint runs. */
export interface CheckpointPace {
  readonly atOnce: number;
  /** Stops it between two objects, or between two tasks of the thread, with its reason. */
  readonly signal: AbortSignal;
}

/** How many objects the thread is asked to sync at a time. */
const PLACES_PER_TASK = 64;

/**
 * Waits until each object that only this journal holds is on disk in its own place; what was deleted meanwhile is left
 * out. Most were written by the system long ago: then this is a question, not a write.
 */
export async function syncObjects(layout: Layout, journal: JournalFile, pace: CheckpointPace): Promise<void> {
  const places = livePlaces(layout, journal);
  for (let at = 0; at < places.length; at += PLACES_PER_TASK) {
    pace.signal.throwIfAborted();
    const paths = places.slice(at, at + PLACES_PER_TASK).map(({ path }) => path);
    await journalThread().sync(paths, pace.atOnce);
  }
  await syncDirectories(
    places.map(({ directory }) => directory),
    pace,
  );
}

/**
 * Writes each of them anew, from the journal: after a sync that failed the system may hold a file for written that
 * is not, and no further sync would tell.
 */
export async function rewriteObjects(
  layout: Layout,
  journal: JournalFile,
  locks: PlaceLocks,
  pace: CheckpointPace,
): Promise<void> {
  const objects = await readLiveObjects(journal.path, notesPathOf(layout.journal, journal.base));
  const live = objects.filter(({ version }) => journal.live.has(version));
  await mapBounded(live, pace.atOnce, async (object) => {
    pace.signal.throwIfAborted();
    const { path } = placeOfName(layout, object.name);
    const isSettled = async () => !journal.live.has(object.version);
    await locks.run(path, async () => {
      if (!(await isSettled())) await restoreObject(layout, object, { isSettled, rewrite: true });
    });
  });
  await syncDirectories(
    live.map(({ name }) => placeOfName(layout, name).directory),
    pace,
  );
}

function livePlaces(layout: Layout, journal: JournalFile) {
  return [...journal.live.values()].map((name) => placeOfName(layout, name));
}

async function syncDirectories(directories: readonly string[], pace: CheckpointPace): Promise<void> {
  await mapBounded([...new Set(directories)], pace.atOnce, async (directory) => {
    pace.signal.throwIfAborted();
    await syncDirectory(directory);
  });
}
