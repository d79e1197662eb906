import { createHash } from 'node:crypto';
import type { AssetType, AssetTypes } from '../core/asset-type.ts';
import { MIB } from '../core/bytes.ts';
import { abortedError, isStowageError, StowageError, throwIfAborted } from '../core/errors.ts';
import type { UploadBatch } from './batch.ts';
import { assertFileDigests, parseFileDigests, parseReprDigest } from './digest.ts';
import { type Form, type FormPart, parseForm } from './form.ts';
import { FormFields } from './form-fields.ts';
import { requestTooLarge } from './form-scanner.ts';
import type { Spool, SpooledFile } from './spool.ts';
import { storeFile } from './store-file.ts';
import type { FormUploadRequest, IntakeOptions } from './upload.ts';

/** What a form may weigh beside its files, in bytes. */
export const FORM_OVERHEAD_BYTES_MAX = MIB;

/** A part of a form that is a file. */
export type FilePart = Extract<FormPart, { kind: 'file' }>;

/**
 * Reads a form to its end and stores its files, those whose asset type came before them as they arrive, the others
 * from the spool after the last part.
 *
 * @throws StowageError whatever refuses the form or one of its files. The spool is empty of it then; what was stored is
 *   in the batch.
 */
export async function storeFormFiles(
  context: IntakeOptions,
  spool: Spool,
  request: FormUploadRequest,
  batch: UploadBatch,
): Promise<void> {
  throwIfAborted(request.signal);
  const fields = new FormFields(context.assetTypes, request.query);
  batch.assetType = fields.assetType;
  const files = new FormFiles({ context, spool, request, batch, fields });
  try {
    await readForm(request, requestBytesMax(context.assetTypes, fields.assetType), files);
    await files.finish();
  } finally {
    await files.release();
  }
}

/** Takes the parts of a form in their order. */
export interface FormReceiver {
  addField(form: Form, name: string, value: string): void;
  receive(part: FilePart): Promise<void>;
}

/**
 * Reads a form to its end and checks its Repr-Digest.
 *
 * @throws StowageError what the form, its digest and the receiver throw. The rest of the body stays unread then.
 */
export async function readForm(
  request: FormUploadRequest,
  bodyBytesMax: number,
  receiver: FormReceiver,
): Promise<void> {
  if (request.contentLength !== null && request.contentLength > bodyBytesMax)
    throw requestTooLarge(bodyBytesMax);
  const reprDigest = parseReprDigest(request.reprDigest);
  const hash = reprDigest && createHash('sha256');
  const form = parseForm(request.body, request.contentType, {
    limits: { bodyBytesMax },
    ...(hash && { onChunk: (chunk) => hash.update(chunk) }),
  });
  const onAbort = () => form.close(abortedError(request.signal));
  request.signal.addEventListener('abort', onAbort);
  try {
    await readParts(form, receiver);
    if (hash && reprDigest && !hash.digest().equals(reprDigest)) {
      throw new StowageError(
        'digest_mismatch',
        'The request does not have the SHA-256 of its Repr-Digest header.',
      );
    }
  } catch (error) {
    form.close(isStowageError(error) ? error : new StowageError('aborted', 'The form was given up.'));
    throw error;
  } finally {
    request.signal.removeEventListener('abort', onAbort);
  }
}

/** Most bytes of a request: what the files of the asset type, or of the largest of all, may have. */
export function requestBytesMax(assetTypes: AssetTypes, assetType: AssetType | undefined): number {
  const types = assetType === undefined ? [...assetTypes.values()] : [assetType];
  const filesBytes = types.map(({ filesPerRequestMax, fileBytesMax }) => filesPerRequestMax * fileBytesMax);
  return Math.max(0, ...filesBytes) + FORM_OVERHEAD_BYTES_MAX;
}

async function readParts(form: Form, files: FormReceiver): Promise<void> {
  for (let next = await form.next(); !next.done; next = await form.next()) {
    if (next.value.kind === 'file') await files.receive(next.value);
    else files.addField(form, next.value.name, next.value.value);
  }
}

interface FormFilesOptions {
  readonly context: IntakeOptions;
  readonly spool: Spool;
  readonly request: FormUploadRequest;
  readonly batch: UploadBatch;
  readonly fields: FormFields;
}

interface WaitingFile {
  readonly index: number;
  readonly part: FilePart;
  readonly sha256: Buffer | null;
  readonly spooled: SpooledFile;
}

/** The files of one form: stored, or waiting in the spool for what the form still says. */
class FormFiles implements FormReceiver {
  readonly #options: FormFilesOptions;
  readonly #waiting: WaitingFile[] = [];
  #count = 0;

  constructor(options: FormFilesOptions) {
    this.#options = options;
  }

  addField(form: Form, name: string, value: string): void {
    const { fields, batch, context, request } = this.#options;
    fields.add(name, value);
    request.onField?.(name, value);
    if (fields.assetType === batch.assetType) return;
    batch.assetType = fields.assetType;
    this.#limitCount();
    form.limitBody(requestBytesMax(context.assetTypes, fields.assetType));
  }

  async receive(part: FilePart): Promise<void> {
    if (!(await bringsFile(part, this.#options.request.fileFields))) return;
    const index = this.#count;
    this.#count += 1;
    this.#limitCount();
    const sha256 = announcedSha256(part);
    const { fields, spool, context } = this.#options;
    if (fields.isReady()) return this.#store(index, part, sha256, null);
    const fileBytesMax = fields.assetType?.fileBytesMax ?? largestFileBytesMax(context.assetTypes);
    const spooled = await named(part, spool.keep(part.body, fileBytesMax));
    this.#waiting.push({ index, part, sha256, spooled });
  }

  /** After the last part: what waited is stored, and what the form promised is compared. */
  async finish(): Promise<void> {
    const { fields, batch } = this.#options;
    const { metadata } = fields.finish();
    if (this.#count === 0) {
      const [name = 'files'] = this.#options.request.fileFields ?? FILE_FIELDS;
      throw new StowageError('missing_field', `The form has no file in the field ${name}.`, {
        fields: { parameter: name },
      });
    }
    batch.metadata = metadata;
    batch.keyFields = fields.keyFields;
    const digests = fields.digests.length > 0 ? parseFileDigests(fields.digests, this.#count) : [];
    for (const { index, part, sha256, spooled } of this.#waiting) {
      await this.#store(index, part, sha256, spooled);
      await spooled.remove();
    }
    if (digests.length === 0) return;
    // One that has failed would leave a hole.
    batch.check();
    const stored = batch.files.map(({ contentHash, verdict }) => ({
      contentHash,
      filename: verdict.filename,
    }));
    assertFileDigests(digests, stored);
  }

  /** Gives the room in the spool back. */
  async release(): Promise<void> {
    if (this.#waiting.length > 0) await Promise.all(this.#waiting.map(({ spooled }) => spooled.remove()));
  }

  async #store(
    index: number,
    part: FilePart,
    sha256: Buffer | null,
    spooled: SpooledFile | null,
  ): Promise<void> {
    const { context, request, batch, fields } = this.#options;
    const { assetType } = batch;
    if (assetType === undefined) throw new Error('A file is stored before its asset type is known.');
    await batch.take(index, (talk) => {
      const stored = storeFile(context, {
        body: spooled === null ? part.body : spooled.read(),
        claim: {
          filename: part.filename,
          mediaType: part.mediaType,
          sizeBytes: spooled === null ? null : spooled.sizeBytes,
          sha256,
        },
        assetType,
        fields: fields.values,
        owner: request.principal,
        signal: request.signal,
        bodyEndsOnAbort: true,
        ...talk,
      });
      return named(part, stored);
    });
  }

  #limitCount(): void {
    const { assetType } = this.#options.fields;
    const filesMax =
      assetType?.filesPerRequestMax ??
      Math.max(...Array.from(this.#options.context.assetTypes.values(), (type) => type.filesPerRequestMax));
    if (this.#count <= filesMax) return;
    throw new StowageError('too_many_files', `At most ${filesMax} files may be sent at once.`);
  }
}

const FILE_FIELDS: ReadonlySet<string> = new Set(['files', 'file', 'files[]']);
const FILENAME_CHARACTERS_SHOWN = 255;

/**
 * Whether a part brings a file: a browser sends an empty nameless one where none was chosen (HTML, "constructing the
 * entry list").
 *
 * @throws StowageError `invalid_parameter` in a field that takes no files; `invalid_filename` for content without a name.
 */
export async function bringsFile(
  part: FilePart,
  fileFields: ReadonlySet<string> = FILE_FIELDS,
): Promise<boolean> {
  if (!fileFields.has(part.fieldName)) {
    const [name] = fileFields;
    throw new StowageError('invalid_parameter', `Files must be sent in the field ${name}.`, {
      fields: { parameter: part.fieldName },
    });
  }
  if (part.filename !== '') return true;
  const { done } = await part.body[Symbol.asyncIterator]().next();
  if (!done) throw new StowageError('invalid_filename', 'A file has no name.', { fields: { filename: '' } });
  return false;
}

/**
 * The SHA-256 that the part of a file announces in a Repr-Digest of its own; null when it announces none.
 *
 * @throws StowageError `invalid_parameter`, as for the request's header.
 */
export function announcedSha256(part: FilePart): Buffer | null {
  try {
    return parseReprDigest(part.reprDigest);
  } catch (error) {
    throw naming(part, error);
  }
}

async function named<Value>(part: FilePart, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    throw naming(part, error);
  }
}

/** Says in a refusal which file it is about. */
function naming(part: FilePart, error: unknown): unknown {
  if (!isStowageError(error) || error.code === 'aborted' || error.fields.filename !== undefined) return error;
  return error.with({ filename: part.filename.slice(0, FILENAME_CHARACTERS_SHOWN) });
}

function largestFileBytesMax(assetTypes: AssetTypes): number {
  return Math.max(...Array.from(assetTypes.values(), (type) => type.fileBytesMax));
}
