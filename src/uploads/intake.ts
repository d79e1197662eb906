import { isStowageError, throwIfAborted } from '../core/errors.ts';
import { rateLimitedError } from './allowance.ts';
import { logAttempt } from './attempt-log.ts';
import { UploadBatch } from './batch.ts';
import { assetTypeNamed } from './form-fields.ts';
import { storeFormFiles } from './form-files.ts';
import { claimKey, type EarlierUpload, holdClaim, type RunningClaim } from './idempotency.ts';
import { requiredFields } from './key.ts';
import { checkMetadata } from './metadata.ts';
import { RecentAllowances } from './recent-allowances.ts';
import { assertSameForm, assertSameUpload } from './replay.ts';
import { openSpool } from './spool.ts';
import { storeFile } from './store-file.ts';
import type { FileUploadRequest, Intake, IntakeOptions, UploadReceipt, UploadRequest } from './upload.ts';
import { UploadsInHand } from './uploads-in-hand.ts';

/** Opens the way in for files. Makes the spool directory and removes what crashes left in it. */
export async function createIntake(options: IntakeOptions): Promise<Intake> {
  const context = { ...options, recent: new RecentAllowances(), inHand: new UploadsInHand() };
  const spool = await openSpool({ dir: options.spoolDir, bytesMax: options.spoolBytesMax });
  return {
    receiveForm: (request) =>
      receive(context, request, {
        facts: ['form', [...request.query].sort(), request.contentLength],
        store: (batch) => storeFormFiles(options, spool, request, batch),
        assertSame: (earlier) => assertSameForm(options.assetTypes, request, earlier),
      }),
    receiveFile: (request) =>
      receive(context, request, {
        facts: [
          'file',
          request.assetType,
          [...request.fields].sort(),
          request.claim.filename,
          request.claim.sizeBytes,
        ],
        store: (batch) => storeOneFile(options, request, batch),
        assertSame: (earlier) => assertSameUpload(options.assetTypes, request, earlier),
      }),
    close: () => spool.close(),
  };
}

/** What tells the doors apart. */
interface Door {
  /** What two requests with one Idempotency-Key have in common before their bytes are read. */
  readonly facts: readonly unknown[];
  /** Reads the bytes and throws `conflict` unless they are those of the earlier request. */
  assertSame(earlier: EarlierUpload): Promise<void>;
  /** Brings the files through the gate into the batch. */
  store(batch: UploadBatch): Promise<void>;
}

/** The way of every upload: allowance before bytes, bytes before rows, and nothing left when anything fails. */
async function receive(
  context: IntakeOptions & { readonly recent: RecentAllowances; readonly inHand: UploadsInHand },
  request: UploadRequest,
  door: Door,
): Promise<UploadReceipt> {
  const { catalog, uploadLimit, clock, recent, inHand } = context;
  const startMs = clock.now();
  const batch = new UploadBatch(context, request, inHand);
  let held: RunningClaim | undefined;
  try {
    throwIfAborted(request.signal);
    const { idempotencyKey } = request;
    // Before the allowance: a repeated request is answered again although the first has used it up.
    if (idempotencyKey !== null) {
      const earlier = await claimKey(catalog, { ...request, idempotencyKey }, door.facts, startMs);
      if (earlier !== null) {
        await door.assertSame(earlier);
        const allowance = await catalog.uploadAllowance(request.principal, uploadLimit, startMs);
        logAttempt(context, request, batch, { result: 'replayed', startMs });
        return { assets: earlier.assets, allowance, replayed: true };
      }
      held = holdClaim(context, { ...request, idempotencyKey }, startMs);
    }
    if (!recent.hasPlenty(request.principal, startMs)) {
      const left = await catalog.uploadAllowance(request.principal, uploadLimit, startMs);
      if (left.remaining < 1) throw rateLimitedError(left);
    }
    await door.store(batch);
    throwIfAborted(request.signal);
    // From here on a client that leaves changes nothing, once its bytes are durable: the rows decide.
    const { assets, allowance } = await batch.commit();
    recent.note(request.principal, allowance, clock.now());
    logAttempt(context, request, batch, { result: 'stored', startMs });
    return { assets, allowance, replayed: false };
  } catch (error) {
    await Promise.all([batch.undo(), held?.release(), recordRefusal(context, request, batch, error)]);
    logAttempt(context, request, batch, { result: 'failed', error, startMs });
    throw error;
  } finally {
    held?.stop();
    batch.end();
  }
}

async function storeOneFile(
  context: IntakeOptions,
  request: FileUploadRequest,
  batch: UploadBatch,
): Promise<void> {
  const { body, claim, fields, principal, signal } = request;
  const assetType = assetTypeNamed(context.assetTypes, request.assetType);
  batch.assetType = assetType;
  batch.metadata = checkMetadata(request.metadata);
  batch.keyFields = requiredFields(assetType.keyTemplate).map((name) => [name, fields.get(name) ?? '']);
  await batch.take(0, (talk) =>
    storeFile(context, {
      body,
      claim,
      assetType,
      fields,
      owner: principal,
      signal,
      bodyEndsOnAbort: false,
      ...talk,
    }),
  );
}

/** Writes a refusal into the access log. Never rejects: the client is told the refusal, not that its log entry failed. */
async function recordRefusal(
  { catalog, log }: IntakeOptions,
  request: UploadRequest,
  batch: UploadBatch,
  error: unknown,
): Promise<void> {
  // A broken connection and our own failures are no refusals.
  if (!isStowageError(error) || error.code === 'aborted' || error.traits.httpStatus >= 500) return;
  await catalog.recordAccess(batch.refusal(error.code)).catch((failure: unknown) => {
    log.error(
      { request_id: request.origin.requestId, err: failure },
      'A refusal is missing in the access log.',
    );
  });
}
