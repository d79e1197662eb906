import type { BlobServiceClient, ContainerClient, CorsRule } from '@azure/storage-blob';
import { toJson } from '../json.ts';
import type { Setting } from '../provider.ts';
import { containerLifecycle, lifecycleSetting } from './lifecycle.ts';
import type { Management } from './management.ts';
import type { AzureProvisioningParts } from './parts.ts';

export interface AzureCalls {
  readonly service: BlobServiceClient;
  readonly container: ContainerClient;
  /** Null where the management API can't be reached. */
  readonly management: Management | null;
}

/** All settings of a container and its account, in the order in which they can be made. */
export function azureSettings(parts: AzureProvisioningParts, calls: AzureCalls): readonly Setting[] {
  const { management } = calls;
  const rules = containerLifecycle(parts.container, parts.provisioning.lifecycle);
  return [
    containerSetting(calls),
    containerAccessSetting(calls),
    corsSetting(parts, calls),
    softDeleteSetting(parts, calls),
    ...(management === null
      ? []
      : [
          accountSetting(management),
          blobServiceSetting(parts, management),
          lifecycleSetting(parts.container, rules, management),
        ]),
  ];
}

function containerSetting({ container }: AzureCalls): Setting {
  return {
    name: 'container',
    protects: 'Files have a place.',
    read: async (abortSignal) => ((await container.exists({ abortSignal })) ? {} : undefined),
    desired: async () => ({}),
    async apply(_current, { signal }) {
      await container.createIfNotExists({ abortSignal: signal });
    },
  };
}

function containerAccessSetting({ container }: AzureCalls): Setting {
  return {
    name: 'container_access',
    protects: 'Strangers can neither read nor list.',
    async read(abortSignal) {
      if (!(await container.exists({ abortSignal }))) return undefined;
      return (await container.getAccessPolicy({ abortSignal })).blobPublicAccess ?? 'private';
    },
    desired: async () => 'private',
    async apply(_current, { signal }) {
      // Stored access policies of others stay.
      const { signedIdentifiers } = await container.getAccessPolicy({ abortSignal: signal });
      await container.setAccessPolicy(undefined, signedIdentifiers, { abortSignal: signal });
    },
  };
}

/** CORS belongs to the account's blob service: other containers share it. */
function corsSetting({ provisioning }: AzureProvisioningParts, { service }: AzureCalls): Setting {
  const rules = azureCors(provisioning.corsOrigins);
  return {
    name: 'cors',
    protects:
      'Pages of your origins, and of no others, read and write by signed URLs; ETag can be seen by them.',
    async read(abortSignal) {
      const { cors = [] } = await service.getProperties({ abortSignal });
      return toJson(cors.map(sortedRule));
    },
    desired: async () => toJson(rules.map(sortedRule)),
    async apply(_current, { signal }) {
      await service.setProperties({ cors: [...rules] }, { abortSignal: signal });
    },
  };
}

function softDeleteSetting({ provisioning }: AzureProvisioningParts, { service }: AzureCalls): Setting {
  const desired = { enabled: true, days: provisioning.azure.softDeleteDays };
  return {
    name: 'soft_delete',
    protects: 'What is deleted by mistake can be brought back for some days.',
    async read(abortSignal) {
      const { deleteRetentionPolicy } = await service.getProperties({ abortSignal });
      if (deleteRetentionPolicy?.enabled !== true) return undefined;
      return { enabled: true, days: deleteRetentionPolicy.days ?? 0 };
    },
    desired: async () => desired,
    async apply(_current, { signal }) {
      await service.setProperties({ deleteRetentionPolicy: desired }, { abortSignal: signal });
    },
  };
}

/** The CORS rules of the account: headers and methods are lists in one text. */
export function azureCors(origins: readonly string[]): readonly CorsRule[] {
  if (origins.length === 0) return [];
  return [
    {
      allowedOrigins: origins.join(','),
      allowedMethods: 'GET,HEAD,OPTIONS,PUT',
      allowedHeaders: 'content-type,x-ms-*',
      exposedHeaders: 'ETag',
      maxAgeInSeconds: 3600,
    },
  ];
}

function sortedRule(rule: CorsRule): object {
  const list = (text: string | undefined): readonly string[] =>
    (text ?? '')
      .split(',')
      .map((each) => each.trim())
      .filter((each) => each !== '')
      .toSorted();
  return {
    origins: list(rule.allowedOrigins),
    methods: list(rule.allowedMethods),
    headers: list(rule.allowedHeaders),
    expose: list(rule.exposedHeaders),
    max_age_seconds: rule.maxAgeInSeconds,
  };
}

/** What of the account protects the container. */
export const ACCOUNT_PROPERTIES = {
  allowBlobPublicAccess: false,
  minimumTlsVersion: 'TLS1_2',
  supportsHttpsTrafficOnly: true,
} as const;

function accountSetting(management: Management): Setting {
  return {
    name: 'account',
    protects: 'No container of the account can be made public, and nothing goes without TLS.',
    async read(signal) {
      const account = await management.get<{ properties?: Record<string, string | boolean> }>('', signal);
      if (account === undefined) return undefined;
      const names = Object.keys(ACCOUNT_PROPERTIES);
      return Object.fromEntries(names.map((name) => [name, account.properties?.[name] ?? null]));
    },
    desired: async () => ACCOUNT_PROPERTIES,
    mend: 'without an account there is nothing to set: az storage account create',
    apply: (_current, { signal }) => management.send('PATCH', '', { properties: ACCOUNT_PROPERTIES }, signal),
  };
}

interface BlobService {
  readonly properties?: {
    readonly isVersioningEnabled?: boolean;
    readonly containerDeleteRetentionPolicy?: { readonly enabled?: boolean; readonly days?: number };
  };
}

function blobServiceSetting({ provisioning }: AzureProvisioningParts, management: Management): Setting {
  const place = '/blobServices/default';
  const desired = { versioning: provisioning.versioning, container_days: provisioning.azure.softDeleteDays };
  return {
    name: 'versioning',
    protects: 'What is overwritten by mistake, and a container that is deleted, can be brought back.',
    async read(signal) {
      const { properties } = (await management.get<BlobService>(place, signal)) ?? {};
      const retention = properties?.containerDeleteRetentionPolicy;
      return {
        versioning: properties?.isVersioningEnabled ?? false,
        container_days: retention?.enabled === true ? (retention.days ?? 0) : 0,
      };
    },
    desired: async () => desired,
    async apply(_current, { signal }) {
      // A PUT replaces everything: what is there (CORS among it) is sent along.
      const current = (await management.get<BlobService>(place, signal))?.properties ?? {};
      const changed = {
        ...current,
        isVersioningEnabled: desired.versioning,
        containerDeleteRetentionPolicy: { enabled: true, days: desired.container_days },
      };
      await management.send('PUT', place, { properties: changed }, signal);
    },
  };
}
