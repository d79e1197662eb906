import { randomUUID } from 'node:crypto';
import { streamOf } from '../core/bytes.ts';
import type { Clock } from '../core/clock.ts';
import { type ObjectKey, parseObjectKey } from '../core/key.ts';
import type { StorageBackend } from '../storage/backend.ts';
import { expectRefusal, statusOf } from './outside.ts';
import { type Finding, fail, ok, QUESTION_PREFIX } from './provider.ts';

const QUESTION_BYTES = Buffer.from('a question of stowage provision verify');
const WRITE = {
  mode: 'replace',
  contentType: 'text/plain',
  cacheControl: '',
  metadata: {},
  sizeBytes: QUESTION_BYTES.byteLength,
} as const;
/** A read URL that has been out of date for so long, in milliseconds. */
const LONG_AGO_MS = 2 * 60 * 60_000;

/** A key below `incoming/` that nobody else uses. */
export function questionKey(): ObjectKey {
  return parseObjectKey(`${QUESTION_PREFIX}${randomUUID()}`);
}

/**
 * Stores an object as the backend, and asks for it as a stranger: of one that is not there a closed and an open bucket
 * say the same.
 */
export async function writeFindings(question: {
  readonly open: () => StorageBackend | Promise<StorageBackend>;
  /** How a stranger is told from one who may; absent: by 401 and 403. */
  readonly closed?: typeof expectRefusal;
  /** Where a stranger would look for it. */
  readonly urlOf: (key: ObjectKey) => string;
  readonly signal: AbortSignal;
}): Promise<readonly Finding[]> {
  const { signal, closed = expectRefusal } = question;
  try {
    return await withQuestion(question, async (store, key) => {
      const info = await store.head(key, { signal });
      return [
        info.sizeBytes === QUESTION_BYTES.byteLength
          ? ok('write_and_read', 'The backend stores, finds and removes objects.')
          : fail(
              'write_and_read',
              'The store keeps other bytes than it was given.',
              'Ask whoever runs the store.',
            ),
        ...(await closed('anonymous_read', 'reads objects', question.urlOf(key), { signal })),
      ];
    });
  } catch (error) {
    return [
      fail(
        'write_and_read',
        `The backend can't store objects (${reasonOf(error)}).`,
        'stowage provision apply; then check the service’s credentials and what they may do.',
      ),
    ];
  }
}

/** Asks whether a signed URL of the backend works, ends and can't write. */
export async function signedUrlFindings(question: {
  readonly open: () => StorageBackend | Promise<StorageBackend>;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Headers that a PUT needs besides the signature. */
  readonly putHeaders?: Readonly<Record<string, string>>;
}): Promise<readonly Finding[]> {
  const { signal, clock, putHeaders = {} } = question;
  const sign = {
    lifetimeSeconds: 300,
    contentDisposition: 'attachment',
    contentType: 'text/plain',
    grant: null,
  };
  return withQuestion(question, async (store, key) => {
    const nowMs = clock.now();
    const { url } = await store.signRead(key, { ...sign, nowMs });
    const old = await store.signRead(key, { ...sign, nowMs: nowMs - LONG_AGO_MS });
    const works = await statusOf(url, { signal });
    const tooLate = await statusOf(old.url, { signal });
    const write = await statusOf(url, { signal, method: 'PUT', body: QUESTION_BYTES, headers: putHeaders });
    return [
      works === 200
        ? ok('signed_url_reads', 'A signed URL opens its object.')
        : fail(
            'signed_url_reads',
            `A signed URL is answered ${works}.`,
            'Check the clock of this machine, the endpoint and the backend’s rights.',
          ),
      tooLate >= 400
        ? ok('signed_url_expires', 'A signed URL ends.')
        : fail('signed_url_expires', `A URL that ended long ago is answered ${tooLate}.`, MEND_STORE),
      write >= 400
        ? ok('signed_url_read_only', 'A read URL writes nothing.')
        : fail('signed_url_read_only', `A PUT to a read URL is answered ${write}.`, MEND_STORE),
    ];
  });
}

/** Opens the store, stores an object to ask for, and takes both away again. */
export async function withQuestion(
  options: {
    readonly open: () => StorageBackend | Promise<StorageBackend>;
    readonly signal: AbortSignal;
  },
  ask: (store: StorageBackend, key: ObjectKey) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const store = await options.open();
  const key = questionKey();
  try {
    await store.put(key, streamOf(QUESTION_BYTES), { ...WRITE, signal: options.signal });
    return await ask(store, key);
  } finally {
    await store.delete(key, {}).catch(() => undefined);
    await store.close();
  }
}

const MEND_STORE = 'This store does not honour signatures: use another one.';

/** What the store said, which our own sentence leaves out for clients. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
