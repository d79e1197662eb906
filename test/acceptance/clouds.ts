/** The stores that these tests can run on besides local disk: `STORAGE_BACKEND=s3 npm test -- test/acceptance`. */
export const CLOUDS = ['s3', 'azure', 'gcs'] as const;

/** Where the services of a run keep their files. */
export type BackendName = (typeof CLOUDS)[number] | 'local';

/** What `npm test` runs on every cloud: uploads, downloads, signed URLs, deletes, direct uploads by the hostile table. */
export const CLOUD_CORE: readonly string[] = ['uploads', 'delivery', 'list', 'direct-uploads'];

/** Files that say nothing about clouds, and why. */
export const LOCAL_ONLY: Readonly<Record<string, string>> = {
  outages: 'moves the directory of the files away; cloud-outages does the same to the clouds',
  'cloud-outages': 'starts a store of each cloud itself',
  's3-user': 'starts an S3 itself',
  settings: 'settings, exit codes and the first start, before any file is stored',
};

/** The backend of this run. */
export function backendOfRun(): BackendName {
  const named = process.env.STORAGE_BACKEND ?? 'local';
  const known = ['local', ...CLOUDS] as const;
  const backend = known.find((each) => each === named);
  if (backend === undefined) throw new Error(`STORAGE_BACKEND is ${named}, none of ${known.join(', ')}.`);
  return backend;
}

/**
 * For tests of what only the files that Stowage itself serves can do. On a cloud a signed URL leads to the store.
 *
 * @param reason what the clouds do instead.
 */
export function onlyOnLocalDisk(reason: string): { readonly skip: string | false } {
  return { skip: backendOfRun() === 'local' ? false : reason };
}
