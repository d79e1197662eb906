import { createHash } from 'node:crypto';
import { refusals } from './answers.ts';

/** An object, described as the JSON API does. */
export interface StoredObject {
  readonly bytes: Buffer;
  readonly resource: Readonly<Record<string, unknown>> & {
    readonly name: string;
    readonly size: string;
    readonly generation: string;
    readonly metageneration: string;
    readonly updated: string;
    readonly contentType: string;
    readonly cacheControl?: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly md5Hash?: string;
  };
}

/** What a writer says about an object. */
export interface Description {
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly md5Hash?: string;
}

/** A resumable session, not yet an object. */
export interface Session {
  readonly name: string;
  readonly description: Description;
  readonly mustBeAbsent: boolean;
  stored: Buffer[];
  storedBytes: number;
  finished: StoredObject | null;
}

/** An XML multi-part upload. */
export interface Multipart {
  readonly name: string;
  readonly description: Description;
  readonly parts: Map<number, { readonly bytes: Buffer; readonly etag: string }>;
}

/** What can be set on a bucket, in the words of the JSON API. */
export interface BucketSettings {
  location: string;
  storageClass: string;
  iamConfiguration?: {
    uniformBucketLevelAccess?: { enabled: boolean };
    publicAccessPrevention?: 'enforced' | 'inherited';
  };
  versioning?: { enabled: boolean };
  cors?: readonly {
    origin?: readonly string[];
    method?: readonly string[];
    responseHeader?: readonly string[];
    maxAgeSeconds?: number;
  }[];
  lifecycle?: { rule?: readonly { action: { type: string }; condition: object }[] };
  encryption?: { defaultKmsKeyName?: string };
  labels?: Readonly<Record<string, string>>;
}

/** One bucket in memory. */
export interface BucketState {
  readonly name: string;
  readonly objects: Map<string, StoredObject>;
  readonly sessions: Map<string, Session>;
  readonly multiparts: Map<string, Multipart>;
  readonly now: () => number;
  lastGeneration: number;
  settings: BucketSettings;
  metageneration: number;
  policy: {
    readonly bindings: readonly { role: string; members: readonly string[] }[];
    readonly etag?: string;
  };
  /** Old versions, while versioning is on. */
  archive: StoredObject[];
}

export function emptyBucket(name: string, now: () => number): BucketState {
  const none = { objects: new Map(), sessions: new Map(), multiparts: new Map() };
  return {
    ...{ name, ...none, now, lastGeneration: 0, metageneration: 1, archive: [] },
    settings: { location: 'US', storageClass: 'STANDARD' },
    policy: { bindings: [], etag: '1' },
  };
}

const DESCRIPTION_FIELDS = ['contentType', 'cacheControl', 'metadata', 'md5Hash', 'name'];

/** Reads a description sent as JSON; fields that this server does not know are refused. */
export function readDescription(text: string): Description {
  let value: Record<string, unknown>;
  try {
    value = text === '' ? {} : JSON.parse(text);
  } catch {
    throw refusals.invalid('Parse Error');
  }
  const unknown = Object.keys(value).find((field) => !DESCRIPTION_FIELDS.includes(field));
  if (unknown !== undefined) throw refusals.invalid(`Unknown name "${unknown}".`);
  for (const each of Object.values(value.metadata ?? {})) {
    if (typeof each !== 'string') throw refusals.invalid('Metadata values are strings.');
  }
  return value;
}

export function findObject(bucket: BucketState, name: string, generation?: string | null): StoredObject {
  const live = bucket.objects.get(name);
  const object =
    generation == null || live?.resource.generation === generation
      ? live
      : bucket.archive.find(({ resource }) => resource.name === name && resource.generation === generation);
  if (object === undefined) throw refusals.noObject(`${bucket.name}/${name}`);
  return object;
}

/** Checks `ifGenerationMatch=0`, the one condition this server has. */
export function mustBeAbsent(parameters: URLSearchParams): boolean {
  const match = parameters.get('ifGenerationMatch');
  if (match !== null && match !== '0') throw refusals.invalid('This server knows ifGenerationMatch=0 only.');
  return match === '0';
}

/** Makes an object, whole and at once. */
export function storeObject(
  bucket: BucketState,
  name: string,
  bytes: Buffer,
  write: { readonly description: Description; readonly absent: boolean; readonly isJoined?: boolean },
): StoredObject {
  if (Buffer.byteLength(name) > 1024 || name === '') throw refusals.invalid('The name has a wrong length.');
  if (write.absent && bucket.objects.has(name)) throw refusals.conditionNotMet();
  const md5Hash = md5(bytes);
  const { contentType, cacheControl, metadata, md5Hash: announced } = write.description;
  if (announced !== undefined && announced !== md5Hash) throw refusals.badDigest();
  const time = new Date(bucket.now()).toISOString();
  bucket.lastGeneration = Math.max(bucket.now() * 1000, bucket.lastGeneration + 1);
  const object: StoredObject = {
    bytes,
    resource: {
      kind: 'storage#object',
      bucket: bucket.name,
      name,
      size: String(bytes.byteLength),
      generation: String(bucket.lastGeneration),
      metageneration: '1',
      contentType: contentType ?? 'application/octet-stream',
      ...(cacheControl === undefined ? {} : { cacheControl }),
      ...(metadata === undefined || Object.keys(metadata).length === 0 ? {} : { metadata }),
      // Objects made of parts have none.
      ...(write.isJoined === true ? {} : { md5Hash }),
      timeCreated: time,
      updated: time,
    },
  };
  archiveObject(bucket, name);
  bucket.objects.set(name, object);
  return object;
}

/** Keeps what is about to be replaced or deleted, while versioning is on. */
export function archiveObject(bucket: BucketState, name: string): void {
  const object = bucket.objects.get(name);
  if (object !== undefined && bucket.settings.versioning?.enabled === true) bucket.archive.push(object);
}

export function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('base64');
}

/** Names in the order of their UTF-8 bytes. */
export function sortedNames(bucket: BucketState, prefix: string): string[] {
  return [...bucket.objects.keys()]
    .filter((name) => name.startsWith(prefix))
    .sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}
