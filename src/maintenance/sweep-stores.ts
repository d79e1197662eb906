import type { BackendName } from '../core/backend-name.ts';
import { throwIfAborted } from '../core/errors.ts';
import { isOurStore } from './store-owner.ts';
import { type SweepCount, type SweepOptions, type SweepParts, type SweepReport, sweep } from './sweep.ts';

/** A store besides the one of new files. */
export interface OtherStore {
  readonly backend: BackendName;
  open(): Promise<SweepParts>;
}

/**
 * Sweeps the store of new files, and every other one that this catalog has claimed. Settings alone do not make a store
 * ours: those of another installation may be there too, on a machine of a developer say.
 */
export async function sweepStores(
  main: SweepParts,
  others: readonly OtherStore[],
  options: SweepOptions,
): Promise<SweepReport> {
  let report = await sweep(main, options);
  for (const { backend, open } of others) {
    throwIfAborted(options.signal);
    try {
      const parts = await open();
      if (await isOurStore(parts, options.signal)) report = merged(report, await sweep(parts, options));
    } catch (error) {
      throwIfAborted(options.signal);
      main.log.warn({ backend, err: error }, 'A store could not be swept.');
      report = { ...report, failures: report.failures + 1 };
    }
  }
  return report;
}

const LISTED_MAX = 100;

function merged(one: SweepReport, other: SweepReport): SweepReport {
  const stopped = [one.stopped, other.stopped].filter((reason) => reason !== null);
  return {
    applied: one.applied && other.applied,
    objects: one.objects + other.objects,
    assets: one.assets + other.assets,
    orphans: sum(one.orphans, other.orphans),
    orphan_keys: [...one.orphan_keys, ...other.orphan_keys].slice(0, LISTED_MAX),
    missing: one.missing + other.missing,
    wrong_size: one.wrong_size + other.wrong_size,
    unreadable: one.unreadable + other.unreadable,
    damaged: [...one.damaged, ...other.damaged].slice(0, LISTED_MAX),
    tombstones: sum(one.tombstones, other.tombstones),
    unused: sum(one.unused, other.unused),
    stale_uploads: sum(one.stale_uploads, other.stale_uploads),
    expired_uploads: sum(one.expired_uploads, other.expired_uploads),
    spool_files: sum(one.spool_files, other.spool_files),
    stopped: stopped.length === 0 ? null : stopped.join(' '),
    failures: one.failures + other.failures,
  };
}

function sum(one: SweepCount, other: SweepCount): SweepCount {
  return {
    found: one.found + other.found,
    bytes: one.bytes + other.bytes,
    removed: one.removed + other.removed,
  };
}
