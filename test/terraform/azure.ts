import type { Json } from '../../src/provisioning/json.ts';
import { all, type Block, type Evaluated, only } from './evaluate.ts';

/** What the module for Azure makes, setting by setting, in the shape of `stowage provision plan`. */
export function settingsOfAzure({ resources }: Evaluated): Readonly<Record<string, Json>> {
  const one = (name: string): Block => only(resources.get(name) as never);
  const account = one('azurerm_storage_account.files');
  const blobs = only(account.blob_properties);
  return {
    container: {},
    container_access: one('azurerm_storage_container.files').container_access_type as Json,
    cors: all(blobs.cors_rule).map(cors),
    soft_delete: { enabled: true, days: only(blobs.delete_retention_policy).days as Json },
    account: {
      allowBlobPublicAccess: account.allow_nested_items_to_be_public as Json,
      minimumTlsVersion: account.min_tls_version as Json,
      supportsHttpsTrafficOnly: account.https_traffic_only_enabled as Json,
    },
    versioning: {
      versioning: blobs.versioning_enabled as Json,
      container_days: only(blobs.container_delete_retention_policy).days as Json,
    },
    lifecycle: Object.fromEntries(all(one('azurerm_storage_management_policy.files').rule).map(rule)),
  };
}

function cors(block: Block): Json {
  const sorted = (name: string) => [...(block[name] as string[])].sort();
  return {
    origins: sorted('allowed_origins'),
    methods: sorted('allowed_methods'),
    headers: sorted('allowed_headers'),
    expose: sorted('exposed_headers'),
    max_age_seconds: block.max_age_in_seconds as Json,
  };
}

const VERSION_ACTIONS = {
  change_tier_to_cool_after_days_since_creation: 'tierToCool',
  change_tier_to_archive_after_days_since_creation: 'tierToArchive',
  delete_after_days_since_creation: 'delete',
} as const;

function rule(block: Block): [string, Json] {
  const filters = only(block.filters);
  const actions = only(block.actions);
  const [base] = all(actions.base_blob);
  const version = only(actions.version);
  const ofVersion = Object.entries(VERSION_ACTIONS).flatMap(([attribute, action]) => {
    const days = version[attribute];
    return days === undefined ? [] : [[action, { daysAfterCreationGreaterThan: days as Json }] as const];
  });
  return [
    String(block.name),
    {
      enabled: block.enabled as Json,
      filters: { blobTypes: filters.blob_types as Json, prefixMatch: filters.prefix_match as Json },
      actions: {
        ...(base && {
          baseBlob: {
            delete: {
              daysAfterModificationGreaterThan:
                base.delete_after_days_since_modification_greater_than as Json,
            },
          },
        }),
        version: Object.fromEntries(ofVersion),
      },
    },
  ];
}
