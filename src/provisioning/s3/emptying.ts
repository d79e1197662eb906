import { type ApplyContext, type Contents, ProvisioningError, QUESTION_PREFIX } from '../provider.ts';
import { orMissing, type S3Calls } from './calls.ts';

/** Objects that are counted before it is said that there are more. */
const COUNT_MAX = 1000;

/** Counts objects and versions, without the empty markers of folders and what questions left behind. */
export async function countObjects({ client, sdk }: S3Calls, Bucket: string): Promise<Contents> {
  const answer = await orMissing(
    client.send(new sdk.ListObjectVersionsCommand({ Bucket, MaxKeys: COUNT_MAX })),
  );
  if (answer === undefined) return { exists: false, objects: 0, hasMore: false };
  const versions = [...(answer.Versions ?? []), ...(answer.DeleteMarkers ?? [])].filter(
    (each) => !isOwn(each),
  );
  return {
    exists: true,
    objects: versions.length,
    hasMore: answer.IsTruncated === true,
  };
}

/** A marker of a folder, or what a question left behind. */
function isOwn({ Key = '', Size }: { Key?: string | undefined; Size?: number }): boolean {
  return (Key.endsWith('/') && Size === 0) || Key.startsWith(QUESTION_PREFIX);
}

/**
 * Deletes every version of every object and gives up every upload in parts; then the bucket itself.
 *
 * @param options.prefix only what lies below it goes, and the bucket only when nothing else is in it.
 * @returns whether the bucket was removed.
 * @throws ProvisioningError without `force` when there is an object of somebody: one may have come since they were counted.
 */
export async function removeBucket(
  { client, sdk }: S3Calls,
  Bucket: string,
  {
    force,
    prefix: Prefix = '',
    signal,
    progress,
  }: { readonly force: boolean; readonly prefix?: string } & ApplyContext,
): Promise<boolean> {
  let removed = 0;
  for (;;) {
    signal.throwIfAborted();
    const page = await orMissing(
      client.send(new sdk.ListObjectVersionsCommand({ Bucket, Prefix, MaxKeys: 1000 })),
    );
    if (page === undefined) return false;
    const found = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
    if (!force && !found.every(isOwn))
      throw new ProvisioningError(`${Bucket} is not empty any more. It stays, with all objects in it.`);
    const Objects = found.map(({ Key, VersionId }) => ({
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
  if (Prefix !== '') {
    const rest = await client.send(new sdk.ListObjectVersionsCommand({ Bucket, MaxKeys: 1 }));
    if (rest.Versions?.length || rest.DeleteMarkers?.length) return false;
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
