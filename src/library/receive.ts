import type { IncomingMessage } from 'node:http';
import type { Asset, UploadAllowance } from '../catalog/catalog.ts';
import type { KeyTemplates, WithKeyFields } from '../config/key-templates.ts';
import type { Deps } from '../http/deps.ts';
import { singleHeader } from '../http/request-context.ts';
import { type Caller, principalOf } from './callers.ts';
import { type HostRequest, hostOrigin, rawRequest, requireUnreadBody } from './host-request.ts';
import type { LinkRules } from './record-links.ts';
import type { InTransaction, Transactions } from './transactions.ts';
import type { AssetTypeName } from './uploads.ts';

/** How a form of the application's own route is received. */
export type FormUpload<
  Templates extends KeyTemplates,
  Rules extends LinkRules,
  Name extends AssetTypeName<Templates>,
> = {
  readonly assetType: Name;
  /** Owner of the files. Default: who the request says it is, see `authenticate`. */
  readonly user?: Caller;
  /** Kept with each asset; a form that sends other metadata is refused. Default: what the form sends. */
  readonly metadata?: Readonly<Record<string, unknown>>;
  /** Names of the fields that bring files, the first for messages. Default: `files`, `file`, `files[]`. */
  readonly fileFields?: readonly string[];
  /** Gives up, until the rows are being written. */
  readonly signal?: AbortSignal;
  /**
   * Writes rows of the application in the transaction that records the assets. Not called when a request with the same
   * Idempotency-Key is answered again.
   */
  readonly inTransaction?: InTransaction<Rules, [received: ReceivedForm]>;
} & WithKeyFields<Templates[Name]>;

/** What a form brought. */
export interface ReceivedForm {
  /** In the order of the files. */
  readonly assets: readonly Asset[];
  /** The first file's: for forms that bring one. */
  readonly asset: Asset;
  /** The other fields, as sent; of a name that came several times the last. */
  readonly fields: Readonly<Record<string, string>>;
}

/** A form whose files are assets now. */
export interface FormReceipt extends ReceivedForm {
  readonly allowance: UploadAllowance;
  /** Whether this answers an earlier request with the same Idempotency-Key: nothing was stored. */
  readonly replayed: boolean;
}

/** Reads the form of a request; see `Stowage.receive`. */
export type Receive<Templates extends KeyTemplates, Rules extends LinkRules> = <
  Name extends AssetTypeName<Templates>,
>(
  request: HostRequest,
  upload: FormUpload<Templates, Rules, Name>,
) => Promise<FormReceipt>;

export function createReceive<Templates extends KeyTemplates, Rules extends LinkRules>(
  deps: Deps,
  transactions: Transactions<Rules>,
  authenticate: (request: HostRequest) => Promise<Caller>,
  watchBody: (request: IncomingMessage) => void,
): Receive<Templates, Rules> {
  return async (request, upload) => {
    const raw = rawRequest(request);
    requireUnreadBody(raw);
    const principal = principalOf(upload.user ?? (await authenticate(request)));
    watchBody(raw);
    const { headers } = raw;
    const { inTransaction, fileFields } = upload;
    const fields = new Map<string, string>();
    const receivedOf = (assets: readonly Asset[]): ReceivedForm => {
      const [asset] = assets;
      if (asset === undefined) throw new Error('A form without a file was reported as stored.');
      return { assets, asset, fields: Object.fromEntries(fields) };
    };
    const receipt = await deps.intake.receiveForm({
      principal,
      origin: upload.user?.origin ?? hostOrigin(raw, deps.isTrustedProxy),
      idempotencyKey: singleHeader(headers['idempotency-key']) ?? null,
      signal: upload.signal ?? new AbortController().signal,
      body: raw,
      contentType: headers['content-type'] ?? null,
      contentLength: headers['content-length'] === undefined ? null : Number(headers['content-length']),
      // What the application says stands first, so that a form can only repeat it.
      query: new Map([
        ...Object.entries<string>(upload.fields ?? {}),
        ['asset_type', upload.assetType],
        ...(upload.metadata === undefined ? [] : [['metadata', JSON.stringify(upload.metadata)] as const]),
      ]),
      reprDigest: singleHeader(headers['repr-digest']) ?? null,
      fileFields: fileFields && new Set(fileFields),
      onField: (name, value) => fields.set(name, value),
      within:
        inTransaction &&
        ((assets) => transactions.within((tx) => inTransaction(tx, receivedOf(assets)), assets)),
    });
    return { ...receivedOf(receipt.assets), allowance: receipt.allowance, replayed: receipt.replayed };
  };
}
