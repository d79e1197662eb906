import type { Config } from '../config/config.ts';
import type { Environment } from '../config/look-alikes.ts';
import { ConfigError } from '../config/problems.ts';
import { systemClock } from '../core/clock.ts';
import { silentLog } from '../core/log.ts';
import type { Provider } from '../provisioning/provider.ts';
import type { AwsKeySource, AwsKeys, S3ProvisioningParts } from '../provisioning/s3/parts.ts';

/** Who provisions. */
export interface ProvisioningCaller {
  /** A profile of the shared AWS files; null: what the environment says. */
  readonly profile: string | null;
  /** For what the official clouds' clients look at; our own settings are in the configuration. */
  readonly env: Environment;
}

/**
 * Opens the store that new files go to for provisioning: others may be set up beside it. Its client is loaded only here.
 *
 * @param caller null: the service itself asks, with its own keys and no others.
 * @throws ConfigError, ProvisioningError.
 */
export async function openProvisioning(config: Config, caller: ProvisioningCaller | null): Promise<Provider> {
  const { storage, provisioning } = config;
  if (storage.backend === 's3' && storage.s3 !== null) {
    const { openS3Provider } = await import('../provisioning/s3/provider.ts');
    return openS3Provider(s3Parts(config, storage.s3, caller));
  }
  if (storage.backend === 'azure' && storage.azure !== null) {
    const { openAzureProvider } = await import('../provisioning/azure/provider.ts');
    return openAzureProvider({ ...storage.azure, provisioning, clock: systemClock, log: silentLog });
  }
  if (storage.backend === 'gcs' && storage.gcs !== null) {
    const { openGcsProvider } = await import('../provisioning/gcs/provider.ts');
    const { credentialsPath } = storage.gcs;
    // Google's own name for whoever is at the keyboard comes before the account that the service runs with.
    const operatorCredentialsPath =
      caller === null ? credentialsPath : caller.env.GOOGLE_APPLICATION_CREDENTIALS || credentialsPath;
    return openGcsProvider({
      ...storage.gcs,
      backendIsOther: caller === null || operatorCredentialsPath !== credentialsPath,
      ...{ operatorCredentialsPath, provisioning, clock: systemClock, log: silentLog },
    });
  }
  if (storage.backend !== 'local')
    throw new ConfigError([`STORAGE_BACKEND is ${storage.backend}, but none of its settings is there`]);
  const { openLocalProvider } = await import('../provisioning/local/provider.ts');
  return openLocalProvider({ path: storage.local.path, provisioning });
}

function s3Parts(
  config: Config,
  s3: NonNullable<Config['storage']['s3']>,
  caller: ProvisioningCaller | null,
): S3ProvisioningParts {
  const { credentials, endpoint, ...options } = s3;
  const backend = credentials === null ? null : keysOf(credentials);
  const isSecure = endpoint === null || endpoint.startsWith('https:');
  return {
    ...{ bucket: options.bucket, region: options.region, endpoint, forcePathStyle: options.forcePathStyle },
    ...{ sse: options.sse, kmsKeyId: options.kmsKeyId, provisioning: config.provisioning },
    folders: foldersOf(config),
    cdnUrl: config.cdn?.origin === 'store' ? config.cdn.url : null,
    delivery: deliveryOf(config),
    operator: operatorOf(caller, backend),
    backend,
    backendIsOther: caller === null || hasOtherKeys(caller, backend),
    plainEndpoint: plainEndpointOf(endpoint, options.region),
    isSecure,
    controlEndpoint: null,
    clock: systemClock,
    log: silentLog,
  };
}

/** An operator's profile or keys in the environment come before those that the service runs with. */
function operatorOf(caller: ProvisioningCaller | null, backend: AwsKeys | null): AwsKeySource {
  if (caller === null) return backend;
  const { profile } = caller;
  if (profile !== null)
    return async () => {
      const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
      return (await defaultProvider({ profile })()) as AwsKeys;
    };
  return hasOtherKeys(caller, backend) ? null : backend;
}

function hasOtherKeys({ profile, env }: ProvisioningCaller, backend: AwsKeys | null): boolean {
  if (backend === null) return false;
  const named = env.AWS_ACCESS_KEY_ID?.trim();
  return (
    profile !== null || Boolean(env.AWS_PROFILE?.trim()) || (Boolean(named) && named !== backend.accessKeyId)
  );
}

function keysOf(credentials: NonNullable<NonNullable<Config['storage']['s3']>['credentials']>): AwsKeys {
  const { sessionToken, ...keys } = credentials;
  return sessionToken === null ? keys : { ...keys, sessionToken };
}

/** Another store may have its plain port anywhere: only AWS is known to have one. */
function plainEndpointOf(endpoint: string | null, region: string): string | null {
  if (endpoint === null) return `http://s3.${region}.amazonaws.com`;
  return endpoint.startsWith('https:') ? `http:${endpoint.slice('https:'.length)}` : null;
}

/** What a CDN does with each asset type. A prefix that a private type shares with a public one is private. */
function deliveryOf(config: Config): S3ProvisioningParts['delivery'] {
  const kinds = [...config.assetTypes.values()].map(({ keyTemplate, cacheControl, visibility }) => ({
    prefix: /^[^{]*\//.exec(keyTemplate)?.[0] ?? '',
    isImmutable: /\bimmutable\b/.test(cacheControl),
    isPublic: visibility === 'public',
  }));
  const named = kinds.filter(({ prefix }) => prefix !== '');
  return [...Map.groupBy(named, ({ prefix }) => prefix)].map(([prefix, all]) => ({
    prefix,
    isImmutable: all.every(({ isImmutable }) => isImmutable),
    // Also when a private prefix merely lies below, or above: what is filled in there may be a public folder. A template
    // that begins with what is filled in lies above all.
    isPublic:
      all.every(({ isPublic }) => isPublic) &&
      !kinds.some(
        (other) => !other.isPublic && (other.prefix.startsWith(prefix) || prefix.startsWith(other.prefix)),
      ),
  }));
}

/** The first folder of each asset type's keys, without what is filled in. */
function foldersOf(config: Config): readonly string[] {
  const folders = [...config.assetTypes.values()].flatMap(({ keyTemplate }) => {
    const fixed = keyTemplate.split('{')[0] ?? '';
    const end = fixed.indexOf('/');
    return end > 0 ? [fixed.slice(0, end + 1)] : [];
  });
  return [...new Set(folders)].sort();
}
