import { type Exchange, onlyParameters, Refusal, refusals, sendEmpty, sendJson } from './answers.ts';
import { type BucketState, emptyBucket } from './store.ts';

/** Fields that a writer may set, with what may be in them: an object's fields, or `value` for all that is JSON. */
type Shape = 'value' | { readonly [name: string]: Shape };

/** @see https://cloud.google.com/storage/docs/json_api/v1/buckets */
const WRITABLE: Shape = {
  name: 'value',
  location: 'value',
  storageClass: 'value',
  labels: 'value',
  iamConfiguration: { uniformBucketLevelAccess: { enabled: 'value' }, publicAccessPrevention: 'value' },
  versioning: { enabled: 'value' },
  lifecycle: { rule: 'value' },
  encryption: { defaultKmsKeyName: 'value' },
  softDeletePolicy: { retentionDurationSeconds: 'value' },
  cors: 'value',
};
const ACTIONS = ['Delete', 'SetStorageClass', 'AbortIncompleteMultipartUpload'];
const CONDITIONS = [
  ...[
    'age',
    'createdBefore',
    'isLive',
    'numNewerVersions',
    'matchesPrefix',
    'matchesSuffix',
    'matchesStorageClass',
  ],
  ...['daysSinceNoncurrentTime', 'noncurrentTimeBefore', 'customTimeBefore', 'daysSinceCustomTime'],
];

/** `POST /storage/v1/b`: makes a bucket. */
export function createBucket(exchange: Exchange, buckets: Map<string, BucketState>, now: () => number): void {
  if (exchange.method !== 'POST') throw refusals.notAllowed();
  const query = onlyParameters(exchange, 'project');
  if ((query.get('project') ?? '') === '') throw refusals.invalid('Required parameter: project');
  const resource = readResource(exchange);
  const { name } = resource;
  if (typeof name !== 'string' || !/^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$/.test(name))
    throw refusals.invalid(`Invalid bucket name: '${name}'`);
  if (buckets.has(name))
    throw new Refusal(
      409,
      'conflict',
      'BucketAlreadyExists',
      'Your previous request to create it succeeded.',
    );
  const bucket = emptyBucket(name, now);
  bucket.settings = merged(bucket.settings, resource);
  buckets.set(name, bucket);
  sendJson(exchange.response, describe(bucket));
}

/** `/storage/v1/b/{bucket}`, and its policy below `/iam`. */
export function answerBucket(
  exchange: Exchange,
  bucket: BucketState,
  rest: string,
  buckets: Map<string, BucketState>,
): void {
  if (rest === '/iam') {
    answerPolicy(exchange, bucket);
    return;
  }
  onlyParameters(exchange, 'projection', 'ifMetagenerationMatch');
  if (exchange.method === 'PATCH') {
    bucket.settings = merged(bucket.settings, readResource(exchange));
    bucket.metageneration += 1;
  } else if (exchange.method === 'DELETE') {
    if (bucket.objects.size + bucket.archive.length > 0)
      throw new Refusal(409, 'conflict', 'BucketNotEmpty', 'The bucket you tried to delete is not empty.');
    buckets.delete(bucket.name);
    sendEmpty(exchange.response, 204);
    return;
  } else if (exchange.method !== 'GET') throw refusals.notAllowed();
  sendJson(exchange.response, describe(bucket));
}

function answerPolicy(exchange: Exchange, bucket: BucketState): void {
  onlyParameters(exchange, 'optionsRequestedPolicyVersion');
  if (exchange.method === 'PUT') {
    const policy = JSON.parse(exchange.body.toString()) as BucketState['policy'];
    const members = policy.bindings.flatMap(({ members: inside }) => inside);
    if (members.some((member) => !/^(allUsers|allAuthenticatedUsers|\w+:.+)$/.test(member)))
      throw refusals.invalid('Invalid principal.');
    const isPrevented = bucket.settings.iamConfiguration?.publicAccessPrevention === 'enforced';
    if (isPrevented && members.some((member) => /^all/.test(member)))
      throw new Refusal(
        412,
        'conditionNotMet',
        'PreconditionFailed',
        'Public access prevention is enforced.',
      );
    if (policy.etag !== undefined && policy.etag !== bucket.policy.etag) throw refusals.conditionNotMet();
    bucket.policy = { ...policy, etag: String(Number(bucket.policy.etag ?? '0') + 1) };
  } else if (exchange.method !== 'GET') throw refusals.notAllowed();
  sendJson(exchange.response, { kind: 'storage#policy', version: 1, ...bucket.policy });
}

/** Answers a preflight as the store does: without the headers where no rule fits. */
export function answerPreflight(exchange: Exchange, bucket: BucketState): void {
  const origin = String(exchange.request.headers.origin ?? '');
  const method = String(exchange.request.headers['access-control-request-method'] ?? '');
  const rule = (bucket.settings.cors ?? []).find(
    (each) =>
      (each.origin?.includes(origin) || each.origin?.includes('*')) &&
      (each.method?.includes(method) || each.method?.includes('*')),
  );
  sendEmpty(
    exchange.response,
    200,
    rule === undefined
      ? {}
      : {
          'access-control-allow-origin': rule.origin?.includes('*') ? '*' : origin,
          'access-control-allow-methods': (rule.method ?? []).join(','),
          'access-control-allow-headers': (rule.responseHeader ?? []).join(','),
        },
  );
}

function describe(bucket: BucketState): object {
  return {
    kind: 'storage#bucket',
    id: bucket.name,
    name: bucket.name,
    metageneration: String(bucket.metageneration),
    ...bucket.settings,
  };
}

function readResource(exchange: Exchange): Record<string, unknown> {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(exchange.body.toString());
  } catch {
    throw refusals.invalid('Parse Error');
  }
  requireShape(value, WRITABLE, '');
  for (const { action, condition } of (value.lifecycle as BucketState['settings']['lifecycle'])?.rule ?? []) {
    if (!ACTIONS.includes(action.type)) throw refusals.invalid(`Unknown action ${action.type}.`);
    const unknown = Object.keys(condition).find((name) => !CONDITIONS.includes(name));
    if (unknown !== undefined) throw refusals.invalid(`Unknown condition ${unknown}.`);
  }
  return value;
}

function requireShape(value: unknown, shape: Shape, path: string): void {
  if (shape === 'value' || value === null) return;
  for (const [name, inside] of Object.entries(value ?? {})) {
    const known = shape[name];
    if (known === undefined) throw refusals.invalid(`Unknown name "${path}${name}".`);
    requireShape(inside, known, `${path}${name}.`);
  }
}

/** Objects are merged, null takes a field away, everything else replaces (RFC 7396). */
function merged<Target extends object>(target: Target, patch: Record<string, unknown>): Target {
  const result = { ...target } as Record<string, unknown>;
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else if (typeof value === 'object' && !Array.isArray(value))
      result[name] = merged((result[name] ?? {}) as object, value as Record<string, unknown>);
    else result[name] = name === 'location' ? String(value).toUpperCase() : value;
  }
  return result as Target;
}
