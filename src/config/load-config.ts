import { isAbsolute, resolve } from 'node:path';
import ipaddr from 'ipaddr.js';
import { GIB, KIB, MIB } from '../core/bytes.ts';
import { buildAssetTypes } from './asset-type-fields.ts';
import { cdnWarnings, readCdn } from './cdn-settings.ts';
import type { AccessConfig, Config, HttpConfig } from './config.ts';
import { type ConfigFile, loadConfigFile } from './config-file.ts';
import { type Environment, unknownSettings } from './look-alikes.ts';
import { openMadeSecrets } from './made-secrets.ts';
import { ConfigError } from './problems.ts';
import { readProvisioning } from './provisioning-fields.ts';
import { type SettingReader, settingReader } from './setting-reader.ts';
import { gatherSettingValues } from './setting-values.ts';
import { readStorage, storageWarnings } from './storage-settings.ts';

/** A secret that tokens are verified and made with, or that the service's own URLs are signed with. */
export type NeededSecret = 'JWT_SECRET' | 'SIGNING_SECRET';

/** Where the settings come from. */
export interface ConfigSources {
  /** The environment, usually `process.env`: read here and nowhere else. */
  readonly env: Environment;
  /** Directory that relative paths start from, absolute. */
  readonly cwd: string;
  /** Whether the gate can judge a media type: an asset type may accept no other. */
  readonly canJudge: (mediaType: string) => boolean;
  /** A config given as a value, by a program that embeds Stowage: then no file is looked for. */
  readonly file?: ConfigFile;
  /** Whether the program tells itself who asks: then no verifier of tokens is needed. Default: false. */
  readonly hasOwnAuthentication?: boolean;
  /** What the work needs to be set: of the others none is asked for, and none is made. Default: both. */
  readonly secrets?: readonly NeededSecret[];
}

/**
 * Reads the environment and the config file once, checks all of it and freezes the result. Outside production, secrets
 * that nobody has set are made and kept in the data directory.
 *
 * @throws ConfigError naming every problem at once, and never a secret's value.
 */
export async function loadConfig(sources: ConfigSources): Promise<Config> {
  const { env, cwd } = sources;
  const problems = unknownSettings(env);
  const named = env.STOWAGE_CONFIG?.trim() || undefined;
  const file = sources.file ?? (await loadConfigFile(named, cwd, problems));
  const read = settingReader(gatherSettingValues(env, file.values, cwd, problems), problems);

  const environment = read.choice('NODE_ENV', ['production', 'development', 'test'], 'development');
  const dataDir = absolute(read.text('DATA_DIR') ?? './data', cwd);
  const http = readHttp(read);
  const access = readAccess(read);
  const storage = readStorage(read, { env, cwd, dataDir });
  const cdn = readCdn(read, storage.backend);
  const signingSecrets = read.secrets('SIGNING_SECRET');
  const database = { url: read.connectionUrl('DATABASE_URL', ['postgres', 'postgresql']) };
  const redisUrl = read.connectionUrl('REDIS_URL', ['redis', 'rediss']);
  const uploads = {
    filesPerHour: read.integer('UPLOADS_PER_HOUR', { fallback: 100, min: 1, max: 1_000_000 }),
  };
  const logLevel = read.choice(
    'LOG_LEVEL',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'info',
  );
  const assetTypes = buildAssetTypes(file.assetTypes, sources.canJudge, problems);

  const provisioning = readProvisioning(
    file.provisioning,
    {
      corsOrigins: http.corsOrigins,
      environment,
      s3Bucket: storage.s3?.bucket ?? null,
      s3Endpoint: storage.s3?.endpoint ?? null,
    },
    problems,
  );

  const needed = sources.secrets ?? ['JWT_SECRET', 'SIGNING_SECRET'];
  const needsJwtSecret =
    needed.includes('JWT_SECRET') &&
    sources.hasOwnAuthentication !== true &&
    access.jwksUrl === null &&
    access.jwtSecrets.length === 0;
  const needsSigningSecret = needed.includes('SIGNING_SECRET') && signingSecrets.length === 0;
  if (environment === 'production') {
    if (needsJwtSecret) problems.push('JWT_SECRET or JWKS_URL is missing: production needs a token verifier');
    if (needsSigningSecret) problems.push('SIGNING_SECRET is missing: production needs a signing secret');
  }
  if (problems.length > 0) throw new ConfigError(problems);

  const made = needsJwtSecret || needsSigningSecret ? makeSecrets(dataDir) : undefined;
  const config: Config = {
    environment,
    http,
    access: made && needsJwtSecret ? { ...access, jwtSecrets: [made.jwtSecret] } : access,
    database,
    storage: {
      ...storage,
      signingSecrets: made && needsSigningSecret ? [made.signingSecret] : signingSecrets,
    },
    cdn,
    uploads,
    assetTypes,
    provisioning,
    dataDir,
    logLevel,
    warnings: [],
    madeSecrets: made?.made
      ? [...(needsJwtSecret ? ['JWT_SECRET'] : []), ...(needsSigningSecret ? ['SIGNING_SECRET'] : [])]
      : [],
  };
  return deepFreeze({ ...config, warnings: warningsOf(config, read, redisUrl !== null) });
}

function readHttp(read: SettingReader): HttpConfig {
  const host = read.text('HOST') ?? '127.0.0.1';
  if (!/^[A-Za-z0-9.:_-]{1,255}$/.test(host)) read.problem('HOST', 'must be an address or a host name');
  return {
    host,
    port: read.integer('PORT', { fallback: 3000, min: 0, max: 65_535 }),
    publicUrl: read.httpUrl('PUBLIC_URL'),
    corsOrigins: readOrigins(read),
    bodyBytesMax: read.bytes('BODY_LIMIT', { fallback: 100 * MIB, min: KIB, max: GIB }),
    trustProxy: readProxies(read),
    metricsToken: read.text('METRICS_TOKEN'),
  };
}

function readAccess(read: SettingReader): AccessConfig {
  const access = {
    jwtSecrets: read.secrets('JWT_SECRET'),
    jwksUrl: read.httpUrl('JWKS_URL'),
    jwtIssuer: read.text('JWT_ISSUER'),
    jwtAudience: read.text('JWT_AUDIENCE'),
    jwtTenantClaim: read.text('JWT_TENANT_CLAIM') ?? 'tenant_id',
  };
  if (access.jwksUrl !== null) {
    if (!isTrustworthy(access.jwksUrl)) read.problem('JWKS_URL', 'must be https, or http to this machine');
    if (access.jwtSecrets.length > 0) read.problem('JWKS_URL', 'and JWT_SECRET are both set; keep one');
    // The keys of an identity provider sign tokens for many services: only these two say that one is for us.
    if (access.jwtIssuer === null) read.problem('JWT_ISSUER', 'is missing: JWKS_URL needs it');
    if (access.jwtAudience === null) read.problem('JWT_AUDIENCE', 'is missing: JWKS_URL needs it');
  }
  return access;
}

/** Keys that anyone on the way can swap prove nothing. */
function isTrustworthy(jwksUrl: string): boolean {
  const { protocol, hostname } = new URL(jwksUrl);
  return protocol === 'https:' || /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

function readOrigins(read: SettingReader): readonly string[] {
  const origins = read.list('CORS_ORIGINS').map((origin) => origin.replace(/\/$/, ''));
  if (origins.includes('*') && origins.length > 1)
    read.problem('CORS_ORIGINS', 'lists * together with origins');
  for (const origin of origins) {
    if (origin === '*' || URL.parse(origin)?.origin === origin) continue;
    read.problem('CORS_ORIGINS', `lists "${origin}", which is no origin such as https://app.example.org`);
  }
  return origins;
}

const PROXY_NAMES: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

function readProxies(read: SettingReader): readonly string[] {
  const proxies = read.list('TRUST_PROXY');
  for (const proxy of proxies) {
    if (PROXY_NAMES[proxy] === undefined && !ipaddr.isValid(proxy) && !ipaddr.isValidCIDR(proxy)) {
      read.problem('TRUST_PROXY', `lists "${proxy}", which is neither an address nor a CIDR range`);
    }
  }
  return proxies.flatMap((proxy) => PROXY_NAMES[proxy] ?? [proxy]);
}

function makeSecrets(dataDir: string): ReturnType<typeof openMadeSecrets> {
  try {
    return openMadeSecrets(dataDir);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([
      `DATA_DIR can't keep the secrets that Stowage makes on its first start (${reason})`,
    ]);
  }
}

function warningsOf(config: Config, read: SettingReader, hasRedis: boolean): string[] {
  const warnings = [...storageWarnings(config, read), ...cdnWarnings(config)];
  if (hasRedis) warnings.push('REDIS_URL is not used yet: rate limits are shared through PostgreSQL.');
  if (config.environment === 'production') {
    if (config.http.publicUrl === null) {
      warnings.push('PUBLIC_URL is not set: signed URLs name the address that Stowage listens on.');
    } else if (config.http.publicUrl.startsWith('http:')) {
      warnings.push('PUBLIC_URL is not https: tokens and signed URLs travel in the clear.');
    }
    if (config.http.corsOrigins.includes('*'))
      warnings.push('CORS_ORIGINS is *: pages of any site may call the API.');
  }
  const metricsToken = read.text('METRICS_TOKEN');
  if (metricsToken !== null && metricsToken.length < 16) {
    warnings.push('METRICS_TOKEN is short: 16 characters or more are hard to guess.');
  }
  return warnings;
}

function absolute(path: string, cwd: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path);
}

/** Freezes plain objects and lists; maps and bytes are read-only by their types. */
function deepFreeze<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || value instanceof Map)
    return value;
  for (const child of Object.values(value)) deepFreeze(child);
  return Object.freeze(value);
}
