import { ACCESS_LOG_LAWS } from './laws/access-log.ts';
import { ASSET_LAWS } from './laws/assets.ts';
import { DIRECT_UPLOAD_LAWS } from './laws/direct-uploads.ts';
import { ERASURE_LAWS } from './laws/erasures.ts';
import type { Law } from './laws/ground.ts';
import { IDEMPOTENCY_LAWS } from './laws/idempotency.ts';
import { MOVE_LAWS } from './laws/moves.ts';
import { PURGE_LAWS } from './laws/purges.ts';
import { UPLOAD_LAWS } from './laws/uploads.ts';

/** What every catalog owes, in plain words. */
export const LAWS: Readonly<Record<string, Law>> = {
  ...UPLOAD_LAWS,
  ...DIRECT_UPLOAD_LAWS,
  ...ASSET_LAWS,
  ...MOVE_LAWS,
  ...ACCESS_LOG_LAWS,
  ...IDEMPOTENCY_LAWS,
  ...PURGE_LAWS,
  ...ERASURE_LAWS,
};
