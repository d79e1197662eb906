import type { ByteStream } from '../../core/bytes.ts';
import { StowageError, throwIfAborted } from '../../core/errors.ts';
import type { MultipartUpload, ObjectBody, StorageBackend } from '../backend.ts';

/** What goes wrong with one call. */
export type Trouble =
  /** The store fails with this before anything is done. */
  | { readonly refuse: 'storage_unavailable' | 'storage_slow' | 'storage_denied' }
  /** All is done, but nobody hears of it. */
  | { readonly loseAnswer: true }
  /** The body that is read breaks after so many bytes. */
  | { readonly cutAfterBytes: number }
  /** The call begins when this promise is fulfilled, or ends with its signal. */
  | { readonly wait: Promise<void> };

/** The calls that trouble may befall. */
export type TroubledCall = (typeof TROUBLED)[number] | 'putPart' | 'complete';

const TROUBLED = [
  'put',
  'get',
  'head',
  'delete',
  'deleteMany',
  'list',
  'copy',
  'beginMultipart',
  'check',
] as const satisfies readonly (keyof StorageBackend)[];

/**
 * A store in which things go wrong when they are told to, for tests of what stands above a store. Calm, it is the store
 * itself and passes the same laws.
 *
 * @param trouble asked before each call; null lets it pass.
 */
export function withChaos(
  backend: StorageBackend,
  trouble: (call: TroubledCall) => Trouble | null,
): StorageBackend {
  const befall = <Result>(name: TroubledCall, args: readonly unknown[], call: () => Promise<Result>) =>
    carryOut(trouble(name), signalOf(args), call);
  return new Proxy(backend, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: readonly unknown[]) => unknown;
      if (property === 'resumeMultipart')
        return (...args: readonly unknown[]) => troubledParts(method(...args) as MultipartUpload, befall);
      const name = TROUBLED.find((each) => each === property);
      if (name === undefined) return method;
      return async (...args: readonly unknown[]) => {
        const result = await befall(name, args, () => method(...args) as Promise<unknown>);
        return name === 'beginMultipart' ? troubledParts(result as MultipartUpload, befall) : result;
      };
    },
  });
}

type Befall = <Result>(
  name: TroubledCall,
  args: readonly unknown[],
  call: () => Promise<Result>,
) => Promise<Result>;

function troubledParts(upload: MultipartUpload, befall: Befall): MultipartUpload {
  return {
    uploadId: upload.uploadId,
    putPart: (...args) => befall('putPart', args, () => upload.putPart(...args)),
    complete: (...args) => befall('complete', args, () => upload.complete(...args)),
    signPart: (...args) => upload.signPart(...args),
    listParts: (options) => upload.listParts(options),
    abort: (options) => upload.abort(options),
  };
}

async function carryOut<Result>(
  trouble: Trouble | null,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> {
  if (trouble === null) return call();
  if ('refuse' in trouble) throw new StowageError(trouble.refuse, 'The store was told to fail.');
  if ('wait' in trouble) {
    await Promise.race([trouble.wait, firing(signal)]);
    throwIfAborted(signal);
    return call();
  }
  const result = await call();
  if ('loseAnswer' in trouble) throw broken();
  const read = result as ObjectBody;
  return { ...read, body: cut(read.body, trouble.cutAfterBytes) } as Result;
}

async function* cut(body: ByteStream, bytesMax: number): AsyncGenerator<Uint8Array> {
  let leftBytes = bytesMax;
  for await (const chunk of body) {
    yield chunk.subarray(0, leftBytes);
    leftBytes -= chunk.byteLength;
    if (leftBytes < 0) throw broken();
  }
}

function broken(): StowageError {
  return new StowageError('storage_unavailable', 'The store was told to break.');
}

/** Fulfilled when the signal fires; never without one. */
function firing(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
}

// The options are the last argument of every call.
function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  return (args.at(-1) as { readonly signal?: AbortSignal } | undefined)?.signal;
}
