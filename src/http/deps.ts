import type { TrustedProxies } from '../access/client-address.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../core/clock.ts';
import type { Log } from '../core/log.ts';
import type { AssetFacts } from '../delivery/asset-facts.ts';
import type { AssetUrls } from '../delivery/asset-urls.ts';
import type { Cdn } from '../delivery/cdn/cdn.ts';
import type { LoggedUrls } from '../delivery/logged-urls.ts';
import type { SmallBodies } from '../delivery/small-bodies.ts';
import type { StorageBackend } from '../storage/backend.ts';
import type { LocalBackend, SignedUrls } from '../storage/index.ts';
import type { Stores } from '../storage/stores.ts';
import type { DirectUploads } from '../uploads/direct/direct-uploads.ts';
import type { Removal } from '../uploads/remove.ts';
import type { Intake } from '../uploads/upload.ts';
import type { Authenticator } from './authenticate.ts';
import type { HealthState } from './health-state.ts';
import type { Metrics } from './metrics.ts';

/** What the server is built from. */
export interface ServerOptions {
  readonly config: Pick<Config, 'http' | 'assetTypes' | 'storage' | 'uploads'> & Partial<Pick<Config, 'cdn'>>;
  readonly catalog: Catalog;
  /** Where files are: new ones go to `main`, the rest is where its record says. */
  readonly stores: Stores<
    Pick<StorageBackend, 'name' | 'get' | 'signRead' | 'capabilities' | 'storageUrlBase'>
  >;
  readonly localFiles: LocalFiles;
  readonly intake: Pick<Intake, 'receiveForm'>;
  readonly directUploads: Omit<DirectUploads, 'close'>;
  readonly removal: Pick<Removal, 'removeAsset' | 'eraseUser'>;
  readonly verifier: Authenticator;
  readonly health: HealthState;
  readonly metrics: Metrics;
  /** What clients reach this service by, without a trailing slash; asked when a URL is made. */
  readonly publicUrl: () => string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The signed URLs of the local backend, which this server answers. Those for reading live as long as they say, also when
 * the file has moved to another backend meanwhile.
 */
export interface LocalFiles {
  readonly urls: Pick<SignedUrls, 'verifyRead' | 'verifyWrite' | 'verifyPart'>;
  /** The backend itself, for writing. @throws StowageError `storage_unavailable`. */
  open(): Promise<Pick<LocalBackend, 'receive'>>;
}

/** What routes work with: the options and what the server makes of them. */
export interface Deps extends ServerOptions {
  readonly urls: AssetUrls;
  /** What is in front of the assets; null: nothing. */
  readonly cdn: Cdn | null;
  readonly facts: AssetFacts;
  /** URLs of list pages whose issue is in the access log. */
  readonly issued: LoggedUrls;
  /** Expired URLs whose refusal is in the access log. */
  readonly expired: LoggedUrls;
  readonly bodies: SmallBodies;
  readonly isTrustedProxy: TrustedProxies;
}
