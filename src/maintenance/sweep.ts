import type { Catalog } from '../catalog/catalog.ts';
import type { AssetTypes } from '../core/asset-type.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { StorageBackend } from '../storage/backend.ts';
import type { StaleMultipart } from '../storage/index.ts';
import type { Stores } from '../storage/stores.ts';
import { expireUploads } from './expire-uploads.ts';
import { findDamaged } from './find-damaged.ts';
import { findOrphans, withSignal } from './find-orphans.ts';
import { finishTombstones, removeOrphans, removeUnused } from './removals.ts';
import { removeSpoolLeftovers } from './spool-leftovers.ts';
import { abortStaleMultiparts } from './stale-multiparts.ts';
import { heldBack, readStoreClock } from './store-clock.ts';
import { findOtherOwner } from './store-owner.ts';

/** The sweeper's youngest prey by default, in seconds: no upload takes a day. */
export const SWEEP_AGE_SECONDS_DEFAULT = 24 * 60 * 60;

/** What a sweep of one store works on. */
export interface SweepParts {
  readonly bucket: Pick<
    StorageBackend,
    'name' | 'list' | 'head' | 'get' | 'put' | 'delete' | 'deleteMany' | 'resumeMultipart'
  >;
  /** All stores, for assets with bytes in several of them. */
  readonly stores: Pick<Stores<Pick<StorageBackend, 'delete'>>, 'of'>;
  readonly catalog: Pick<
    Catalog,
    | 'catalogId'
    | 'keysInUse'
    | 'walkAssets'
    | 'findAsset'
    | 'listTombstones'
    | 'forgetAsset'
    | 'listUnused'
    | 'tombstoneAsset'
    | 'removeExpired'
    | 'listExpiredUploads'
    | 'claimUpload'
    | 'releaseUpload'
    | 'endUpload'
  >;
  readonly assetTypes: AssetTypes;
  /** Multi-part uploads begun before a time; null where the store cleans up itself. */
  readonly listStaleMultipart: ((startedBeforeMs: number) => Promise<readonly StaleMultipart[]>) | null;
  /** Where form uploads wait for their fields; null when there is no such directory here. */
  readonly spoolDir: string | null;
  readonly clock: Clock;
  readonly log: Log;
}

export interface SweepOptions {
  /** False: look and report, remove nothing. */
  readonly apply: boolean;
  /** Objects younger than this by the store's clock are never touched, in seconds. */
  readonly ageSecondsMin: number;
  /** Go on although unusually much would go. */
  readonly force: boolean;
  /** Called now and then with what is being done and how many were looked at. */
  readonly onProgress?: (step: string, done: number) => void;
  readonly signal?: AbortSignal;
}

/** Something a sweep counted: `found` needs removing, `removed` is gone. */
export interface SweepCount {
  readonly found: number;
  readonly bytes: number;
  readonly removed: number;
}

/** A row whose bytes are missing, of another size, or no longer what the store wrote. Reported, never removed: a backup may have them. */
export interface DamagedAsset {
  readonly asset_id: string;
  readonly key: string;
  readonly problem: 'missing' | 'wrong_size' | 'unreadable';
}

/** What a sweep found and did. Names are those of `stowage sweep --json`. */
export interface SweepReport {
  readonly applied: boolean;
  readonly objects: number;
  readonly assets: number;
  /** Objects that no row names. */
  readonly orphans: SweepCount;
  /** The first orphans, by key; at most 100. */
  readonly orphan_keys: readonly string[];
  /** Rows without their bytes. */
  readonly missing: number;
  /** Rows whose bytes have another size. */
  readonly wrong_size: number;
  /** Rows whose object the store knows to be damaged. */
  readonly unreadable: number;
  /** The first of all three; at most 100. */
  readonly damaged: readonly DamagedAsset[];
  /** Deletes that were interrupted. */
  readonly tombstones: SweepCount;
  /** Assets past the retention of their type. */
  readonly unused: SweepCount;
  readonly stale_uploads: SweepCount;
  /** Direct uploads that nobody completed in time; the bytes are those announced. */
  readonly expired_uploads: SweepCount;
  readonly spool_files: SweepCount;
  /** Why nothing is removed, or would be; null otherwise. */
  readonly stopped: string | null;
  /** Removals that failed, and stores that did not answer; the next sweep tries again. */
  readonly failures: number;
}

/** Most of each that may go in one sweep without `force`: a share of what there is, and never fewer than these many. */
const REMOVED_SHARE_MAX = 0.2;
/** A test's leftovers, not a company's files. */
const ORPHANS_FREELY_MAX = 10;
/** These have rows that say so: only a wrong clock could make too many of them. */
const UNUSED_FREELY_MAX = 100;

/**
 * Compares the store with the catalog and, with `apply`, removes what is provably dead.
 *
 * An object is dead when it is older than the minimum age by the store's own clock, was listed before the rows were
 * read, and no row (asset or tombstone) names it, then and again right before it is removed. Uploads write bytes first
 * under fresh keys and rows after, so an object that old without a row will never get one. When unusually much
 * would go, nothing does: a wrong database or a wrong clock looks like that. In a store that belongs to another catalog
 * nothing goes even with `force`.
 */
export async function sweep(given: SweepParts, options: SweepOptions): Promise<SweepReport> {
  const storeNowMs = await readStoreClock(given, options);
  const parts = { ...given, clock: heldBack(given.clock, storeNowMs) };
  const beforeMs = storeNowMs - options.ageSecondsMin * 1000;
  const orphans = await findOrphans(parts, { ...options, beforeMs });
  const damaged = await findDamaged(parts, options);
  const unusedFound = await removeUnused(parts, { ...options, apply: false });
  const tooMuchGoes = options.force
    ? null
    : (wrongCatalog(orphans.found, damaged.assets) ??
      tooMuch('orphans', orphans, ORPHANS_FREELY_MAX) ??
      tooMuch('unused assets', { ...unusedFound, objects: damaged.assets }, UNUSED_FREELY_MAX));
  // A store is claimed only by a catalog that fits it.
  const claim = options.apply && tooMuchGoes === null;
  const stopped = (await findOtherOwner(parts, { claim, ...withSignal(options.signal) })) ?? tooMuchGoes;
  const apply = options.apply && stopped === null;

  const removed = apply ? await removeOrphans(parts, orphans.keys, options) : { removed: 0, failures: 0 };
  const tombstones = await finishTombstones(parts, { ...options, apply });
  const unused = apply ? await removeUnused(parts, { ...options, apply }) : unusedFound;
  // Before the multi-part uploads without a row: what these have begun is known.
  const expired = await expireUploads(parts, { ...options, apply });
  const uploads = await abortStaleMultiparts(parts, { ...options, apply, beforeMs });
  // Files of this machine, dated by it.
  const spoolBeforeMs = given.clock.now() - options.ageSecondsMin * 1000;
  const spool = await removeSpoolLeftovers(parts.spoolDir, { apply, beforeMs: spoolBeforeMs });
  if (apply) await parts.catalog.removeExpired(parts.clock.now());

  return {
    applied: apply,
    objects: orphans.objects,
    assets: damaged.assets,
    orphans: { found: orphans.found, bytes: orphans.bytes, removed: removed.removed },
    orphan_keys: orphans.keys.slice(0, 100),
    missing: damaged.missing,
    wrong_size: damaged.wrongSize,
    unreadable: damaged.unreadable,
    damaged: damaged.first,
    tombstones: tombstones.count,
    unused: unused.count,
    stale_uploads: uploads.count,
    expired_uploads: expired.count,
    spool_files: spool,
    stopped,
    failures: removed.failures + tombstones.failures + unused.failures + expired.failures + uploads.failures,
  };
}

/** Whether anything is left that somebody should look at. */
export function hasFindings(report: SweepReport): boolean {
  const counts = [
    ...[report.orphans, report.tombstones, report.unused],
    ...[report.stale_uploads, report.expired_uploads, report.spool_files],
  ];
  return (
    counts.some((count) => count.removed < count.found) ||
    report.missing + report.wrong_size + report.unreadable + report.failures > 0 ||
    report.stopped !== null
  );
}

function wrongCatalog(orphans: number, assets: number): string | null {
  if (assets > 0 || orphans <= ORPHANS_FREELY_MAX) return null;
  return `The catalog has no asset at all, and the store has ${orphans} objects: is this the right database? If so, sweep again with --force.`;
}

function tooMuch(
  what: string,
  { found, objects }: { readonly found: number; readonly objects: number },
  freelyMax: number,
): string | null {
  if (found <= freelyMax || found <= objects * REMOVED_SHARE_MAX) return null;
  return `${found} of ${objects} would go as ${what}, more than a fifth. If that is right, sweep again with --force.`;
}
