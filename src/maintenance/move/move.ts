import type { AssetMoves } from '../../catalog/asset-moves.ts';
import type { Asset, Catalog } from '../../catalog/catalog.ts';
import type { Clock } from '../../core/clock.ts';
import { isStowageError, throwIfAborted } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import { mapBounded } from '../../storage/map-bounded.ts';
import { DEFAULT_RETRY, withRetries } from '../../storage/retry.ts';
import type { Stores } from '../../storage/stores.ts';
import { findOtherOwner } from '../store-owner.ts';
import { progressLine } from './estimate.ts';
import { moveAsset } from './move-asset.ts';
import { createPace } from './pace.ts';
import { releaseCopy } from './release.ts';
import type { MoveReport, Problem } from './report.ts';
import { surveyAsset } from './survey.ts';
import { MoveTally } from './tally.ts';

/** The few methods of a store that a move calls. */
export type MoveStore = Pick<
  StorageBackend,
  'name' | 'capabilities' | 'check' | 'head' | 'get' | 'put' | 'delete'
>;

/** What a move works on. */
export interface MoveParts {
  readonly source: MoveStore;
  readonly target: MoveStore;
  /** All stores, for assets that have moved on from the target. */
  readonly stores: Pick<Stores<MoveStore>, 'of'>;
  readonly catalog: AssetMoves & Pick<Catalog, 'catalogId' | 'walkAssets' | 'findAsset'>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface MoveOptions {
  /** False: look and report, change nothing. */
  readonly apply: boolean;
  /** Whether copies at the source go that are verified at the target. */
  readonly deleteSource: boolean;
  /** Copies of assets that moved later than so long ago stay, in milliseconds: URLs may still lead to them. */
  readonly keepMs: number;
  /** Most bytes per second, all files together; null: as fast as it goes. */
  readonly bytesPerSecond: number | null;
  /** Most files under way at once. */
  readonly filesAtOnce: number;
  /** Longest wait between two tries with a store that fails, in milliseconds. */
  readonly retryDelayMsMax: number;
  readonly onProgress?: (line: string) => void;
  readonly signal: AbortSignal;
}

const PAGE_LIMIT = 500;
/** Files in a row that fail, each of them tried several times, after which the move gives up. */
const FAILURES_IN_ROW_MAX = 10;
const RETRIES_MAX = 4;
/** Passes over what is on the source: files that arrive there while the first one runs are found by the next. */
const PASSES_MAX = 3;
/** Most assets that are remembered as not to be tried again, which bounds memory. */
const SKIPPED_MAX = 100_000;

/**
 * Moves all assets from one backend to another, while the service runs. All it knows is in the rows: after a crash the
 * next move goes on, and files that users remove, read or upload meanwhile are theirs at any moment.
 *
 * @throws StowageError when a store or the database fails again and again; what has moved stays moved.
 */
export async function moveAssets(parts: MoveParts, options: MoveOptions): Promise<MoveReport> {
  const { source, target, catalog } = parts;
  const { apply, signal } = options;
  await Promise.all([source.check({ signal }), target.check({ signal })]);
  const tally = new MoveTally();
  const found = await catalog.usageOfBackend(source.name);
  const stopped = await whyNot(parts, options);
  if (stopped === null) {
    const run: Run = { parts, options, tally, pace: createPace(options.bytesPerSecond), failuresInRow: 0 };
    await moveAll(run, found);
    if (options.deleteSource && apply) await releaseAll(run);
  }
  const { removed, ...counts } = tally.result();
  return {
    ...{ from: source.name, to: target.name, applied: apply && stopped === null, found },
    ...counts,
    left: await catalog.usageOfBackend(source.name),
    copies: { left: await catalog.countCopies(source.name), removed },
    stopped,
  };
}

interface Run {
  readonly parts: MoveParts;
  readonly options: MoveOptions;
  readonly tally: MoveTally;
  readonly pace: ReturnType<typeof createPace>;
  failuresInRow: number;
}

/** A store of another installation is nobody's to fill or to empty. */
async function whyNot({ source, target, catalog }: MoveParts, options: MoveOptions): Promise<string | null> {
  const { apply, deleteSource, signal } = options;
  for (const bucket of [source, target]) {
    // A source that is only read from may be one where we have no right to write.
    const claim = apply && (bucket === target || deleteSource);
    const why = await findOtherOwner({ bucket, catalog }, { claim, signal });
    if (why !== null) return `${bucket.name}: ${why}`;
  }
  return null;
}

async function moveAll(run: Run, found: MoveReport['found']): Promise<void> {
  const { parts, options, tally } = run;
  const skipped = new Set<string>();
  const startMs = performance.now();
  let doneFiles = 0;
  let doneBytes = 0;
  for (let pass = 1, movedInPass = true; movedInPass && pass <= PASSES_MAX; pass += 1) {
    movedInPass = false;
    for await (const page of pagesOf((afterId) =>
      parts.catalog.walkAssets({ backend: parts.source.name, afterId, limit: PAGE_LIMIT }),
    )) {
      const waiting = page.filter(({ assetId }) => !skipped.has(assetId));
      await mapBounded(waiting, options.filesAtOnce, async (asset) => {
        const outcome = await attempt(run, asset, (reading) =>
          options.apply ? moveAsset(parts, asset, reading) : surveyAsset(parts, asset, reading.signal),
        );
        if (outcome === 'moved' || outcome === 'reused') {
          tally.moved(asset, outcome === 'reused');
          movedInPass = true;
        } else if (outcome === 'gone') tally.gone += 1;
        else if (outcome !== 'fits') tally.differs(asset, outcome);
        if (outcome !== 'moved' && outcome !== 'reused' && skipped.size < SKIPPED_MAX)
          skipped.add(asset.assetId);
        doneFiles += 1;
        doneBytes += asset.sizeBytes;
        const done = { files: doneFiles, bytes: doneBytes };
        options.onProgress?.(progressLine(done, largest(found, done), performance.now() - startMs));
      });
    }
  }
}

async function releaseAll(run: Run): Promise<void> {
  const { parts, options, tally } = run;
  const beforeMs = parts.clock.now() - options.keepMs;
  for await (const page of pagesOf((afterId) =>
    parts.catalog.listCopies({ backend: parts.source.name, beforeMs, afterId, limit: PAGE_LIMIT }),
  )) {
    await mapBounded(page, options.filesAtOnce, async (asset) => {
      const outcome = await attempt(run, asset, (reading) => releaseCopy(parts, asset, beforeMs, reading));
      if (outcome === 'removed') tally.removed(asset);
      else if (outcome !== 'kept') tally.differs(asset, outcome);
      options.onProgress?.(`${tally.result().removed.files} copies removed at the source`);
    });
  }
}

/** Does something with one asset, several times if need be. One that fails is counted; many in a row are no accident. */
async function attempt<Outcome>(
  run: Run,
  asset: Asset,
  act: (reading: { readonly pace: Run['pace']; readonly signal: AbortSignal }) => Promise<Outcome>,
): Promise<Outcome | Problem> {
  const { signal, retryDelayMsMax } = run.options;
  throwIfAborted(signal);
  try {
    const outcome = await withRetries(() => act({ pace: run.pace, signal }), {
      policy: {
        ...DEFAULT_RETRY,
        retriesMax: RETRIES_MAX,
        firstDelayMs: Math.min(1_000, retryDelayMsMax),
        delayMsMax: retryDelayMsMax,
        slowStartMsMax: Number.POSITIVE_INFINITY,
      },
      signal,
    });
    run.failuresInRow = 0;
    return outcome;
  } catch (error) {
    throwIfAborted(signal);
    if (!isStowageError(error)) throw error;
    run.failuresInRow += 1;
    run.parts.log.warn({ asset_id: asset.assetId, key: asset.key, err: error }, 'An asset was not moved.');
    if (run.failuresInRow >= FAILURES_IN_ROW_MAX) throw error;
    return 'failed';
  }
}

/** Pages of assets in the order of their ids, to the end. */
async function* pagesOf(
  read: (afterId: string | null) => Promise<readonly Asset[]>,
): AsyncGenerator<readonly Asset[]> {
  for (let afterId: string | null = null; ; ) {
    const page: readonly Asset[] = await read(afterId);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    afterId = last.assetId;
  }
}

/** What arrives while it runs belongs to the whole too. */
function largest(one: MoveReport['found'], other: MoveReport['found']): MoveReport['found'] {
  return { files: Math.max(one.files, other.files), bytes: Math.max(one.bytes, other.bytes) };
}
