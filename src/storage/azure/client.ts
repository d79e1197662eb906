import type { Agent } from 'node:http';
import type { TokenCredential } from '@azure/identity';
import type {
  BlobServiceClient,
  BlockBlobClient,
  ContainerClient,
  RequestPolicyFactory,
  StorageSharedKeyCredential,
} from '@azure/storage-blob';
import { StowageError, throwIfAborted } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import type { Log } from '../../core/log.ts';
import { deadlineError } from '../faults.ts';
import { answerDeadlineMs, DEFAULT_PATIENCE, type Patience } from '../patience.ts';
import { withRetries } from '../retry.ts';
import { openConnections } from './connections.ts';
import { translateFault } from './errors.ts';
import type { AzureOptions } from './options.ts';
import { SasSigner } from './signed-urls.ts';

type Sdk = typeof import('@azure/storage-blob');

/** How one call is made. */
export interface CallManner {
  readonly signal: AbortSignal | undefined;
  /** Bytes that the request carries or the store moves for it: larger ones may take longer. */
  readonly sizeBytes?: number;
}

/** The official client of one container, with our own retries, deadlines, connections and errors. */
export class AzureClient {
  readonly container: ContainerClient;
  readonly signer: SasSigner;
  readonly patience: Patience;
  readonly #log: Log;
  readonly #connections: Agent;
  readonly #underWay = new Set<AbortController>();
  #closed = false;

  constructor(parts: {
    readonly container: ContainerClient;
    readonly signer: SasSigner;
    readonly connections: Agent;
    readonly patience: Patience;
    readonly log: Log;
  }) {
    this.container = parts.container;
    this.signer = parts.signer;
    this.patience = parts.patience;
    this.#log = parts.log;
    this.#connections = parts.connections;
  }

  blob(key: ObjectKey): BlockBlobClient {
    return this.container.getBlockBlobClient(key);
  }

  /**
   * Makes a call, repeated on faults that pass: only for calls that may be carried out twice.
   *
   * @param operation gets the signal to hand to the library, and the number of the try, from 0.
   * @throws StowageError by `errors.ts`.
   */
  async call<Result>(
    manner: CallManner,
    operation: (signal: AbortSignal, attempt: number) => Promise<Result>,
  ): Promise<Result> {
    this.requireOpen(manner.signal);
    return withRetries((attempt) => this.callOnce(manner, (signal) => operation(signal, attempt)), {
      signal: manner.signal,
      log: this.#log,
    });
  }

  /** Makes a call once. Its signal is good until it answers: the body of an answer is watched by its reader. */
  async callOnce<Result>(
    { signal, sizeBytes = 0 }: CallManner,
    operation: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    this.requireOpen(signal);
    // Linked by hand: AbortSignal.any leaves something behind in a long-lived signal with each call.
    const cut = new AbortController();
    const onAbort = (): void => cut.abort();
    let isLate = false;
    const onLate = (): void => {
      isLate = true;
      cut.abort();
    };
    const timer = setTimeout(onLate, answerDeadlineMs(this.patience, sizeBytes));
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#underWay.add(cut);
    try {
      return await operation(cut.signal);
    } catch (error) {
      throw translateFault(isLate ? deadlineError('The store did not answer in time.') : error, signal);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      this.#underWay.delete(cut);
    }
  }

  /** @throws StowageError `storage_unavailable` after `close`, `aborted` when the signal has fired. */
  requireOpen(signal: AbortSignal | undefined): void {
    if (this.#closed) throw new StowageError('storage_unavailable', 'The store is closed.');
    throwIfAborted(signal);
  }

  close(): void {
    this.#closed = true;
    for (const cut of this.#underWay) cut.abort();
    this.#connections.destroy();
  }
}

/**
 * Loads the official library and prepares a client; no request is made.
 *
 * @throws StowageError `storage_denied` when the settings hold nothing to sign with.
 */
export async function openAzureClient(options: AzureOptions): Promise<AzureClient> {
  const sdk = await import('@azure/storage-blob');
  const { accountUrl, credential } = await readAccount(options);
  const patience = options.patience ?? DEFAULT_PATIENCE;
  const connections = openConnections(new URL(accountUrl).protocol, patience.connectMs);
  // One retry policy for all stores is ours: the library tries once.
  const pipeline = sdk.newPipeline(credential, { retryOptions: { maxTries: 1 } });
  pipeline.factories.push(throughConnections(connections));
  const service = new sdk.BlobServiceClient(accountUrl, pipeline);
  const container = service.getContainerClient(options.container);
  const signer = new SasSigner({
    sdk,
    containerName: options.container,
    containerUrl: container.url,
    accountName: service.accountName,
    sharedKey: credential instanceof sdk.StorageSharedKeyCredential ? credential : null,
    fetchKey: async (startsOn, expiresOn) => {
      const abortSignal = AbortSignal.timeout(patience.answerMs);
      return withRetries(
        async () => {
          try {
            return await service.getUserDelegationKey(startsOn, expiresOn, { abortSignal });
          } catch (error) {
            throw translateFault(error, undefined);
          }
        },
        { signal: abortSignal, log: options.log },
      );
    },
  });
  return new AzureClient({ container, signer, connections, patience, log: options.log });
}

async function readAccount(
  options: AzureOptions,
): Promise<{ accountUrl: string; credential: StorageSharedKeyCredential | TokenCredential }> {
  if (options.connectionString !== null) {
    const sdk = await import('@azure/storage-blob');
    const account = parseConnectionString(sdk, options.connectionString);
    if (account?.credential instanceof sdk.StorageSharedKeyCredential)
      return { accountUrl: account.url, credential: account.credential };
    // A signature handed to us cannot sign URLs for others.
    throw refusedSettings('The connection string of the store must hold an account name and its key.');
  }
  if (options.accountUrl === null)
    throw refusedSettings('The store has neither a connection string nor an address.');
  if (options.tokenCredential !== undefined)
    return { accountUrl: options.accountUrl, credential: options.tokenCredential };
  const { DefaultAzureCredential } = await import('@azure/identity');
  return { accountUrl: options.accountUrl, credential: new DefaultAzureCredential() };
}

function parseConnectionString(sdk: Sdk, text: string): BlobServiceClient | null {
  try {
    return sdk.BlobServiceClient.fromConnectionString(text);
  } catch {
    return null; // The library's error may quote the text, which holds the key.
  }
}

function refusedSettings(message: string): StowageError {
  return new StowageError('storage_denied', message);
}

function throughConnections(connections: Agent): RequestPolicyFactory {
  return {
    create: (next) => ({
      sendRequest: (request) => {
        request.agent = connections;
        return next.sendRequest(request);
      },
    }),
  };
}
