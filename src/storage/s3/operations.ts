/** One kind of request that the backend makes or signs, and what it needs to be allowed. */
export interface S3Operation {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly on: 'bucket' | 'object';
  /** Names in the query that tell it from others of the same method. */
  readonly marks: readonly string[];
  /** Whether it names a source to copy from. */
  readonly copies?: true;
  /** Actions of IAM, of the bucket or of its objects. */
  readonly actions: readonly string[];
}

/**
 * Every request that the backend makes or lets others make by a signed URL: the identity's policy is made of this table
 * (`stowage provision`), and a test compares it with the requests that a store saw while the laws ran.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
export const S3_OPERATIONS: Readonly<Record<string, S3Operation>> = {
  HeadBucket: { method: 'HEAD', on: 'bucket', marks: [], actions: ['s3:ListBucket'] },
  ListObjectsV2: { method: 'GET', on: 'bucket', marks: ['list-type'], actions: ['s3:ListBucket'] },
  DeleteObjects: { method: 'POST', on: 'bucket', marks: ['delete'], actions: ['s3:DeleteObject'] },
  PostObject: { method: 'POST', on: 'bucket', marks: [], actions: ['s3:PutObject'] },
  HeadObject: { method: 'HEAD', on: 'object', marks: [], actions: ['s3:GetObject'] },
  GetObject: { method: 'GET', on: 'object', marks: [], actions: ['s3:GetObject'] },
  PutObject: { method: 'PUT', on: 'object', marks: [], actions: ['s3:PutObject'] },
  CopyObject: {
    method: 'PUT',
    on: 'object',
    marks: [],
    copies: true,
    actions: ['s3:GetObject', 's3:PutObject'],
  },
  DeleteObject: { method: 'DELETE', on: 'object', marks: [], actions: ['s3:DeleteObject'] },
  CreateMultipartUpload: { method: 'POST', on: 'object', marks: ['uploads'], actions: ['s3:PutObject'] },
  UploadPart: { method: 'PUT', on: 'object', marks: ['partNumber', 'uploadId'], actions: ['s3:PutObject'] },
  UploadPartCopy: {
    method: 'PUT',
    on: 'object',
    marks: ['partNumber', 'uploadId'],
    copies: true,
    actions: ['s3:GetObject', 's3:PutObject'],
  },
  ListParts: {
    method: 'GET',
    on: 'object',
    marks: ['uploadId'],
    actions: ['s3:ListMultipartUploadParts'],
  },
  CompleteMultipartUpload: {
    method: 'POST',
    on: 'object',
    marks: ['uploadId'],
    actions: ['s3:PutObject'],
  },
  AbortMultipartUpload: {
    method: 'DELETE',
    on: 'object',
    marks: ['uploadId'],
    actions: ['s3:AbortMultipartUpload'],
  },
};

/** A request as a store sees it. */
export interface SeenRequest {
  readonly method: string;
  /** Whether the path names an object, not only the bucket. */
  readonly hasKey: boolean;
  readonly queryNames: readonly string[];
  readonly hasCopySource: boolean;
}

const MARKS: ReadonlySet<string> = new Set(Object.values(S3_OPERATIONS).flatMap(({ marks }) => marks));

/** Name of the operation that a request is; undefined for one that is not in the table. */
export function operationOf(seen: SeenRequest): string | undefined {
  // A parameter without a place in the table may be another call altogether, such as `?policy`.
  const marks = seen.queryNames.filter((name) => MARKS.has(name)).sort();
  const isKnown = seen.queryNames.every((name) => MARKS.has(name) || PLAIN_PARAMETERS.test(name));
  if (!isKnown) return undefined;
  const found = Object.entries(S3_OPERATIONS).find(
    ([, each]) =>
      each.method === seen.method &&
      (each.on === 'object') === seen.hasKey &&
      (each.copies === true) === seen.hasCopySource &&
      each.marks.toSorted().join() === marks.join(),
  );
  return found?.[0];
}

/** Parameters that don't change which call it is. */
const PLAIN_PARAMETERS =
  /^(x-amz-.*|response-[a-z-]+|prefix|max-keys|encoding-type|start-after|continuation-token|part-number-marker|x-id)$/i;

/** All actions that the backend needs, sorted, by what they are granted on. */
export function neededActions(): { readonly bucket: readonly string[]; readonly objects: readonly string[] } {
  const all = new Set(Object.values(S3_OPERATIONS).flatMap(({ actions }) => actions));
  const isOfBucket = (action: string): boolean => action === 's3:ListBucket';
  return {
    bucket: [...all].filter(isOfBucket).sort(),
    objects: [...all].filter((action) => !isOfBucket(action)).sort(),
  };
}
