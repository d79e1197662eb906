import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { StorageBackend } from '../storage/backend.ts';
import {
  createDirectUploads,
  type DirectUploads,
  OPEN_UPLOADS_MAX,
} from '../uploads/direct/direct-uploads.ts';
import { createIntake } from '../uploads/intake.ts';
import { createRemoval, type Removal } from '../uploads/remove.ts';
import type { Intake } from '../uploads/upload.ts';
import type { createClosers } from './closers.ts';
import { spoolRoot } from './sweep-parts.ts';

/** The ways in for files, and the way out. */
export interface OpenUploads {
  readonly intake: Intake;
  readonly directUploads: DirectUploads;
  readonly removal: Removal;
}

/** Most bytes of form uploads waiting for their fields at once: two of the largest shipped type. */
const SPOOL_BYTES_MAX = 4 * 1024 ** 3;
const UPLOAD_WINDOW_SECONDS = 3600;

/** Opens every way in for files over one store, one catalog and one limit. */
export async function openUploads(
  config: Pick<Config, 'assetTypes' | 'uploads' | 'dataDir'>,
  parts: {
    readonly bucket: StorageBackend;
    readonly catalog: Catalog;
    readonly clock: Clock;
    readonly log: Log;
  },
  closers: ReturnType<typeof createClosers>,
): Promise<OpenUploads> {
  const { bucket, catalog, clock, log } = parts;
  const { assetTypes } = config;
  const uploadLimit = { filesMax: config.uploads.filesPerHour, windowSeconds: UPLOAD_WINDOW_SECONDS };
  const shared = { bucket, catalog, assetTypes, uploadLimit, clock, log };
  const intake = await createIntake({
    ...shared,
    backendName: bucket.name,
    spoolDir: spoolRoot(config),
    spoolBytesMax: SPOOL_BYTES_MAX,
  });
  closers.add('intake', () => intake.close());
  const directUploads = createDirectUploads({
    ...shared,
    openMax: OPEN_UPLOADS_MAX,
    sealFirst: bucket.name === 's3',
  });
  closers.add('direct uploads', () => directUploads.close());
  const removal = createRemoval({ bucket, catalog, clock, log });
  closers.add('removal', () => removal.close());
  return { intake, directUploads, removal };
}
