import { type Exchange, Refusal, refusals } from './answers.ts';
import type { BucketState, Denial } from './store.ts';

/**
 * Reads a bucket policy. This server knows one kind of statement: whoever stores an object is refused when a header is
 * missing (`Null`) or has another value (`StringNotEquals`). Everything else it refuses to take.
 */
export function readPolicy(text: string, bucket: string): readonly Denial[] {
  let policy: Record<string, unknown>;
  try {
    policy = JSON.parse(text);
  } catch {
    throw malformed('is no JSON');
  }
  if (policy.Version !== '2012-10-17') throw malformed('has another Version');
  return listOf(policy.Statement).flatMap((statement) => {
    const { Effect, Principal, Action, Resource, Condition } = statement as Record<string, unknown>;
    const isForAll = Principal === '*' || (Principal as Record<string, unknown> | undefined)?.AWS === '*';
    const names = listOf(Action);
    if (Effect !== 'Deny' || !isForAll || names.length !== 1 || names[0] !== 's3:PutObject')
      throw malformed('has a statement that this server does not know');
    if (listOf(Resource).some((each) => each !== `arn:aws:s3:::${bucket}/*`))
      throw malformed('is for another bucket');
    return Object.entries(Condition ?? {}).flatMap(([operator, tests]) => {
      if (operator !== 'Null' && operator !== 'StringNotEquals') throw malformed(`has ${operator}`);
      return Object.entries(tests as object).map(([name, value]): Denial => {
        if (!name.startsWith('s3:x-amz-server-side-encryption')) throw malformed(`asks for ${name}`);
        return { operator, headerName: name.slice('s3:'.length).toLowerCase(), value: String(value) };
      });
    });
  });
}

/** @throws Refusal when the bucket's policy forbids to store with these headers. */
export function obeyPolicy(bucket: BucketState, headerNamed: (name: string) => string | undefined): void {
  for (const { operator, headerName, value } of bucket.policy?.denials ?? []) {
    const given = headerNamed(headerName);
    // A condition on another value holds also when there is none.
    const holds = operator === 'Null' ? (given === undefined) === (value === 'true') : given !== value;
    if (holds) throw refusals.denied();
  }
}

/** Headers that a write may carry besides those that describe the object. */
const WRITE_HEADERS = new Set([
  ...['x-amz-date', 'x-amz-content-sha256', 'x-amz-security-token', 'x-amz-user-agent'],
  ...['x-amz-checksum-sha256', 'x-amz-checksum-crc32', 'x-amz-sdk-checksum-algorithm', 'x-amz-checksum-mode'],
  ...['x-amz-server-side-encryption', 'x-amz-server-side-encryption-aws-kms-key-id'],
  ...['x-amz-copy-source', 'x-amz-copy-source-range', 'x-amz-metadata-directive'],
  ...['x-amz-copy-source-if-match', 'x-amz-copy-source-if-none-match', 'x-amz-checksum-algorithm'],
  ...['x-amz-checksum-type', 'x-amz-expected-bucket-owner'],
]);

/** Refuses headers that this server does not know: a misspelt one must not be silence. */
export function onlyKnownHeaders({ request }: Pick<Exchange, 'request'>): void {
  for (const name of Object.keys(request.headers)) {
    // As buckets do whose owner has switched ACLs off, which is how they come today.
    if (name === 'x-amz-acl' || name.startsWith('x-amz-grant-'))
      throw new Refusal(400, 'AccessControlListNotSupported', 'The bucket does not allow ACLs');
    if (name.startsWith('x-amz-') && !name.startsWith('x-amz-meta-') && !WRITE_HEADERS.has(name))
      throw refusals.notImplemented(`This server does not know ${name}.`);
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function malformed(what: string): Refusal {
  return new Refusal(400, 'MalformedPolicy', `The policy ${what}.`);
}
