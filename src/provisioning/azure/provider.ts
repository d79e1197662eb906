import { type Json, toJson } from '../json.ts';
import {
  type ApplyContext,
  type Contents,
  type Provider,
  ProvisioningError,
  QUESTION_PREFIX,
} from '../provider.ts';
import { containerLifecycle, removeRules } from './lifecycle.ts';
import { openManagement } from './management.ts';
import { type AzureProvisioningParts, accountNameOf } from './parts.ts';
import { azureProbes } from './probes.ts';
import { type AzureCalls, azureCors, azureSettings } from './settings.ts';

/** Blobs that are counted before it is said that there are more. */
const COUNT_MAX = 1000;

/** Opens a container of Azure for provisioning; no request is made. */
export async function openAzureProvider(parts: AzureProvisioningParts): Promise<Provider> {
  const calls = await openCalls(parts);
  const { provisioning, container } = parts;
  const hasManagement = calls.management !== null;
  return {
    name: 'azure',
    bucket: container,
    settings: azureSettings(parts, calls),
    storeSetting: 'container',
    probes: azureProbes(parts, calls),
    warnings: hasManagement
      ? []
      : [
          'provisioning.azure names no subscriptionId and resourceGroup, so versioning, lifecycle and the account itself are neither made nor checked.',
        ],
    variables: variablesOf(parts),
    contents: (signal) => countBlobs(calls, signal),
    destroy: (options) => destroy(calls, container, options),
    documents: async (): Promise<Readonly<Record<string, Json>>> => ({
      cors: toJson(azureCors(provisioning.corsOrigins)),
      lifecycle: toJson({ rules: containerLifecycle(container, provisioning.lifecycle) }),
    }),
    notes: async () => [
      'Give the service the roles "Storage Blob Data Contributor" and "Storage Blob Delegator", or a connection string.',
    ],
    [Symbol.asyncDispose]: async () => undefined,
  };
}

async function openCalls(parts: AzureProvisioningParts): Promise<AzureCalls> {
  const sdk = await import('@azure/storage-blob');
  const service = await openService(sdk, parts);
  return {
    service,
    container: service.getContainerClient(parts.container),
    management: openManagement(parts),
  };
}

async function openService(sdk: typeof import('@azure/storage-blob'), parts: AzureProvisioningParts) {
  if (parts.connectionString !== null)
    return sdk.BlobServiceClient.fromConnectionString(parts.connectionString);
  if (parts.accountUrl === null)
    throw new ProvisioningError('The store has neither a connection string nor an address.');
  if (parts.operator !== undefined) return new sdk.BlobServiceClient(parts.accountUrl, parts.operator);
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new sdk.BlobServiceClient(parts.accountUrl, new DefaultAzureCredential());
}

/**
 * Versions, snapshots and what is deleted but kept count as well: they go with the container, and are all that somebody has
 * of a file that was overwritten or deleted by mistake.
 */
async function countBlobs({ container }: AzureCalls, signal: AbortSignal): Promise<Contents> {
  if (!(await container.exists({ abortSignal: signal })))
    return { exists: false, objects: 0, hasMore: false };
  let objects = 0;
  const everything = { includeVersions: true, includeSnapshots: true, includeDeleted: true };
  for await (const blob of container.listBlobsFlat({ ...everything, abortSignal: signal })) {
    if (blob.name.startsWith(QUESTION_PREFIX)) continue;
    if (objects === COUNT_MAX) return { exists: true, objects, hasMore: true };
    objects += 1;
  }
  return { exists: true, objects, hasMore: false };
}

/**
 * The container goes with all that is in it; its rules in the account's policy with it. Azure has no delete for empty ones
 * alone, so they are counted once more.
 */
async function destroy(
  calls: AzureCalls,
  container: string,
  { force, signal }: { readonly force: boolean } & ApplyContext,
): Promise<readonly string[]> {
  if (!force && (await countBlobs(calls, signal)).objects > 0)
    throw new ProvisioningError(`${container} is not empty any more. It stays, with all blobs in it.`);
  if (calls.management !== null) await removeRules(container, calls.management, signal);
  const { succeeded } = await calls.container.deleteIfExists({ abortSignal: signal });
  return succeeded ? [`container ${container}`] : [];
}

/** Variables of `deploy/terraform/azure`. */
function variablesOf(parts: AzureProvisioningParts): Readonly<Record<string, Json>> {
  const { environment, corsOrigins, versioning, lifecycle, tags, azure } = parts.provisioning;
  return {
    account: accountNameOf(parts),
    container: parts.container,
    resource_group: azure.resourceGroup,
    location: azure.location,
    environment,
    cors_origins: corsOrigins,
    versioning,
    soft_delete_days: azure.softDeleteDays,
    expire_incoming_days: lifecycle.expireIncomingDays,
    old_versions_rare_days: lifecycle.oldVersionsRareDays,
    old_versions_archive_days: lifecycle.oldVersionsArchiveDays,
    old_versions_delete_days: lifecycle.oldVersionsDeleteDays,
    tags,
  };
}
