import { DEFAULT_TENANT, isTenantId, isUserId } from '../access/claims.ts';
import { accessEntry, type EntryFacts, refusalEntry } from '../access/entries.ts';
import { requireReachable } from '../access/ownership.ts';
import type { AccessAction, Asset } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { ByteStream } from '../core/bytes.ts';
import { type Clock, systemClock } from '../core/clock.ts';
import { isStowageError, StowageError } from '../core/errors.ts';
import { isUuid, newUuid } from '../core/ids.ts';
import type { Principal, RequestOrigin } from '../core/principal.ts';
import { createAssetUrls } from '../delivery/asset-urls.ts';
import { openCdn } from '../delivery/cdn/cdn.ts';
import { openStored } from '../delivery/stored-object.ts';
import type { ByteRange } from '../storage/index.ts';
import type { Service } from './open-service.ts';

/** On whose behalf a program calls, and where the request came from, for the access log. */
export interface Caller {
  /** The user; owner of what is uploaded. */
  readonly userId: string;
  /** Default: the tenant `default`. */
  readonly tenantId?: string;
  /** Default: `user`. An admin reaches every asset of the tenant. */
  readonly role?: 'user' | 'admin';
  /** Default: a fresh request id from the address of this machine itself. */
  readonly origin?: RequestOrigin;
}

/** A file that a program hands over. */
export interface LibraryUpload extends Caller {
  /** Consumed once. */
  readonly body: ByteStream;
  /** The name as the user knows it. */
  readonly filename: string;
  readonly assetType: string;
  /** The declared media type. Default: undeclared; name and content decide. */
  readonly mediaType?: string;
  /** Values of the key's placeholders, such as `project_id`. */
  readonly fields?: Readonly<Record<string, string>>;
  readonly metadata?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal;
}

/**
 * What a program does with assets: the same gate, rights, limits and log as over HTTP. Every call throws StowageError
 * `invalid_parameter` when the caller's names could not be a token's.
 */
export interface Library {
  /** Judges, stores and records one file. @throws StowageError as `POST /api/upload` answers. */
  upload(upload: LibraryUpload): Promise<Asset>;
  /** One asset. @throws StowageError `not_found`, `forbidden` for another user's. */
  find(assetId: string, caller: Caller): Promise<Asset>;
  /**
   * A URL by which anyone reads the asset for a while; who it was made for is logged.
   *
   * @param options.lifetimeSeconds 60 to 604,800.
   * @throws StowageError as {@link find}; `invalid_parameter` for another lifetime.
   */
  signedUrl(
    assetId: string,
    caller: Caller,
    options: { readonly lifetimeSeconds: number },
  ): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  /** The asset's bytes, after the read is in the log. @throws StowageError as {@link find}. */
  download(
    assetId: string,
    caller: Caller,
    options?: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<{ readonly asset: Asset; readonly body: ByteStream }>;
  /** Removes the asset and its bytes. @throws StowageError as {@link find}. */
  remove(assetId: string, caller: Caller): Promise<void>;
}

/** Puts the calls of a program on top of an open service. */
export function createLibrary(service: Service, config: Config, clock: Clock = systemClock): Library {
  const { catalog, intake, removal } = service;
  const { bucket, stores } = service.storage;
  const urls = createAssetUrls({
    stores,
    assetTypes: config.assetTypes,
    recordUrlSeconds: config.storage.signedUrlSeconds,
    publicUrl: () => service.url,
    cdn: config.cdn === null ? null : openCdn(config.cdn),
    clock,
  });
  const factsOf = (action: AccessAction, caller: Caller): EntryFacts => ({
    action,
    actor: principalOf(caller),
    origin: originOf(caller),
    backend: bucket.name,
    nowMs: clock.now(),
  });
  /** The asset, for whoever may do this with it; a refusal is in the access log before it is thrown. */
  const reach = async (assetId: string, caller: Caller, action: AccessAction): Promise<Asset> => {
    const principal = principalOf(caller);
    if (!isUuid(assetId)) throw new StowageError('not_found', 'There is no such asset.');
    const id = assetId.toLowerCase();
    const found = await catalog.findAsset(principal.tenantId, id);
    try {
      return requireReachable(found, principal);
    } catch (error) {
      if (isStowageError(error)) {
        const asked = found ?? { assetId: id, assetType: null, key: null };
        await catalog.recordAccess(refusalEntry(factsOf(action, caller), asked, error.code));
      }
      throw error;
    }
  };
  /** @returns the asset as it is: it may have moved. */
  const record = async (action: AccessAction, asset: Asset, caller: Caller): Promise<Asset> => {
    const backend = await catalog.recordRead(accessEntry(factsOf(action, caller), asset));
    if (backend !== undefined) return { ...asset, backend };
    throw new StowageError('not_found', 'There is no such asset.');
  };

  return {
    find: (assetId, caller) => reach(assetId, caller, 'generate_url'),
    async upload(upload) {
      const { assets } = await intake.receiveFile({
        principal: principalOf(upload),
        origin: originOf(upload),
        idempotencyKey: null,
        signal: upload.signal ?? new AbortController().signal,
        body: upload.body,
        claim: {
          filename: upload.filename,
          mediaType: upload.mediaType ?? null,
          sizeBytes: null,
          sha256: null,
        },
        assetType: upload.assetType,
        fields: new Map(Object.entries(upload.fields ?? {})),
        metadata: upload.metadata ?? {},
      });
      const [asset] = assets;
      if (asset === undefined) throw new Error('An upload without an asset was reported as stored.');
      return asset;
    },
    async signedUrl(assetId, caller, { lifetimeSeconds }) {
      checkLifetime(lifetimeSeconds);
      const asset = await reach(assetId, caller, 'generate_url');
      const sign = (at: Asset) => urls.signed(at, principalOf(caller), lifetimeSeconds);
      const signed = await sign(asset);
      const current = await record('generate_url', asset, caller);
      const { url, expiresAtMs } = current.backend === asset.backend ? signed : await sign(current);
      return { url, expiresAtMs };
    },
    async download(assetId, caller, options = {}) {
      const asset = await reach(assetId, caller, 'download');
      const current = await record('download', asset, caller);
      const { body } = await openStored({ stores, catalog }, current, options);
      return { asset: current, body };
    },
    async remove(assetId, caller) {
      const asset = await reach(assetId, caller, 'delete');
      await removal.removeAsset(asset.assetId, principalOf(caller), originOf(caller));
    },
  };
}

/** @throws StowageError `invalid_parameter` for what can't name a user or tenant in a token either. */
function principalOf({ userId, tenantId = DEFAULT_TENANT, role = 'user' }: Caller): Principal {
  if (!isUserId(userId)) throw invalid('userId', 'must have 1 to 255 plain characters');
  if (!isTenantId(tenantId)) throw invalid('tenantId', 'must have 1 to 128 plain characters');
  return { userId, tenantId, role };
}

/** Lives of signed URLs, in seconds. */
const LIFETIME_SECONDS_MIN = 60;
const LIFETIME_SECONDS_MAX = 604_800;

function checkLifetime(seconds: number): void {
  if (Number.isInteger(seconds) && seconds >= LIFETIME_SECONDS_MIN && seconds <= LIFETIME_SECONDS_MAX) return;
  throw invalid(
    'lifetimeSeconds',
    `must be a whole number from ${LIFETIME_SECONDS_MIN} to ${LIFETIME_SECONDS_MAX}`,
  );
}

function invalid(parameter: string, problem: string): StowageError {
  return new StowageError('invalid_parameter', `The parameter ${parameter} ${problem}.`, {
    fields: { parameter },
  });
}

function originOf(caller: Caller): RequestOrigin {
  return caller.origin ?? { requestId: newUuid(), ipAddress: '127.0.0.1', userAgent: null };
}
