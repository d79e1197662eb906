import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Patience } from '../patience.ts';
import type { S3Credentials } from './sign.ts';

/** Where and how to store on S3 or a store that speaks its protocol. */
export interface S3Options {
  readonly bucket: string;
  readonly region: string;
  /** Fixed keys; null asks the machine's own chain: environment, profile, IRSA, container, instance role. */
  readonly credentials: S3Credentials | null;
  /** Base URL of the store; null: AWS in `region`. */
  readonly endpoint: string | null;
  /** Base URL that signed URLs name, when clients reach the store by another address; null: `endpoint`. */
  readonly publicEndpoint: string | null;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. */
  readonly forcePathStyle: boolean;
  /** Encryption at rest asked for on every write. */
  readonly sse: 'AES256' | 'aws:kms';
  /** Key of `aws:kms`; null: the account's default key. */
  readonly kmsKeyId: string | null;
  /** How clients write straight to the store: a form POST, or a PUT for stores without POST policies. */
  readonly signedWrite: 'post' | 'put';
  /** How long the store is waited for; absent: {@link DEFAULT_PATIENCE}. */
  readonly patience?: Patience;
  readonly clock: Clock;
  readonly log: Log;
}

/** Connections to the store, over all requests of the process. */
export const CONNECTIONS_MAX = 64;
/** Longest answer that is read as a text, in bytes: a page of 1,000 keys of 1,024 bytes, each byte escaped, is less. */
export const TEXT_BYTES_MAX = 8 * 1024 * 1024;
/** How long an answer proves that the bucket is there, in milliseconds. */
export const SEEN_MS = 5_000;
