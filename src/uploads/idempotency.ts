import { createHash } from 'node:crypto';
import type { Asset } from '../catalog/catalog.ts';
import { StowageError } from '../core/errors.ts';
import type { IntakeOptions, UploadCatalog, UploadRequest } from './upload.ts';

/** What is kept as the answer: the ids alone, for a URL rendered then would have expired when it is asked for again. */
interface StoredAnswer {
  readonly asset_ids: readonly string[];
  /** SHA-256 of the fields of the key, hex; answers of earlier versions have none. */
  readonly key_fields?: string;
}

/** What a client gave for the key of its files, in the order of the key. */
export type KeyFields = readonly (readonly [name: string, value: string])[];

/** What an earlier request under the same key made. */
export interface EarlierUpload {
  /** In the order of the files. */
  readonly assets: readonly Asset[];
  /** Whether it gave the same fields for the key. */
  hasKeyFields(fields: KeyFields): boolean;
}

const IDEMPOTENCY_KEY = /^[\x21-\x7e]{1,255}$/;
const RETRY_SECONDS = 1;
/** A third of the time after which a claim is free again: two renewals may fail. */
const RENEWAL_MS = 20_000;

/**
 * Claims the request's Idempotency-Key.
 *
 * @param facts what makes it the same request, in an order of their own.
 * @returns what the first request made when it is done; null when this caller is to run the request.
 * @throws StowageError `conflict` while another request runs under the key, or when it was used for a different one;
 *   `expired` when the assets have been removed since; `invalid_parameter` for a key that is none.
 */
export async function claimKey(
  catalog: UploadCatalog,
  request: UploadRequest & { readonly idempotencyKey: string },
  facts: readonly unknown[],
  nowMs: number,
): Promise<EarlierUpload | null> {
  const { tenantId, userId } = request.principal;
  const key = request.idempotencyKey;
  if (!IDEMPOTENCY_KEY.test(key)) {
    throw new StowageError(
      'invalid_parameter',
      'The Idempotency-Key must be 1 to 255 visible ASCII characters.',
      {
        fields: { parameter: 'Idempotency-Key' },
      },
    );
  }
  const fingerprint = digestOf(facts);
  const claim = await catalog.claimIdempotencyKey({ tenantId, userId, key, fingerprint, nowMs });
  switch (claim.state) {
    case 'new':
      return null;
    case 'running':
      throw new StowageError('conflict', 'A request with this Idempotency-Key is still running.', {
        fields: { retry_after_seconds: RETRY_SECONDS },
      });
    case 'mismatch':
      throw differentRequest();
    case 'done':
      return recall(catalog, tenantId, claim.response);
  }
}

/** The claim of a request that runs: renewed until it is stopped or released. */
export interface RunningClaim {
  /** Gives the claim up, for the request has failed. Never rejects: a claim that could not be released expires. */
  release(): Promise<void>;
  stop(): void;
}

/** Keeps a claim while its request runs, however long its bytes take. */
export function holdClaim(
  { catalog, clock, log }: Pick<IntakeOptions, 'catalog' | 'clock' | 'log'>,
  request: UploadRequest & { readonly idempotencyKey: string },
  claimedAtMs: number,
): RunningClaim {
  const { tenantId, userId } = request.principal;
  const claim = { tenantId, userId, key: request.idempotencyKey };
  const notice = (message: string) => (error: unknown) =>
    log.error({ request_id: request.origin.requestId, err: error }, message);
  let heldMs = claimedAtMs;
  let renewal: Promise<void> | null = null;
  const renew = async (): Promise<void> => {
    const nowMs = clock.now();
    if (await catalog.renewIdempotencyKey({ ...claim, nowMs: heldMs }, nowMs)) heldMs = nowMs;
  };
  const timer = setInterval(() => {
    renewal ??= renew()
      .catch(notice('An Idempotency-Key was not renewed.'))
      .finally(() => {
        renewal = null;
      });
  }, RENEWAL_MS).unref();
  const stop = () => clearInterval(timer);
  return {
    stop,
    async release() {
      stop();
      await renewal;
      await catalog
        .releaseIdempotencyKey({ ...claim, nowMs: heldMs })
        .catch(notice('An Idempotency-Key was not released.'));
    },
  };
}

/** The answer to keep under a key. */
export function answerToKeep(assets: readonly Pick<Asset, 'assetId'>[], keyFields: KeyFields): StoredAnswer {
  return { asset_ids: assets.map(({ assetId }) => assetId), key_fields: digestOf(keyFields) };
}

/** The refusal of a request whose Idempotency-Key another one has. */
export function differentRequest(): StowageError {
  return new StowageError('conflict', 'This Idempotency-Key was used for a different request.');
}

async function recall(catalog: UploadCatalog, tenantId: string, response: unknown): Promise<EarlierUpload> {
  const { asset_ids: assetIds, key_fields: keyFields } = response as StoredAnswer;
  const found = await Promise.all(assetIds.map((assetId) => catalog.findAsset(tenantId, assetId)));
  const assets = found.map((asset) => {
    if (asset !== undefined) return asset;
    throw new StowageError('expired', 'The upload made with this Idempotency-Key has been removed since.');
  });
  return {
    assets,
    hasKeyFields: (fields) => keyFields === undefined || keyFields === digestOf(fields),
  };
}

function digestOf(facts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}
