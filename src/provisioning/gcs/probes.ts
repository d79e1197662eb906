import { randomUUID } from 'node:crypto';
import { streamOf } from '../../core/bytes.ts';
import { isStowageError } from '../../core/errors.ts';
import { parseObjectKey } from '../../core/key.ts';
import { openGcsBackend } from '../../storage/gcs/backend.ts';
import { GcsClient } from '../../storage/gcs/client.ts';
import { GOOGLE_ENDPOINT } from '../../storage/gcs/options.ts';
import { expectRefusal, preflightFindings } from '../outside.ts';
import { type Finding, fail, ok, type Probe, QUESTION_PREFIX, warn } from '../provider.ts';
import { signedUrlFindings, writeFindings } from '../store-questions.ts';
import type { BucketCalls } from './calls.ts';
import type { GcsProvisioningParts } from './parts.ts';

/** Questions that a stranger, the backend and the operator ask. */
export function gcsProbes(parts: GcsProvisioningParts, calls: BucketCalls): readonly Probe[] {
  const origin = new URL(parts.endpoint ?? GOOGLE_ENDPOINT).origin;
  const url = `${origin}/${encodeURIComponent(parts.bucket)}/`;
  const list = `${origin}/storage/v1/b/${encodeURIComponent(parts.bucket)}/o?maxResults=1`;
  return [
    {
      check: 'anonymous_list',
      asker: 'stranger',
      ask: (signal) => expectRefusal('anonymous_list', 'lists the bucket', list, { signal }),
    },
    {
      check: 'anonymous_write',
      asker: 'stranger',
      ask: (signal) =>
        expectRefusal('anonymous_write', 'writes objects', `${url}${QUESTION_PREFIX}${randomUUID()}`, {
          ...{ signal, method: 'PUT', body: Buffer.from('a question') },
        }),
    },
    {
      check: 'preflight',
      asker: 'stranger',
      ask: (signal) => preflightFindings(`${url}${QUESTION_PREFIX}x`, parts.provisioning.corsOrigins, signal),
    },
    {
      check: 'write_and_read',
      asker: 'backend',
      ask: (signal) =>
        writeFindings({ open: () => openGcsBackend(parts), urlOf: (key) => `${url}${key}`, signal }),
    },
    {
      check: 'signed_url',
      asker: 'backend',
      ask: (signal) => signedUrlFindings({ open: () => openGcsBackend(parts), clock: parts.clock, signal }),
    },
    { check: 'confined', asker: 'backend', ask: (signal) => confined(parts, signal) },
    ...(parts.provisioning.versioning ? [restore(parts, calls)] : []),
  ];
}

/** The backend stores objects; the bucket's own settings and rights are none of its business. */
async function confined(parts: GcsProvisioningParts, signal: AbortSignal): Promise<readonly Finding[]> {
  if (!parts.backendIsOther)
    return [
      warn(
        'confined',
        'The backend’s credentials are those of the operator, so its limits were not tried.',
        'Give the service an account of its own; "stowage doctor" where it runs asks again.',
      ),
    ];
  const client = new GcsClient(parts);
  try {
    const path = `/storage/v1/b/${encodeURIComponent(parts.bucket)}/iam`;
    await client.callForText({ method: 'GET', path, signal });
    return [
      fail(
        'confined',
        'The backend may read who has rights on the bucket.',
        'Take all roles but roles/storage.objectUser from its account.',
      ),
    ];
  } catch (error) {
    if (isStowageError(error, 'storage_denied'))
      return [ok('confined', 'The backend reaches nothing but its objects.')];
    throw error;
  } finally {
    await client.close();
  }
}

/** Overwrites and deletes an object of its own, and reads the first version again. */
function restore(parts: GcsProvisioningParts, calls: BucketCalls): Probe {
  return {
    check: 'old_version',
    asker: 'operator',
    async ask(signal) {
      const store = openGcsBackend({ ...parts, credentialsPath: parts.operatorCredentialsPath });
      const key = parseObjectKey(`${QUESTION_PREFIX}${randomUUID()}`);
      try {
        for (const text of ['first', 'second'])
          await store.put(key, streamOf(Buffer.from(text)), {
            ...{ mode: 'replace', contentType: 'text/plain', cacheControl: '', metadata: {} },
            sizeBytes: text.length,
            signal,
          });
        await store.delete(key, { signal });
        const [first] = ((await calls.versions(key, signal)) ?? []).toSorted(
          (left, right) => Number(left.generation) - Number(right.generation),
        );
        if (first === undefined)
          return [
            fail(
              'old_version',
              'The store keeps no old versions.',
              'stowage provision apply (setting versioning).',
            ),
          ];
        return (await calls.readVersion(first, signal)) === 'first'
          ? [ok('old_version', 'What was overwritten and deleted can be read and restored.')]
          : [fail('old_version', 'The old version holds other bytes.', 'Ask whoever runs the store.')];
      } finally {
        await store.close();
        // Also what the backend's questions left: it may not delete old versions by itself.
        for (const version of (await calls.versions(QUESTION_PREFIX, signal)) ?? [])
          await calls.removeVersion(version, signal);
      }
    },
  };
}
