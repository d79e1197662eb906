import { randomUUID } from 'node:crypto';
import { fail, ok, type Probe, QUESTION_PREFIX, warn } from '../provider.ts';
import type { S3Calls } from './calls.ts';
import type { S3ProvisioningParts } from './parts.ts';

/** Overwrites and deletes an object of its own, and brings the first version back. */
export function restoreProbe({ client, sdk }: S3Calls, parts: S3ProvisioningParts): Probe {
  const { bucket: Bucket, sse: ServerSideEncryption, kmsKeyId } = parts;
  return {
    check: 'old_version',
    asker: 'operator',
    async ask(signal) {
      const Key = `${QUESTION_PREFIX}${randomUUID()}`;
      const put = async (Body: string): Promise<string | undefined> => {
        const encryption = { ServerSideEncryption, ...(kmsKeyId !== null && { SSEKMSKeyId: kmsKeyId }) };
        const answer = await client.send(new sdk.PutObjectCommand({ Bucket, Key, Body, ...encryption }), {
          abortSignal: signal,
        });
        return answer.VersionId;
      };
      try {
        const VersionId = await put('first');
        await put('second');
        await client.send(new sdk.DeleteObjectCommand({ Bucket, Key }), { abortSignal: signal });
        if (VersionId === undefined)
          return [
            fail(
              'old_version',
              'The store keeps no old versions.',
              'stowage provision apply (setting versioning).',
            ),
          ];
        const answer = await client.send(new sdk.GetObjectCommand({ Bucket, Key, VersionId }), {
          abortSignal: signal,
        });
        return (await answer.Body?.transformToString()) === 'first'
          ? [ok('old_version', 'What was overwritten and deleted can be read and restored.')]
          : [fail('old_version', 'The old version holds other bytes.', 'Ask whoever runs the store.')];
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'AccessDenied') throw error;
        return [
          warn(
            'old_version',
            'The operator may not touch objects, so none was restored.',
            'If that is not wanted, add the operator to provisioning.aws.allowedPrincipals.',
          ),
        ];
      } finally {
        await removeVersions({ client, sdk }, Bucket).catch(() => undefined);
      }
    },
  };
}

/** Also those that the backend's questions left: it may delete objects, not their old versions. */
async function removeVersions({ client, sdk }: S3Calls, Bucket: string): Promise<void> {
  const page = await client.send(new sdk.ListObjectVersionsCommand({ Bucket, Prefix: QUESTION_PREFIX }));
  for (const { Key, VersionId } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]) {
    await client.send(
      new sdk.DeleteObjectCommand({ Bucket, Key, ...(VersionId !== undefined && { VersionId }) }),
    );
  }
}
