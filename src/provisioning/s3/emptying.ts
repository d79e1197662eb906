import { type ApplyContext, type Contents, QUESTION_PREFIX } from '../provider.ts';
import { orMissing, type S3Calls } from './calls.ts';

/** Objects that are counted before it is said that there are more. */
const COUNT_MAX = 1000;

/** Counts objects and versions, without the empty markers of folders and what questions left behind. */
export async function countObjects({ client, sdk }: S3Calls, Bucket: string): Promise<Contents> {
  const answer = await orMissing(
    client.send(new sdk.ListObjectVersionsCommand({ Bucket, MaxKeys: COUNT_MAX })),
  );
  if (answer === undefined) return { exists: false, objects: 0, hasMore: false };
  const isOwn = ({ Key = '', Size }: { Key?: string | undefined; Size?: number }): boolean =>
    (Key.endsWith('/') && Size === 0) || Key.startsWith(QUESTION_PREFIX);
  const versions = [...(answer.Versions ?? []), ...(answer.DeleteMarkers ?? [])].filter(
    (each) => !isOwn(each),
  );
  return {
    exists: true,
    objects: versions.length,
    hasMore: answer.IsTruncated === true,
  };
}

/** Deletes every version of every object and gives up every upload in parts; then the bucket itself. */
export async function removeBucket(
  { client, sdk }: S3Calls,
  Bucket: string,
  { signal, progress }: ApplyContext,
): Promise<boolean> {
  let removed = 0;
  for (;;) {
    signal.throwIfAborted();
    const page = await orMissing(client.send(new sdk.ListObjectVersionsCommand({ Bucket, MaxKeys: 1000 })));
    if (page === undefined) return false;
    const Objects = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map(({ Key, VersionId }) => ({
      Key: Key ?? '',
      ...(VersionId !== undefined && { VersionId }),
    }));
    if (Objects.length === 0) break;
    const answer = await client.send(
      new sdk.DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true }, ChecksumAlgorithm: 'CRC32' }),
    );
    const [failure] = answer.Errors ?? [];
    if (failure !== undefined)
      throw new Error(`${failure.Key} could not be deleted (${failure.Code}): ${failure.Message}`);
    removed += Objects.length;
    progress(`${removed} objects and versions of ${Bucket} removed`);
  }
  for (;;) {
    const uploads = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket }));
    if (!uploads.Uploads?.length) break;
    for (const { Key, UploadId } of uploads.Uploads) {
      signal.throwIfAborted();
      await client.send(new sdk.AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
  }
  await orMissing(client.send(new sdk.DeleteBucketCommand({ Bucket })));
  return true;
}
