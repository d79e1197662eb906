/** What `stowage provision` makes and checks besides what the settings of the backend say. */
export interface ProvisioningConfig {
  /** Tagged onto everything that is made; each has a bucket of its own. */
  readonly environment: 'dev' | 'staging' | 'prod';
  /** Web origins whose pages may read and write by signed URLs; never `*`. */
  readonly corsOrigins: readonly string[];
  /** Whether a replaced or deleted object can be restored. */
  readonly versioning: boolean;
  readonly lifecycle: LifecycleConfig;
  /** Labels besides those that Stowage sets itself. */
  readonly tags: Readonly<Record<string, string>>;
  /** Settings, by the names that `plan` shows, that somebody else looks after. */
  readonly leaveOut: readonly string[];
  /** Hours between two verifications by the service itself; null: none. */
  readonly verifyEveryHours: number | null;
  readonly aws: AwsProvisioningConfig;
  readonly azure: AzureProvisioningConfig;
  readonly gcs: GcsProvisioningConfig;
  readonly local: LocalProvisioningConfig;
}

/** When a store removes or moves what nobody needs in place. In days; null: never. */
export interface LifecycleConfig {
  readonly abortMultipartDays: number;
  readonly expireIncomingDays: number;
  /** Old versions go to a class for rare access, to an archive, and away. */
  readonly oldVersionsRareDays: number | null;
  readonly oldVersionsArchiveDays: number | null;
  readonly oldVersionsDeleteDays: number | null;
}

export interface AwsProvisioningConfig {
  /** AWS itself, or a store that speaks its protocol (then without identity, logs and CDN). */
  readonly store: 'aws' | 'compatible';
  /** Bucket for the server access logs; null: none are written. */
  readonly logBucket: string | null;
  readonly logDays: number;
  /** The backend's identity; null: made elsewhere. */
  readonly identity: AwsIdentityConfig | null;
  /** ARNs of roles and users that alone may touch objects; empty: all that the account's own policies allow. */
  readonly allowedPrincipals: readonly string[];
  readonly cdn: CloudFrontConfig | null;
}

export interface AwsIdentityConfig {
  readonly kind: 'role' | 'user';
  readonly name: string;
  /** Service whose machines may take the role, for example `ec2.amazonaws.com`; of a user unused. */
  readonly trustedService: string;
}

export interface CloudFrontConfig {
  /** Own host name, for example `cdn.example.org`; null: the one CloudFront gives. */
  readonly domain: string | null;
  /** Public keys (PEM, SPKI) whose private keys sign URLs, newest first. */
  readonly publicKeys: readonly string[];
  readonly priceClass: 'PriceClass_100' | 'PriceClass_200' | 'PriceClass_All';
}

export interface AzureProvisioningConfig {
  /** Both are needed for what only the management API can do; null: those settings are left out. */
  readonly subscriptionId: string | null;
  readonly resourceGroup: string | null;
  readonly location: string | null;
  /** Days that deleted blobs and containers can be restored. */
  readonly softDeleteDays: number;
}

export interface GcsProvisioningConfig {
  readonly location: string;
  /** `projects/…/cryptoKeys/…`; null: keys of Google. */
  readonly kmsKey: string | null;
}

export interface LocalProvisioningConfig {
  /** Least free space, in bytes. */
  readonly freeBytesMin: number;
  /** Path that must be a mount of its own; null: any place. */
  readonly mountPoint: string | null;
}
