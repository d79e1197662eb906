import { type Json, toJson } from '../json.ts';
import { type ApplyContext, type Provider, ProvisioningError, QUESTION_PREFIX } from '../provider.ts';
import { BucketCalls } from './calls.ts';
import type { GcsProvisioningParts } from './parts.ts';
import { gcsProbes } from './probes.ts';
import { gcsCors, gcsLifecycle, gcsSettings } from './settings.ts';

/** Objects that are counted before it is said that there are more. */
const COUNT_MAX = 1000;

/** Opens a bucket of Google for provisioning. */
export function openGcsProvider(parts: GcsProvisioningParts): Provider {
  const calls = new BucketCalls(parts);
  const { provisioning, bucket } = parts;
  return {
    name: 'gcs',
    bucket,
    settings: gcsSettings(parts, calls),
    storeSetting: 'bucket',
    probes: gcsProbes(parts, calls),
    warnings: [],
    variables: variablesOf(parts),
    async contents(signal) {
      const versions = await calls.versions('', signal);
      if (versions === undefined) return { exists: false, objects: 0, hasMore: false };
      const others = versions.filter(({ name }) => !name.startsWith(QUESTION_PREFIX));
      return { exists: true, objects: others.length, hasMore: versions.length >= COUNT_MAX };
    },
    destroy: (options) => destroy(calls, bucket, options),
    documents: async (): Promise<Readonly<Record<string, Json>>> => ({
      cors: toJson(gcsCors(provisioning.corsOrigins)),
      lifecycle: toJson({ rule: gcsLifecycle(provisioning.lifecycle) }),
    }),
    notes: async () => [
      'Give the service account roles/iam.serviceAccountTokenCreator on itself if it runs without a key file.',
    ],
    [Symbol.asyncDispose]: () => calls.close(),
  };
}

/** Variables of `deploy/terraform/gcp`. */
function variablesOf({
  bucket,
  projectId,
  provisioning,
}: GcsProvisioningParts): Readonly<Record<string, Json>> {
  const { environment, corsOrigins, versioning, lifecycle, tags, gcs } = provisioning;
  return {
    bucket,
    project_id: projectId,
    location: gcs.location.toUpperCase(),
    environment,
    kms_key: gcs.kmsKey,
    cors_origins: corsOrigins,
    versioning,
    abort_multipart_days: lifecycle.abortMultipartDays,
    expire_incoming_days: lifecycle.expireIncomingDays,
    old_versions_rare_days: lifecycle.oldVersionsRareDays,
    old_versions_archive_days: lifecycle.oldVersionsArchiveDays,
    old_versions_delete_days: lifecycle.oldVersionsDeleteDays,
    labels: tags,
  };
}

async function destroy(
  calls: BucketCalls,
  bucket: string,
  { force, signal, progress }: { readonly force: boolean } & ApplyContext,
): Promise<readonly string[]> {
  if ((await calls.read(signal)) === undefined) return [];
  for (let removed = 0; ; ) {
    const versions = (await calls.versions('', signal)) ?? [];
    if (versions.length === 0) break;
    if (!force && !versions.every(({ name }) => name.startsWith(QUESTION_PREFIX)))
      throw new ProvisioningError(`${bucket} is not empty any more. It stays, with all objects in it.`);
    for (const version of versions) await calls.removeVersion(version, signal);
    removed += versions.length;
    progress(`${removed} objects and versions of ${bucket} removed`);
  }
  await calls.remove(signal);
  return [`bucket ${bucket}`];
}
