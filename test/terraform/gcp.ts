import type { Json } from '../../src/provisioning/json.ts';
import { all, type Block, type Evaluated, only } from './evaluate.ts';

/** What the module for Google makes, setting by setting, in the shape of `stowage provision plan`. */
export function settingsOfGcp({ resources }: Evaluated): Readonly<Record<string, Json>> {
  const bucket = only(resources.get('google_storage_bucket.files') as never);
  const [encryption] = all(bucket.encryption);
  const members = resources.get('google_storage_bucket_iam_member.backend') ?? [];
  return {
    bucket: { location: bucket.location as Json },
    uniform_access: bucket.uniform_bucket_level_access as Json,
    public_access_prevention: bucket.public_access_prevention as Json,
    versioning: only(bucket.versioning).enabled as Json,
    encryption: (encryption?.default_kms_key_name as Json | undefined) ?? 'a key of Google',
    cors: all(bucket.cors).map(cors),
    lifecycle: all(bucket.lifecycle_rule).map(rule).sort(),
    labels: bucket.labels as Json,
    bucket_policy: { strangers: [], backend: members.map(({ role }) => role as Json) },
  };
}

function cors(block: Block): Json {
  const sorted = (name: string) => [...(block[name] as string[])].sort();
  return {
    origin: sorted('origin'),
    method: sorted('method'),
    responseHeader: sorted('response_header'),
    maxAgeSeconds: block.max_age_seconds as Json,
  };
}

const CONDITIONS: Readonly<Record<string, string>> = {
  age: 'age',
  matches_prefix: 'matchesPrefix',
  days_since_noncurrent_time: 'daysSinceNoncurrentTime',
};

/** A rule as `plan` writes it. */
function rule(block: Block): string {
  const { type, storage_class: storageClass } = only(block.action);
  const when = Object.entries(only(block.condition))
    .map(([name, value]) => `${CONDITIONS[name] ?? name} ${Array.isArray(value) ? value.join(' ') : value}`)
    .sort();
  return `${type}${storageClass === undefined ? '' : ` ${storageClass}`}: ${when.join(', ')}`;
}
