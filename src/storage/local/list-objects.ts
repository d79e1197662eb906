import { opendir } from 'node:fs/promises';
import { isStowageError, StowageError, throwIfAborted } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { ListEntry, ListOptions, ListPage } from '../backend.ts';
import { mapBounded } from '../map-bounded.ts';
import { type Layout, SHARDS } from './layout.ts';
import { readObjectInfo } from './object-file.ts';

/** Most files that one page looks at, so that a rare prefix in a large store does not make a call without end. */
const EXAMINED_MAX = 4000;

/** Names read at once below a prefix, at least. */
const NAMES_AT_ONCE_MIN = 128;

/** Files read at once. */
const READS_AT_ONCE = 16;

const OBJECT_NAME = /^[0-9a-f]{64}$/;

/**
 * One page, in the order of the files' names (hashes of the keys). The cursor is the last name looked at, so what is
 * put or deleted meanwhile can't shift the walk.
 *
 * @throws StowageError `invalid_parameter` for a cursor that no page gave out.
 */
export async function listObjects(layout: Layout, options: ListOptions, log: Log): Promise<ListPage> {
  let after = parseCursor(options.cursor);
  const entries: ListEntry[] = [];
  let examined = 0;
  for (const shard of SHARDS.slice(after === '' ? 0 : Number.parseInt(after.slice(0, 2), 16))) {
    for (;;) {
      throwIfAborted(options.signal);
      const wanted = namesWanted(options, entries.length);
      const names = await firstNames(`${layout.objects}/${shard}`, after, wanted);
      const found = await mapBounded(names, READS_AT_ONCE, (name) => readEntry(layout, name, options, log));
      for (const [index, entry] of found.entries()) {
        after = names[index] ?? after;
        if (entry !== null) entries.push(entry);
        if (entries.length === options.limit) return { entries, cursor: after };
      }
      examined += names.length;
      if (examined >= EXAMINED_MAX) return { entries, cursor: after };
      if (names.length < wanted) break;
    }
  }
  return { entries, cursor: null };
}

/** Below a prefix most names may be others': more are looked at than are missing. */
function namesWanted(options: ListOptions, foundCount: number): number {
  const missing = options.limit - foundCount;
  return options.prefix === '' ? missing : Math.max(missing, NAMES_AT_ONCE_MIN);
}

function parseCursor(cursor: string | null): string {
  if (cursor === null || OBJECT_NAME.test(cursor)) return cursor ?? '';
  throw new StowageError('invalid_parameter', 'The cursor is not one of this listing.', {
    fields: { parameter: 'cursor' },
  });
}

/** The first `countMax` object names behind `after`, in order; holds no more than twice as many at a time. */
async function firstNames(directory: string, after: string, countMax: number): Promise<string[]> {
  let names: string[] = [];
  const shrink = (): void => {
    names = names.sort().slice(0, countMax);
  };
  for await (const { name } of await opendir(directory, { bufferSize: 512 })) {
    if (name > after && OBJECT_NAME.test(name)) names.push(name);
    if (names.length >= 2 * countMax + 1024) shrink();
  }
  shrink();
  return names;
}

async function readEntry(
  layout: Layout,
  name: string,
  options: ListOptions,
  log: Log,
): Promise<ListEntry | null> {
  try {
    const { key, sizeBytes, modifiedAtMs } = await readObjectInfo(
      `${layout.objects}/${name.slice(0, 2)}/${name}`,
    );
    return key.startsWith(options.prefix) ? { key, sizeBytes, modifiedAtMs } : null;
  } catch (error) {
    // Deleted since its name was read.
    if (isStowageError(error, 'object_not_found')) return null;
    // A damaged file has no key to list; it must not hide all others.
    if (!isStowageError(error, 'object_corrupt') && !isStowageError(error, 'capability_missing')) throw error;
    log.error({ err: error, file: name }, 'A stored object cannot be read.');
    return null;
  }
}
