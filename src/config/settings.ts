/** One setting: how it is named, and what `docs/reference/configuration.md` says about it. A test compares the two. */
export interface Setting {
  /** Name of the environment variable; the config file has it in camelCase ({@link fileFieldOf}). */
  readonly name: string;
  readonly group: 'service' | 'access' | 'database' | 'storage' | 's3' | 'azure' | 'gcs' | 'cdn' | 'limits';
  /** Secrets may come from `<NAME>_FILE`, never from the config file, and never appear in a message. */
  readonly secret: boolean;
  /** Other names that are understood, first match wins after the name itself. */
  readonly aliases: readonly string[];
  /** As the manual shows it; `-` when unset means none. */
  readonly defaultText: string;
  /** What is accepted. */
  readonly range: string;
  /** What it does, in one sentence. */
  readonly effect: string;
}

type Row = readonly [name: string, defaultText: string, range: string, effect: string];
type Extra = { readonly secret?: true; readonly aliases?: readonly string[] };

/** Every setting there is, in the manual's order. */
export const SETTINGS: readonly Setting[] = [
  ...group('service', [
    [
      'NODE_ENV',
      'development',
      'production, development, test',
      'With `production`, Stowage refuses to start without a token verifier and a signing secret.',
    ],
    ['HOST', '127.0.0.1', 'an address or host name', 'Address to listen on; `0.0.0.0` for all.'],
    ['PORT', '3000', '0 to 65535', 'Port to listen on; 0 lets the system choose.'],
    [
      'PUBLIC_URL',
      '-',
      'http(s) URL',
      'What clients reach this service by: signed URLs begin with it. Unset: made from host and port.',
    ],
    ['DATA_DIR', './data', 'a directory', 'Everything that Stowage keeps on this machine.'],
    [
      'LOG_LEVEL',
      'info',
      'fatal, error, warn, info, debug, trace, silent',
      'Least important log line that is written.',
    ],
    ['CORS_ORIGINS', '-', 'origins, comma-separated, or `*`', 'Web origins whose pages may call the API.'],
    [
      'TRUST_PROXY',
      '-',
      'addresses, CIDR ranges, `loopback`, `private`; comma-separated',
      'Proxies whose `X-Forwarded-For` counts.',
    ],
    [
      'METRICS_TOKEN',
      '-',
      'text',
      'Bearer token that may read `/metrics`, besides the tokens of admins.',
      { secret: true },
    ],
    [
      'STOWAGE_CONFIG',
      '-',
      'a file',
      'The config file. Unset: `stowage.config.ts`, `.js` or `.json` in the working directory, if there is one.',
    ],
  ]),
  ...group('access', [
    [
      'JWT_SECRET',
      'made on the first start',
      '32 bytes or more each; comma-separated, newest first',
      'Verifies HS256 tokens; the first one signs those of `stowage token`.',
      { secret: true },
    ],
    [
      'JWKS_URL',
      '-',
      'http(s) URL',
      'Keys that verify RS256, ES256 and EdDSA tokens, instead of `JWT_SECRET`.',
    ],
    ['JWT_ISSUER', '-', 'text', 'The `iss` that tokens must have; required with `JWKS_URL`.'],
    ['JWT_AUDIENCE', '-', 'text', 'The `aud` that tokens must have; required with `JWKS_URL`.'],
    ['JWT_TENANT_CLAIM', 'tenant_id', 'name of a claim', 'The claim that names the tenant.'],
    [
      'SIGNING_SECRET',
      'made on the first start',
      '32 bytes or more each; comma-separated, newest first',
      'Signs the URLs of files on local disk.',
      { secret: true },
    ],
  ]),
  ...group('database', [
    [
      'DATABASE_URL',
      '-',
      'postgres:// URL',
      'PostgreSQL server for the catalog. Unset: Stowage runs a PostgreSQL of its own below `DATA_DIR`.',
      { secret: true },
    ],
    [
      'REDIS_URL',
      '-',
      'redis(s):// URL',
      'Accepted and not used yet: rate limits are shared through PostgreSQL.',
      { secret: true },
    ],
  ]),
  ...group('storage', [
    [
      'STORAGE_BACKEND',
      'local',
      'local, s3, azure, gcs',
      'Where new files go; others are read from where their records say. `USE_S3=true` is understood as `s3`.',
    ],
    [
      'LOCAL_STORAGE_PATH',
      '`DATA_DIR`/files',
      'a directory',
      'Where the local backend keeps objects: a directory of its own, empty or not there at first.',
    ],
    [
      'ENCRYPTION_KEY',
      '-',
      '32 bytes in base64 or hex',
      'Encrypts files on local disk. Not in this version: Stowage refuses to start with it.',
      { secret: true },
    ],
    [
      'SIGNED_URL_EXPIRATION_SECONDS',
      '3600',
      '60 to 604800',
      'Life of the `presigned_url` in an asset, in seconds.',
    ],
  ]),
  ...group('s3', [
    [
      'S3_BUCKET_NAME',
      '-',
      'name of a bucket',
      'The bucket; required with `s3`.',
      { aliases: ['AWS_S3_BUCKET'] },
    ],
    [
      'S3_REGION',
      '-',
      'name of a region',
      'The region of the bucket; required with `s3`.',
      { aliases: ['AWS_REGION', 'AWS_DEFAULT_REGION'] },
    ],
    [
      'S3_ACCESS_KEY',
      '-',
      'text',
      'Access key id. Unset together with the secret key: the role of the machine.',
      { secret: true, aliases: ['AWS_ACCESS_KEY_ID'] },
    ],
    [
      'S3_SECRET_KEY',
      '-',
      'text',
      'Secret access key.',
      { secret: true, aliases: ['AWS_SECRET_ACCESS_KEY'] },
    ],
    [
      'S3_SESSION_TOKEN',
      '-',
      'text',
      'Session token that belongs to temporary keys.',
      { secret: true, aliases: ['AWS_SESSION_TOKEN'] },
    ],
    [
      'S3_ENDPOINT',
      '-',
      'http(s) URL',
      'Endpoint of an S3-compatible store. Unset: AWS.',
      { aliases: ['AWS_ENDPOINT_URL_S3'] },
    ],
    [
      'S3_PUBLIC_ENDPOINT',
      '-',
      'http(s) URL',
      'Endpoint in signed URLs, when clients reach the store by another address.',
    ],
    [
      'S3_FORCE_PATH_STYLE',
      'true with `S3_ENDPOINT`, else false',
      'true, false',
      'Whether the bucket is in the path instead of the host name.',
    ],
    ['S3_SSE', 'AES256', 'AES256, aws:kms', 'Encryption at rest that every upload asks for.'],
    [
      'S3_KMS_KEY_ID',
      '-',
      'id or ARN of a key',
      "The KMS key for `S3_SSE=aws:kms`. Unset: the account's default key.",
    ],
  ]),
  ...group('azure', [
    ['AZURE_STORAGE_CONNECTION_STRING', '-', 'connection string', 'Account and key.', { secret: true }],
    [
      'AZURE_ACCOUNT_URL',
      '-',
      'http(s) URL',
      "The account's blob endpoint, used with the identity of the machine instead of a connection string.",
    ],
    ['AZURE_CONTAINER_NAME', '-', 'name of a container', 'The container; required with `azure`.'],
  ]),
  ...group('gcs', [
    ['GCS_BUCKET_NAME', '-', 'name of a bucket', 'The bucket; required with `gcs`.'],
    [
      'GCS_PROJECT_ID',
      '-',
      'id of a project',
      'The project of the bucket.',
      { aliases: ['GOOGLE_CLOUD_PROJECT'] },
    ],
    [
      'GCS_CREDENTIALS_PATH',
      '-',
      'a file',
      'Key file of a service account. Unset: application default credentials.',
      { aliases: ['GOOGLE_APPLICATION_CREDENTIALS'] },
    ],
    ['GCS_ENDPOINT', '-', 'http(s) URL', "Another API endpoint. Unset: Google's."],
  ]),
  ...group('cdn', [
    [
      'CDN_URL',
      '-',
      'http(s) URL',
      'What clients reach the CDN by: URLs of public assets begin with it, and with a key pair those of private ones.',
    ],
    [
      'CDN_ORIGIN',
      'store with `s3`, else service',
      'store, service',
      'Where the CDN fetches what it does not have: the bucket itself, or Stowage.',
    ],
    [
      'CDN_KEY_PAIR_ID',
      '-',
      'id of a public key',
      "The id that CloudFront has given the key pair's public key.",
    ],
    [
      'CDN_PRIVATE_KEY',
      '-',
      'RSA key of 2048 bits in PEM; a line end may be written `\\n`',
      'Signs the URLs of private assets for CloudFront. Unset: those keep the signed URLs of the store.',
      { secret: true },
    ],
    [
      'CDN_ORIGIN_SECRET',
      '-',
      '16 characters or more',
      'What the CDN sends Stowage as `X-Stowage-Origin-Secret` when it has checked the signature itself.',
      { secret: true },
    ],
    [
      'CDN_DISTRIBUTION_ID',
      '-',
      'id of a distribution',
      'CloudFront distribution in which deleted assets are invalidated.',
    ],
    [
      'CDN_PURGE_URL',
      '-',
      'http(s) URLs without a path, comma-separated',
      'Caches such as Varnish that are sent a `PURGE` for deleted assets.',
    ],
  ]),
  ...group('limits', [
    ['UPLOADS_PER_HOUR', '100', '1 to 1000000', 'Accepted files per user and hour.'],
    [
      'BODY_LIMIT',
      '100mb',
      '1kb to 1gb',
      'Bounds every request body, except that an upload is bounded by its asset type.',
    ],
  ]),
];

/** Settings understood although they are not in the table: they stand for another one in a way of their own. */
export const UNDERSTOOD_NAMES: readonly string[] = ['USE_S3'];

/** The name of a setting in the config file: `S3_BUCKET_NAME` is `s3BucketName`. */
export function fileFieldOf(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function group(name: Setting['group'], rows: readonly (Row | readonly [...Row, Extra])[]): Setting[] {
  return rows.map(([setting, defaultText, range, effect, extra]) => ({
    name: setting,
    group: name,
    secret: extra?.secret === true,
    aliases: extra?.aliases ?? [],
    defaultText,
    range,
    effect,
  }));
}
