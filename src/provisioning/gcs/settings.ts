import { readFile } from 'node:fs/promises';
import type { LifecycleConfig } from '../../config/provisioning-config.ts';
import { type Json, toJson } from '../json.ts';
import { ProvisioningError, type Setting } from '../provider.ts';
import type { BucketCalls, GcsBucket, GcsCorsRule, GcsLifecycleRule, GcsPolicy } from './calls.ts';
import type { GcsProvisioningParts } from './parts.ts';

/** What the backend's account may do: exactly what docs/guides/provision-gcp.md lists. */
const BACKEND_ROLE = 'roles/storage.objectUser';

/** All settings of a bucket of Google, in the order in which they can be made. */
export function gcsSettings(parts: GcsProvisioningParts, calls: BucketCalls): readonly Setting[] {
  const { provisioning } = parts;
  const one = patchedSetting.bind(null, calls);
  return [
    bucketSetting(parts, calls),
    one({
      name: 'uniform_access',
      protects: 'Rights are those of the bucket; no ACL of an object opens anything.',
      of: (bucket) => bucket.iamConfiguration?.uniformBucketLevelAccess?.enabled ?? false,
      desired: true,
      patch: { iamConfiguration: { uniformBucketLevelAccess: { enabled: true } } },
    }),
    one({
      name: 'public_access_prevention',
      protects: 'Nobody can let strangers in, not even by mistake.',
      of: (bucket) => bucket.iamConfiguration?.publicAccessPrevention ?? 'inherited',
      desired: 'enforced',
      patch: { iamConfiguration: { publicAccessPrevention: 'enforced' } },
    }),
    one({
      name: 'versioning',
      protects: 'What is overwritten or deleted by mistake can be brought back.',
      of: (bucket) => bucket.versioning?.enabled ?? false,
      desired: provisioning.versioning,
      patch: { versioning: { enabled: provisioning.versioning } },
    }),
    one({
      name: 'encryption',
      protects: 'Objects are encrypted by the key that was chosen.',
      of: (bucket) => bucket.encryption?.defaultKmsKeyName ?? 'a key of Google',
      desired: provisioning.gcs.kmsKey ?? 'a key of Google',
      patch: {
        encryption: provisioning.gcs.kmsKey === null ? null : { defaultKmsKeyName: provisioning.gcs.kmsKey },
      },
    }),
    one({
      name: 'cors',
      protects:
        'Pages of your origins, and of no others, read and write by signed URLs; ETag can be seen by them.',
      of: (bucket) => toJson((bucket.cors ?? []).map(sortedRule)),
      desired: toJson(gcsCors(provisioning.corsOrigins).map(sortedRule)),
      patch: { cors: gcsCors(provisioning.corsOrigins) },
    }),
    one({
      name: 'lifecycle',
      protects: 'Nothing that nobody needs is paid for for ever: given-up uploads, old versions.',
      of: (bucket) => lifecycleJson(bucket.lifecycle?.rule ?? []),
      desired: lifecycleJson(gcsLifecycle(provisioning.lifecycle)),
      patch: { lifecycle: { rule: gcsLifecycle(provisioning.lifecycle) } },
    }),
    labelsSetting(parts, calls),
    policySetting(parts, calls),
  ];
}

function bucketSetting({ bucket, provisioning }: GcsProvisioningParts, calls: BucketCalls): Setting {
  const location = provisioning.gcs.location.toUpperCase();
  return {
    name: 'bucket',
    protects: 'Files have a place, in the region that was promised to their owners.',
    mend: 'a bucket with objects in it cannot move: set provisioning.gcs.location to where it is',
    async read(signal) {
      const current = await calls.read(signal);
      return current === undefined ? undefined : { location: current.location ?? '' };
    },
    desired: async () => ({ location }),
    async apply(current, { signal, progress }) {
      if (current !== undefined) {
        if ((await calls.versions('', signal))?.length)
          throw new ProvisioningError(
            `${bucket} is in another location and holds objects, so it stays: set provisioning.gcs.location to where it is, or make a bucket of another name and move the files.`,
          );
        progress(`${bucket} is empty: it is made again in ${location}`);
        await calls.remove(signal);
      }
      await calls.create(location, signal);
    },
  };
}

/** A setting that is one field of the bucket. */
function patchedSetting(
  calls: BucketCalls,
  setting: {
    readonly name: string;
    readonly protects: string;
    readonly of: (bucket: GcsBucket) => Json;
    readonly desired: Json;
    readonly patch: object;
  },
): Setting {
  return {
    name: setting.name,
    protects: setting.protects,
    async read(signal) {
      const bucket = await calls.read(signal);
      return bucket === undefined ? undefined : setting.of(bucket);
    },
    desired: async () => setting.desired,
    apply: (_current, { signal }) => calls.patch(setting.patch, signal),
  };
}

/** Labels of ours are kept right; those of others are left alone. */
function labelsSetting({ provisioning }: GcsProvisioningParts, calls: BucketCalls): Setting {
  const wanted = labelsOf({
    ...provisioning.tags,
    application: 'stowage',
    environment: provisioning.environment,
  });
  return {
    name: 'labels',
    protects: 'Whoever sees the bucket or its bill knows what it is for.',
    async read(signal) {
      const labels = (await calls.read(signal))?.labels ?? {};
      const own = Object.entries(labels).filter(([name]) => name in wanted);
      return own.length === 0 ? undefined : Object.fromEntries(own);
    },
    desired: async () => wanted,
    apply: (_current, { signal }) => calls.patch({ labels: wanted }, signal),
  };
}

/** Labels are in lower case, without most signs. @see https://cloud.google.com/storage/docs/tags-and-labels */
function labelsOf(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const plain = (text: string): string =>
    text
      .toLowerCase()
      .replaceAll(/[^\p{Ll}\p{Lo}\p{N}_-]/gu, '-')
      .slice(0, 63);
  return Object.fromEntries(Object.entries(tags).map(([name, value]) => [plain(name), plain(value)]));
}

/** Strangers have no role, and the backend's account has the one it needs. */
function policySetting(parts: GcsProvisioningParts, calls: BucketCalls): Setting {
  const isPublic = (member: string): boolean => member === 'allUsers' || member === 'allAuthenticatedUsers';
  const memberOf = async (): Promise<string | null> => {
    const email = await emailOf(parts.credentialsPath);
    return email === null ? null : `serviceAccount:${email}`;
  };
  return {
    name: 'bucket_policy',
    protects: 'The backend has the role that it needs on this bucket, and strangers have none.',
    async read(signal) {
      const policy = await calls.readPolicy(signal);
      if (policy === undefined) return undefined;
      const member = await memberOf();
      const bindings = policy.bindings ?? [];
      return {
        strangers: bindings.flatMap(({ role, members }) => (members.some(isPublic) ? [role] : [])).toSorted(),
        backend: bindings
          .flatMap(({ role, members }) => (member !== null && members.includes(member) ? [role] : []))
          .toSorted(),
      };
    },
    desired: async () => ({ strangers: [], backend: (await memberOf()) === null ? [] : [BACKEND_ROLE] }),
    async apply(_current, { signal }) {
      const policy: GcsPolicy = (await calls.readPolicy(signal)) ?? {};
      const member = await memberOf();
      const others = (policy.bindings ?? []).flatMap(({ role, members }) => {
        const left = members.filter((each) => !isPublic(each) && each !== member);
        return left.length === 0 ? [] : [{ role, members: left }];
      });
      const own = member === null ? [] : [{ role: BACKEND_ROLE, members: [member] }];
      await calls.writePolicy({ ...policy, bindings: mergedByRole([...others, ...own]) }, signal);
    },
  };
}

function mergedByRole(bindings: NonNullable<GcsPolicy['bindings']>): NonNullable<GcsPolicy['bindings']> {
  return [...Map.groupBy(bindings, ({ role }) => role)].map(([role, all]) => ({
    role,
    members: [...new Set(all.flatMap(({ members }) => members))],
  }));
}

/** Address of the account in a key file; null when the service runs without one. */
async function emailOf(credentialsPath: string | null): Promise<string | null> {
  if (credentialsPath === null) return null;
  const file: unknown = JSON.parse(await readFile(credentialsPath, 'utf8'));
  const email =
    typeof file === 'object' && file !== null && 'client_email' in file ? file.client_email : null;
  return typeof email === 'string' ? email : null;
}

/** The CORS rules of a bucket: every header that Stowage signs must be named, no pattern stands for them. */
export function gcsCors(origins: readonly string[]): readonly GcsCorsRule[] {
  if (origins.length === 0) return [];
  return [
    {
      origin: origins,
      method: ['GET', 'HEAD', 'PUT'],
      responseHeader: [
        ...['Cache-Control', 'Content-Disposition', 'Content-Range', 'Content-Type', 'ETag'],
        ...['x-goog-content-length-range', 'x-goog-meta-content_hash', 'x-goog-meta-upload_timestamp'],
        'x-goog-meta-uploaded_by',
      ],
      maxAgeSeconds: 3600,
    },
  ];
}

function sortedRule(rule: GcsCorsRule): GcsCorsRule {
  return {
    origin: rule.origin?.toSorted() ?? [],
    method: rule.method?.toSorted() ?? [],
    responseHeader: rule.responseHeader?.toSorted() ?? [],
    maxAgeSeconds: rule.maxAgeSeconds ?? 0,
  };
}

/** The lifecycle rules of a bucket. */
export function gcsLifecycle(days: LifecycleConfig): readonly GcsLifecycleRule[] {
  const oldVersions = (type: string, after: number | null, storageClass?: string): GcsLifecycleRule[] =>
    after === null
      ? []
      : [
          {
            action: { type, ...(storageClass !== undefined && { storageClass }) },
            condition: { daysSinceNoncurrentTime: after },
          },
        ];
  return [
    { action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: days.abortMultipartDays } },
    {
      action: { type: 'Delete' },
      condition: { age: days.expireIncomingDays, matchesPrefix: ['incoming/'] },
    },
    ...oldVersions('SetStorageClass', days.oldVersionsRareDays, 'NEARLINE'),
    ...oldVersions('SetStorageClass', days.oldVersionsArchiveDays, 'ARCHIVE'),
    ...oldVersions('Delete', days.oldVersionsDeleteDays),
  ];
}

function lifecycleJson(rules: readonly GcsLifecycleRule[]): Json {
  return rules
    .map(({ action, condition }) => {
      const when = Object.entries(condition)
        .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : value}`)
        .sort();
      return `${action.type}${action.storageClass === undefined ? '' : ` ${action.storageClass}`}: ${when.join(', ')}`;
    })
    .toSorted();
}
