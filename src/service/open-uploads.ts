import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { Stores } from '../storage/stores.ts';
import { UPLOAD_WINDOW_SECONDS } from '../uploads/allowance.ts';
import { needsSeal } from '../uploads/direct/claims.ts';
import {
  createDirectUploads,
  type DirectUploads,
  OPEN_UPLOADS_MAX,
} from '../uploads/direct/direct-uploads.ts';
import { createIntake } from '../uploads/intake.ts';
import { createRemoval, type Removal } from '../uploads/remove.ts';
import type { Intake } from '../uploads/upload.ts';
import type { createClosers } from './closers.ts';
import { makeSettingDirectory } from './setting-directory.ts';
import { spoolRoot } from './sweep-parts.ts';

/** The ways in for files, and the way out. */
export interface OpenUploads {
  readonly intake: Intake;
  readonly directUploads: DirectUploads;
  readonly removal: Removal;
}

/** Most bytes of form uploads waiting for their fields at once: two of the largest shipped type. */
const SPOOL_BYTES_MAX = 4 * 1024 ** 3;

/** Opens every way in for files over one store, one catalog and one limit. */
export async function openUploads(
  config: Pick<Config, 'assetTypes' | 'uploads' | 'dataDir'>,
  parts: {
    readonly stores: Stores;
    readonly catalog: Catalog;
    readonly clock: Clock;
    readonly log: Log;
  },
  closers: ReturnType<typeof createClosers>,
): Promise<OpenUploads> {
  const { stores, catalog, clock, log } = parts;
  const bucket = stores.main;
  const { assetTypes } = config;
  const uploadLimit = { filesMax: config.uploads.filesPerHour, windowSeconds: UPLOAD_WINDOW_SECONDS };
  const shared = { bucket, catalog, assetTypes, uploadLimit, clock, log };
  makeSettingDirectory('DATA_DIR', spoolRoot(config));
  const intake = await createIntake({
    ...shared,
    backendName: bucket.name,
    spoolDir: spoolRoot(config),
    spoolBytesMax: SPOOL_BYTES_MAX,
  });
  closers.add('intake', () => intake.close());
  const directUploads = createDirectUploads({
    ...shared,
    stores,
    openMax: OPEN_UPLOADS_MAX,
    sealFirst: needsSeal(bucket.name),
  });
  closers.add('direct uploads', () => directUploads.close());
  const removal = createRemoval({ stores, catalog, clock, log });
  closers.add('removal', () => removal.close());
  return { intake, directUploads, removal };
}
