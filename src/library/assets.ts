import { accessEntry, type EntryFacts } from '../access/entries.ts';
import { requireReachable } from '../access/ownership.ts';
import type { AccessAction, Asset, Page, Usage } from '../catalog/catalog.ts';
import type { ByteStream } from '../core/bytes.ts';
import { StowageError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import type { UrlConditions } from '../delivery/asset-urls.ts';
import type { FolderCookies } from '../delivery/cdn/cdn.ts';
import { openStored } from '../delivery/stored-object.ts';
import type { Deps } from '../http/deps.ts';
import { loggedRefusal, renderWithUrl } from '../http/reach.ts';
import type { AssetJson } from '../protocol/index.ts';
import type { ByteRange } from '../storage/index.ts';
import { assetTypeNamed } from '../uploads/form-fields.ts';
import { type Caller, invalidParameter, originOf, principalOf } from './callers.ts';
import { checkConditions, folderCookieSigner } from './folder-cookies.ts';

/** What a program does with stored assets: the same rights and the same log as over HTTP. */
export interface Assets<AssetTypeName extends string = string> {
  /** One asset. @throws StowageError `not_found`, `forbidden` for another user's. */
  find(assetId: string, user: Caller): Promise<Asset>;
  /**
   * A URL by which anyone reads the asset for a while; who it was made for is logged. Asked again within five minutes it is
   * the same.
   *
   * @throws StowageError as {@link find}; `invalid_parameter` for another lifetime, and for a start or an address where no CDN
   *   signs.
   */
  signedUrl(
    assetId: string,
    user: Caller,
    options: SignedUrlOptions,
  ): Promise<{ readonly url: string; readonly expiresAtMs: number }>;
  /**
   * Cookies by which a browser reads everything below a key prefix through the CDN; who they were made for is logged. What
   * lies below the prefix is not looked at: that the user may read all of it, now and until they end, is for the program
   * to know. Keys of two tenants may begin alike.
   *
   * @param folder a key prefix that ends in `/`, for example `brand-images/ana/`.
   * @throws StowageError `invalid_key`; `invalid_parameter` for another lifetime, and without a CDN that has a key pair.
   */
  signedCookies(folder: string, user: Caller, options: SignedUrlOptions): Promise<FolderCookies>;
  /**
   * The asset's bytes, after the read is in the log.
   *
   * @param options.range first and last byte, both included.
   * @throws StowageError as {@link find}; `range_not_satisfiable`.
   */
  download(
    assetId: string,
    user: Caller,
    options?: { readonly range?: ByteRange; readonly signal?: AbortSignal },
  ): Promise<{ readonly asset: Asset; readonly body: ByteStream }>;
  /**
   * One page of the user's own assets, newest first.
   *
   * @param options.limit 1 to 200; 50 unless told otherwise.
   * @param options.cursor `nextCursor` of the page before.
   * @throws StowageError `unknown_asset_type`, `invalid_parameter`.
   */
  list(user: Caller, options?: ListOptions<AssetTypeName>): Promise<Page<Asset>>;
  /** All of the user's own assets, newest first, read page by page. */
  listAll(user: Caller, options?: { readonly assetType?: AssetTypeName }): AsyncIterable<Asset>;
  /** Files and bytes of the user; of the whole tenant for an admin. */
  usage(user: Caller): Promise<Usage>;
  /**
   * The asset as `/api/assets` answers it, with a URL that reads it for an hour (permanent for public types). That the URL
   * was issued to the user is in the access log.
   */
  toJson(asset: Asset, user: Caller): Promise<AssetJson>;
}

/** How a signed URL is to be. */
export interface SignedUrlOptions extends UrlConditions {
  /** 60 to 604,800. */
  readonly lifetimeSeconds: number;
}

export interface ListOptions<AssetTypeName extends string> {
  readonly assetType?: AssetTypeName;
  readonly limit?: number;
  readonly cursor?: string | null;
}

/** Finds assets for those who may reach them, and logs what was done with them. */
export interface Reach {
  /** The asset, for whoever may do this with it; a refusal is in the access log before it is thrown. */
  asset(assetId: string, user: Caller, action: AccessAction): Promise<Asset>;
  /** Logs a read. @returns the asset as it is: it may have moved. @throws StowageError `not_found`. */
  record(action: AccessAction, asset: Asset, user: Caller): Promise<Asset>;
  factsOf(action: AccessAction, user: Caller): EntryFacts;
}

const LIMIT_MAX = 200;
const LIMIT_DEFAULT = 50;
/** Lives of signed URLs, in seconds. */
const LIFETIME_SECONDS_MIN = 60;
const LIFETIME_SECONDS_MAX = 604_800;

export function createReach(deps: Deps): Reach {
  const { catalog } = deps;
  const factsOf = (action: AccessAction, user: Caller): EntryFacts => ({
    action,
    actor: principalOf(user),
    origin: originOf(user),
    backend: deps.stores.main.name,
    nowMs: deps.clock.now(),
  });
  return {
    factsOf,
    async asset(assetId, user, action) {
      const principal = principalOf(user);
      if (!isUuid(assetId)) throw noAsset();
      const id = assetId.toLowerCase();
      const found = await catalog.findAsset(principal.tenantId, id);
      try {
        return requireReachable(found, principal);
      } catch (error) {
        const asked = found ?? { assetId: id, assetType: null, key: null };
        throw await loggedRefusal(deps, factsOf(action, user), asked, error);
      }
    },
    async record(action, asset, user) {
      const facts = factsOf(action, user);
      const backend = await catalog.recordRead(accessEntry(facts, asset));
      if (backend === undefined) throw await loggedRefusal(deps, facts, asset, noAsset());
      return backend === asset.backend ? asset : { ...asset, backend };
    },
  };
}

export function createAssets(deps: Deps, reach: Reach): Assets {
  const { catalog, urls } = deps;
  const signFolderCookies = folderCookieSigner(deps, reach);
  const list: Assets['list'] = async (user, options = {}) => {
    const { assetType = null, limit = LIMIT_DEFAULT, cursor = null } = options;
    checkWhole('limit', limit, 1, LIMIT_MAX);
    if (assetType !== null) assetTypeNamed(deps.config.assetTypes, assetType, 'assetType');
    const { tenantId, userId } = principalOf(user);
    return await catalog.listAssets({ tenantId, userId, assetType, limit, cursor });
  };
  return {
    find: (assetId, user) => reach.asset(assetId, user, 'generate_url'),
    async signedUrl(assetId, user, { lifetimeSeconds, ...conditions }) {
      checkWhole('lifetimeSeconds', lifetimeSeconds, LIFETIME_SECONDS_MIN, LIFETIME_SECONDS_MAX);
      checkConditions(conditions);
      const asset = await reach.asset(assetId, user, 'generate_url');
      const sign = (at: Asset) => urls.signed(at, principalOf(user), lifetimeSeconds, conditions);
      const signed = await sign(asset);
      const current = await reach.record('generate_url', asset, user);
      const { url, expiresAtMs } = current === asset ? signed : await sign(current);
      return { url, expiresAtMs };
    },
    async signedCookies(folder, user, options) {
      const { lifetimeSeconds } = options;
      checkWhole('lifetimeSeconds', lifetimeSeconds, LIFETIME_SECONDS_MIN, LIFETIME_SECONDS_MAX);
      checkConditions(options);
      return await signFolderCookies(folder, user, options);
    },
    async download(assetId, user, options = {}) {
      const asset = await reach.asset(assetId, user, 'download');
      const current = await reach.record('download', asset, user);
      const { body } = await openStored(deps, current, options);
      return { asset: current, body };
    },
    list,
    async *listAll(user, options = {}) {
      for (let cursor: string | null = null; ; ) {
        const page: Page<Asset> = await list(user, { ...options, limit: LIMIT_MAX, cursor });
        yield* page.items;
        if (page.nextCursor === null) return;
        cursor = page.nextCursor;
      }
    },
    async usage(user) {
      const { tenantId, userId, role } = principalOf(user);
      return await catalog.usage(tenantId, role === 'admin' ? null : userId);
    },
    async toJson(asset, user) {
      return await renderWithUrl(deps, asset, principalOf(user), () => reach.factsOf('generate_url', user));
    },
  };
}

function checkWhole(parameter: string, value: number, min: number, max: number): void {
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw invalidParameter(parameter, `must be a whole number from ${min} to ${max}`);
}

function noAsset(): StowageError {
  return new StowageError('not_found', 'There is no such asset.');
}
