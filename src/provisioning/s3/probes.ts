import { createHash } from 'node:crypto';
import { isStowageError } from '../../core/errors.ts';
import { openS3Backend } from '../../storage/s3/backend.ts';
import { S3Client } from '../../storage/s3/client.ts';
import type { S3Options } from '../../storage/s3/options.ts';
import { expectRefusal, preflightFindings, statusOf } from '../outside.ts';
import { type Finding, fail, ok, type Probe, warn } from '../provider.ts';
import { questionKey, reasonOf, signedUrlFindings, withQuestion, writeFindings } from '../store-questions.ts';
import { awsOf, bucketUrl, type S3ProvisioningParts } from './parts.ts';

const PROBE_BYTES = Buffer.from('a question of stowage provision verify');

/** Questions that a stranger and the backend ask; none needs rights that the service does not have. */
export function outsideProbes(parts: S3ProvisioningParts): readonly Probe[] {
  const url = bucketUrl(parts, parts.endpoint);
  return [
    stranger('anonymous_list', (signal) =>
      expectRefusal('anonymous_list', 'lists the bucket', `${url}?list-type=2&max-keys=1`, { signal }),
    ),
    stranger('anonymous_write', (signal) =>
      expectRefusal('anonymous_write', 'writes objects', `${url}${questionKey()}`, {
        signal,
        method: 'PUT',
        body: PROBE_BYTES,
      }),
    ),
    stranger('preflight', (signal) =>
      preflightFindings(`${url}${questionKey()}`, parts.provisioning.corsOrigins, signal),
    ),
    backend('write_and_read', (signal) =>
      writeFindings({ open: () => openS3Backend(optionsOf(parts)), urlOf: (key) => `${url}${key}`, signal }),
    ),
    backend('signed_url', (signal) =>
      signedUrlFindings({ open: () => openS3Backend(optionsOf(parts)), clock: parts.clock, signal }),
    ),
    backend('plain_http', (signal) => plainHttp(parts, signal)),
    backend('unencrypted_put', (signal) => unencryptedPut(parts, signal)),
    backend('confined', (signal) => confined(parts, signal)),
    ...(parts.cdnUrl === null
      ? []
      : [backend('cdn', (signal) => throughCdn(parts, `${parts.cdnUrl}/`, signal))]),
  ];
}

function stranger(check: string, ask: Probe['ask']): Probe {
  return { check, asker: 'stranger', ask };
}

function backend(check: string, ask: Probe['ask']): Probe {
  return { check, asker: 'backend', ask };
}

function optionsOf(parts: S3ProvisioningParts, changes: Partial<S3Options> = {}): S3Options {
  const { bucket, region, endpoint, forcePathStyle, sse, kmsKeyId, clock, log } = parts;
  const publicEndpoint = null;
  return {
    ...{ bucket, region, endpoint, publicEndpoint, forcePathStyle, sse, kmsKeyId, clock, log },
    credentials: parts.backend,
    signedWrite: 'put',
    ...changes,
  };
}

async function plainHttp(parts: S3ProvisioningParts, signal: AbortSignal): Promise<readonly Finding[]> {
  if (!parts.isSecure)
    return [
      warn(
        'plain_http',
        'The store is reached without TLS: everybody on the way reads along.',
        'Set S3_ENDPOINT to https.',
      ),
    ];
  if (parts.plainEndpoint === null) return [ok('plain_http', 'The store has no address without TLS.')];
  const client = new S3Client(optionsOf(parts, { endpoint: parts.plainEndpoint }));
  try {
    const answer = await client.callOnce({ method: 'GET', key: null, query: ONE_KEY, signal });
    await answer.body.dump();
    return [
      fail(
        'plain_http',
        'The bucket answers requests without TLS.',
        'stowage provision apply (setting bucket_policy).',
      ),
    ];
  } catch (error) {
    if (isStowageError(error, 'storage_denied'))
      return [ok('plain_http', 'Requests without TLS are refused.')];
    return [ok('plain_http', `Requests without TLS get no answer (${reasonOf(error)}).`)];
  } finally {
    await client.close();
  }
}

const ONE_KEY = { 'list-type': '2', 'max-keys': '1' } as const;

async function unencryptedPut(parts: S3ProvisioningParts, signal: AbortSignal): Promise<readonly Finding[]> {
  const client = new S3Client(optionsOf(parts));
  const key = questionKey();
  try {
    const body = [PROBE_BYTES];
    const answer = await client.callOnce({
      ...{
        method: 'PUT',
        key,
        body,
        payloadHash: createHash('sha256').update(PROBE_BYTES).digest('hex'),
        signal,
      },
      headers: { 'content-type': 'text/plain' },
    });
    await answer.body.dump();
    await client.call({ method: 'DELETE', key }).then((gone) => gone.body.dump());
    const detail = 'A put that asks for no encryption is accepted.';
    return [
      awsOf(parts).store === 'aws'
        ? fail('unencrypted_put', detail, 'stowage provision apply (setting bucket_policy).')
        : warn(
            'unencrypted_put',
            detail,
            'This store may not know the condition; Stowage asks on every write.',
          ),
    ];
  } catch (error) {
    if (isStowageError(error, 'storage_denied'))
      return [ok('unencrypted_put', 'Puts without encryption are refused.')];
    throw error;
  } finally {
    await client.close();
  }
}

/** Asks the CDN for a private object that exists, without a signature, and without TLS. */
async function throughCdn(
  parts: S3ProvisioningParts,
  cdnUrl: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  return withQuestion({ open: () => openS3Backend(optionsOf(parts)), signal }, async (_store, key) => {
    const url = cdnUrl + key;
    const unsigned = await expectRefusal('cdn_unsigned', 'reads private files at the CDN', url, { signal });
    if (!url.startsWith('https:'))
      return [...unsigned, warn('cdn_plain_http', 'CDN_URL is not https.', 'Set it to the https address.')];
    const plain = await statusOf(`http:${url.slice('https:'.length)}`, { signal });
    return [
      ...unsigned,
      plain >= 300
        ? ok('cdn_plain_http', `The CDN serves nothing without TLS (${plain}).`)
        : fail('cdn_plain_http', `The CDN answers without TLS (${plain}).`, 'stowage provision apply.'),
    ];
  });
}

/** What the backend must not be able to do: read its own bucket's policy, and look into another bucket. */
async function confined(parts: S3ProvisioningParts, signal: AbortSignal): Promise<readonly Finding[]> {
  if (!parts.backendIsOther)
    return [
      warn(
        'confined',
        'The backend’s keys are those of the operator, so its limits were not tried.',
        'Give the service keys of its own; "stowage doctor" where it runs asks again.',
      ),
    ];
  const other = awsOf(parts).logBucket ?? `${parts.bucket}-not-yours`;
  const questions = [
    ['reads the policy of the bucket', optionsOf(parts), { policy: '' }],
    ['reads the log bucket', optionsOf(parts, { bucket: other }), ONE_KEY],
  ] as const;
  const leaks: string[] = [];
  for (const [what, options, query] of questions) {
    const client = new S3Client(options);
    try {
      const answer = await client.callOnce({ method: 'GET', key: null, query, signal });
      await answer.body.dump();
      leaks.push(what);
    } catch (error) {
      if (!isStowageError(error, 'storage_denied') && !isStowageError(error, 'object_not_found')) throw error;
      // A policy that is missing was looked for: whoever may not look is told AccessDenied.
      if (what.startsWith('reads the policy') && reasonOf(error).includes('NoSuchBucketPolicy'))
        leaks.push(what);
    } finally {
      await client.close();
    }
  }
  return [
    leaks.length === 0
      ? ok('confined', 'The backend reaches nothing but its objects.')
      : // The keys of a store that only speaks the protocol often own their bucket, and nothing can be taken from them.
        (awsOf(parts).store === 'aws' ? fail : warn)(
          'confined',
          `The backend ${leaks.join(' and ')}.`,
          'Give the service an identity with the policy of "stowage provision export" and no other.',
        ),
  ];
}
