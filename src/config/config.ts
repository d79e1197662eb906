import type { AssetTypes } from '../core/asset-type.ts';
import type { ProvisioningConfig } from './provisioning-config.ts';

/** Everything that can be set, read once, checked whole and frozen. `docs/reference/configuration.md` explains each. */
export interface Config {
  readonly environment: 'production' | 'development' | 'test';
  readonly http: HttpConfig;
  readonly access: AccessConfig;
  readonly database: DatabaseConfig;
  readonly storage: StorageConfig;
  /** What is in front of the assets; null: nothing. */
  readonly cdn: CdnConfig | null;
  readonly uploads: UploadsConfig;
  readonly assetTypes: AssetTypes;
  readonly provisioning: ProvisioningConfig;
  /** Directory for everything Stowage keeps on this machine, absolute. */
  readonly dataDir: string;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  /** Things that work but should be seen: shown at start and by `doctor`. Full sentences, no secrets. */
  readonly warnings: readonly string[];
  /** Secrets made on the first start, which `serve` tells the operator about once; empty otherwise. */
  readonly madeSecrets: readonly string[];
}

export interface HttpConfig {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** What clients reach this service by, without a trailing slash; null: derived from host and port when it listens. */
  readonly publicUrl: string | null;
  /** Origins allowed by CORS; `*` alone allows all. */
  readonly corsOrigins: readonly string[];
  /** Bounds every request body except uploads, which are bounded by their asset types. */
  readonly bodyBytesMax: number;
  /** Addresses and CIDR ranges of proxies whose X-Forwarded-For counts. */
  readonly trustProxy: readonly string[];
  readonly metricsToken: string | null;
}

export interface AccessConfig {
  /** HS256 secrets, newest first; empty when tokens come from `jwksUrl`. */
  readonly jwtSecrets: readonly string[];
  readonly jwksUrl: string | null;
  readonly jwtIssuer: string | null;
  readonly jwtAudience: string | null;
  /** Name of the claim that holds the tenant. */
  readonly jwtTenantClaim: string;
}

export interface DatabaseConfig {
  /** Connection string of a PostgreSQL server; null: Stowage starts one of its own below `dataDir`. */
  readonly url: string | null;
}

export interface StorageConfig {
  readonly backend: 'local' | 's3' | 'azure' | 'gcs';
  /** Secrets that sign the local backend's URLs, newest first; never empty. */
  readonly signingSecrets: readonly string[];
  /** Life of the URLs inside asset records, in seconds; at least 60. */
  readonly signedUrlSeconds: number;
  readonly local: { readonly path: string };
  /** 32 bytes; null: files on local disk are not encrypted by Stowage. */
  readonly encryptionKey: Uint8Array | null;
  readonly s3: S3Config | null;
  readonly azure: AzureConfig | null;
  readonly gcs: GcsConfig | null;
}

export interface S3Config {
  readonly bucket: string;
  readonly region: string;
  /** Null: the machine's own chain of credentials. */
  readonly credentials: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    /** Belongs to temporary keys; null for lasting ones. */
    readonly sessionToken: string | null;
  } | null;
  readonly endpoint: string | null;
  /** Endpoint that signed URLs name when clients reach the store by another address; null: `endpoint`. */
  readonly publicEndpoint: string | null;
  readonly forcePathStyle: boolean;
  readonly sse: 'AES256' | 'aws:kms';
  readonly kmsKeyId: string | null;
}

export interface AzureConfig {
  /** Null: a token credential of the machine, with `accountUrl`. */
  readonly connectionString: string | null;
  readonly accountUrl: string | null;
  readonly container: string;
}

export interface GcsConfig {
  readonly bucket: string;
  readonly projectId: string | null;
  /** Path of a service-account key file; null: application default credentials. */
  readonly credentialsPath: string | null;
  /** Another API endpoint, for tests and private service connect; null: Google's. */
  readonly endpoint: string | null;
}

export interface CdnConfig {
  /** What clients reach it by, without a trailing slash. */
  readonly url: string;
  /** Where it fetches what it does not have. */
  readonly origin: 'store' | 'service';
  /** CloudFront key pair, PEM; null: private assets stay with the store's own signed URLs. */
  readonly keyPair: { readonly id: string; readonly privateKey: string } | null;
  /** What an edge that checks signatures itself tells the service; null: no such edge. */
  readonly originSecret: string | null;
  /** CloudFront distribution that deleted assets are invalidated in; null: none. */
  readonly distributionId: string | null;
  /** Origins of the caches that are sent a PURGE for deleted assets. */
  readonly purgeUrls: readonly string[];
}

export interface UploadsConfig {
  /** Accepted files per owner and hour. */
  readonly filesPerHour: number;
}
