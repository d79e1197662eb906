import type { Asset } from '../catalog/catalog.ts';
import type { KeyTemplates, WithKeyFields } from '../config/key-templates.ts';
import type { ByteStream } from '../core/bytes.ts';
import { renderInstructions, renderPart } from '../http/render.ts';
import type { UploadInstructionsJson, UploadPartJson } from '../protocol/index.ts';
import type { DirectUploads } from '../uploads/direct/direct-uploads.ts';
import type { Intake } from '../uploads/upload.ts';
import { type Caller, invalidParameter, originOf, principalOf } from './callers.ts';
import type { LinkRules } from './record-links.ts';
import type { InTransaction, Transactions } from './transactions.ts';

/** Names of the asset types that a program has. */
export type AssetTypeName<Templates extends KeyTemplates> = keyof Templates & string;

/** Asset type, key fields and metadata: what every way in has in common. */
type Destination<Templates extends KeyTemplates, Name extends AssetTypeName<Templates>> = {
  readonly assetType: Name;
  /** A JSON object of at most 16 KiB, kept with the asset. */
  readonly metadata?: Readonly<Record<string, unknown>>;
} & WithKeyFields<Templates[Name]>;

/** A file that a program hands over. */
export type FileUpload<
  Templates extends KeyTemplates,
  Rules extends LinkRules,
  Name extends AssetTypeName<Templates>,
> = Destination<Templates, Name> & {
  readonly user: Caller;
  /**
   * Consumed once: a Readable, a web stream, any async iterable of bytes. A source of one's own must not fill the memory of a
   * chunk again: several wait to be written at once, and what is stored would not be what was judged.
   */
  readonly body: ByteStream;
  /** The name as the user knows it. */
  readonly filename: string;
  /** The declared media type. Default: undeclared; name and content decide. */
  readonly mediaType?: string;
  /** Exact size, when it is known; another one is refused. */
  readonly sizeBytes?: number;
  /** SHA-256 of the content in hex, when it is known; content with another one is refused. */
  readonly sha256?: string;
  /** Names this upload, 1 to 255 visible ASCII characters: done again within 24 hours it answers the first one's asset. */
  readonly idempotencyKey?: string;
  /** Gives up, until the rows are being written. */
  readonly signal?: AbortSignal;
  /** Writes rows of the application in the transaction that records the asset. Not called when an upload is answered again. */
  readonly inTransaction?: InTransaction<Rules, [asset: Asset]>;
};

/** A file that a browser or another service will send straight to the store. */
export type AnnouncedUpload<
  Templates extends KeyTemplates,
  Name extends AssetTypeName<Templates>,
> = Destination<Templates, Name> & {
  readonly user: Caller;
  readonly filename: string;
  readonly sizeBytes: number;
  readonly mediaType?: string | null;
  /** SHA-256 of the content in hex. */
  readonly sha256?: string | null;
};

/** The ways in for files. */
export interface Uploads<Templates extends KeyTemplates, Rules extends LinkRules> {
  /**
   * Judges, stores and records one file. Fulfilled when bytes and rows are durable; when it rejects nothing is kept.
   *
   * @throws StowageError as `POST /api/upload` answers; what `inTransaction` throws.
   */
  upload<Name extends AssetTypeName<Templates>>(upload: FileUpload<Templates, Rules, Name>): Promise<Asset>;
  /**
   * Begins an upload straight to the store.
   *
   * @returns what the sender needs, as `POST /api/uploads` answers it.
   * @throws StowageError as `POST /api/uploads` answers.
   */
  begin<Name extends AssetTypeName<Templates>>(
    upload: AnnouncedUpload<Templates, Name>,
  ): Promise<UploadInstructionsJson>;
  /** Fresh URLs for parts, 1 to 100 of them. @throws StowageError as `POST /api/uploads/{id}/parts` answers. */
  signParts(
    uploadId: string,
    partNumbers: readonly number[],
    user: Caller,
  ): Promise<readonly UploadPartJson[]>;
  /**
   * Judges what arrived and makes it an asset. Done again it answers the same asset, without `inTransaction`.
   *
   * @throws StowageError as `POST /api/uploads/{id}/complete` answers; what `inTransaction` throws, and the upload is open
   *   again then.
   */
  complete(
    uploadId: string,
    user: Caller,
    options?: { readonly inTransaction?: InTransaction<Rules, [asset: Asset]> },
  ): Promise<Asset>;
  /** Gives an open upload up. @throws StowageError as `DELETE /api/uploads/{id}` answers. */
  abandon(uploadId: string, user: Caller): Promise<void>;
}

export function createUploads<Templates extends KeyTemplates, Rules extends LinkRules>(parts: {
  readonly intake: Pick<Intake, 'receiveFile'>;
  readonly directUploads: Omit<DirectUploads, 'close'>;
  readonly transactions: Transactions<Rules>;
}): Uploads<Templates, Rules> {
  const { intake, directUploads, transactions } = parts;
  const requestOf = (user: Caller) => ({ principal: principalOf(user), origin: originOf(user) });
  return {
    async upload(upload) {
      const { inTransaction } = upload;
      const { assets } = await intake.receiveFile({
        ...requestOf(upload.user),
        idempotencyKey: upload.idempotencyKey ?? null,
        signal: upload.signal ?? new AbortController().signal,
        body: upload.body,
        claim: {
          filename: upload.filename,
          mediaType: upload.mediaType ?? null,
          sizeBytes: upload.sizeBytes ?? null,
          sha256: sha256Of(upload.sha256),
        },
        assetType: upload.assetType,
        fields: fieldsOf(upload.fields),
        metadata: upload.metadata ?? {},
        within:
          inTransaction &&
          ((recorded) => transactions.within((tx) => inTransaction(tx, theOne(recorded)), recorded)),
      });
      return theOne(assets);
    },
    async begin(upload) {
      checkAnnounced(upload);
      const { instructions } = await directUploads.begin({
        ...requestOf(upload.user),
        filename: upload.filename,
        sizeBytes: upload.sizeBytes,
        mediaType: upload.mediaType ?? null,
        assetType: upload.assetType,
        sha256: upload.sha256 ?? null,
        fields: fieldsOf(upload.fields),
        metadata: upload.metadata ?? {},
      });
      return renderInstructions(instructions);
    },
    async signParts(uploadId, partNumbers, user) {
      if (!Array.isArray(partNumbers)) throw invalidParameter('partNumbers', 'must be a list');
      return (await directUploads.signParts(uploadId, partNumbers, requestOf(user))).map(renderPart);
    },
    async complete(uploadId, user, { inTransaction } = {}) {
      const { asset } = await directUploads.complete(uploadId, {
        ...requestOf(user),
        within:
          inTransaction &&
          ((recorded) => transactions.within((tx) => inTransaction(tx, recorded), [recorded])),
      });
      return asset;
    },
    abandon: (uploadId, user) => directUploads.abandon(uploadId, requestOf(user)),
  };
}

/** What was given for the key; the compiler has seen that all of it is there, and the gate asks again. */
export function fieldsOf(fields: Readonly<Record<string, string>> | undefined): ReadonlyMap<string, string> {
  return new Map(Object.entries(fields ?? {}));
}

/**
 * What a page sent comes in as it is: another type than the compiler was told is a mistake of that client.
 *
 * @throws StowageError `invalid_parameter`.
 */
function checkAnnounced({
  filename,
  sizeBytes,
  mediaType,
  sha256,
}: Omit<AnnouncedUpload<KeyTemplates, string>, 'user'>) {
  if (typeof filename !== 'string') throw invalidParameter('filename', 'must be a text');
  if (typeof sizeBytes !== 'number') throw invalidParameter('sizeBytes', 'must be a number');
  for (const [name, value] of Object.entries({ mediaType, sha256 })) {
    if (typeof (value ?? '') !== 'string') throw invalidParameter(name, 'must be a text');
  }
}

/** @throws StowageError `invalid_parameter`. */
function sha256Of(hex: string | undefined): Buffer | null {
  if (hex === undefined) return null;
  if (/^[0-9a-f]{64}$/i.test(hex)) return Buffer.from(hex, 'hex');
  throw invalidParameter('sha256', 'must be a SHA-256 in hex');
}

function theOne(assets: readonly Asset[]): Asset {
  const [asset] = assets;
  if (asset === undefined) throw new Error('An upload without an asset was reported as stored.');
  return asset;
}
