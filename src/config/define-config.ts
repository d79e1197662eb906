/** What a `stowage.config.ts`, `.js` or `.json` may hold. The environment wins over all of it but the asset types. */
export interface StowageConfigFile {
  readonly host?: string;
  readonly port?: number;
  readonly publicUrl?: string;
  readonly dataDir?: string;
  readonly logLevel?: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly corsOrigins?: string | readonly string[];
  readonly trustProxy?: string | readonly string[];
  readonly jwksUrl?: string;
  readonly jwtIssuer?: string;
  readonly jwtAudience?: string;
  readonly jwtTenantClaim?: string;
  readonly storageBackend?: 'local' | 's3' | 'azure' | 'gcs';
  readonly localStoragePath?: string;
  readonly signedUrlExpirationSeconds?: number;
  readonly s3BucketName?: string;
  readonly s3Region?: string;
  readonly s3Endpoint?: string;
  readonly s3PublicEndpoint?: string;
  readonly s3ForcePathStyle?: boolean;
  readonly s3Sse?: 'AES256' | 'aws:kms';
  readonly s3KmsKeyId?: string;
  readonly azureAccountUrl?: string;
  readonly azureContainerName?: string;
  readonly gcsBucketName?: string;
  readonly gcsProjectId?: string;
  readonly gcsCredentialsPath?: string;
  readonly gcsEndpoint?: string;
  readonly cdnUrl?: string;
  readonly cdnOrigin?: 'store' | 'service';
  readonly cdnKeyPairId?: string;
  readonly cdnDistributionId?: string;
  readonly cdnPurgeUrl?: string | readonly string[];
  readonly uploadsPerHour?: number;
  /** Bytes, or a text such as `100mb`. */
  readonly bodyLimit?: string | number;
  /** By name: new asset types, changes to shipped ones, or `null` to take a shipped one away. */
  readonly assetTypes?: Readonly<Record<string, AssetTypeFields | null>>;
  /** What `stowage provision` makes and checks. */
  readonly provisioning?: ProvisioningFields;
}

/** What `stowage provision` makes and checks; every field has a safe default. */
export interface ProvisioningFields {
  /** Default: `prod` with NODE_ENV=production, else `dev`. */
  readonly environment?: 'dev' | 'staging' | 'prod';
  /** Default: CORS_ORIGINS without `*`. */
  readonly corsOrigins?: string | readonly string[];
  /** Default: true. */
  readonly versioning?: boolean;
  /** In days; null: never. Defaults: 2, 1, 30, 90, 365. */
  readonly lifecycle?: {
    readonly abortMultipartDays?: number;
    readonly expireIncomingDays?: number;
    readonly oldVersionsRareDays?: number | null;
    readonly oldVersionsArchiveDays?: number | null;
    readonly oldVersionsDeleteDays?: number | null;
  };
  readonly tags?: Readonly<Record<string, string>>;
  /** Settings, by the names that `plan` shows, that somebody else looks after. */
  readonly leaveOut?: readonly string[];
  /** Hours between two verifications by the service itself, which /api/health then shows. Default: none. */
  readonly verifyEveryHours?: number;
  readonly aws?: {
    /** Default: `aws`, or `compatible` when S3_ENDPOINT is not Amazon's. */
    readonly store?: 'aws' | 'compatible';
    /** Default: the bucket's name with `-logs`; null: no server access logs. */
    readonly logBucket?: string | null;
    readonly logDays?: number;
    /** The backend's identity. Default: the role `stowage-<bucket>` for EC2; null: made elsewhere. */
    readonly identity?: {
      readonly kind?: 'role' | 'user';
      readonly name?: string;
      readonly trustedService?: string;
    } | null;
    /** ARNs that alone may touch objects. Default: all that the account's own policies allow. */
    readonly allowedPrincipals?: readonly string[];
    /** A CloudFront distribution in front of the bucket. Default: none. */
    readonly cdn?: {
      readonly domain?: string;
      readonly publicKeys?: string | readonly string[];
      readonly priceClass?: 'PriceClass_100' | 'PriceClass_200' | 'PriceClass_All';
    } | null;
  };
  readonly azure?: {
    readonly subscriptionId?: string;
    readonly resourceGroup?: string;
    readonly location?: string;
    readonly softDeleteDays?: number;
  };
  readonly gcs?: { readonly location?: string; readonly kmsKey?: string };
  readonly local?: { readonly freeSpaceMin?: string; readonly mountPoint?: string };
}

/** An asset type as the config file declares it. A shipped type keeps the fields that are not given. */
export interface AssetTypeFields {
  /** Accepted media types with the extensions (no dot) that go with each. */
  readonly accepts?: Readonly<Record<string, readonly string[]>>;
  /** Largest file: bytes, or a text such as `10mb`. */
  readonly maxSize?: string | number;
  /** Where objects are stored, for example `avatars/{user_id}/{uuid8}_{filename}`. */
  readonly keyTemplate?: string;
  /** Cache-Control of the objects. Default `private, no-cache`; of a public type `public, max-age=300`. */
  readonly cacheControl?: string;
  /** Days after which an asset that nobody has read is removed. Default `null`: kept for ever. */
  readonly retentionDays?: number | null;
  /** Most files in one request, 1 to 10. Default 10. */
  readonly filesPerRequest?: number;
  /** Default `private`. */
  readonly visibility?: 'private' | 'public';
}

/** Types a config file: `export default defineConfig({ … })`. Returns what it is given, with its names for the compiler. */
export function defineConfig<const Config extends StowageConfigFile>(config: Config): Config {
  return config;
}
