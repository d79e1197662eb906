import type { BlobSASPermissions, StorageSharedKeyCredential, UserDelegationKey } from '@azure/storage-blob';
import type { ObjectKey } from '../../core/key.ts';
import { signingPeriod } from '../../core/signing-window.ts';
import type {
  ObjectMetadata,
  SignedUrl,
  SignedWrite,
  SignPartOptions,
  SignReadOptions,
  SignWriteOptions,
} from '../backend.ts';
import { DelegationKeys } from './delegation-keys.ts';
import { encodeMetadata } from './object-info.ts';

type Sdk = typeof import('@azure/storage-blob');

/** What signing needs of an account: its key, or a way to ask for a key that a token's owner delegates. */
export interface SasSource {
  readonly sdk: Sdk;
  readonly containerName: string;
  readonly containerUrl: string;
  readonly accountName: string;
  /** Null when the account is reached by a token. */
  readonly sharedKey: StorageSharedKeyCredential | null;
  /** Asks the account for a delegated key. */
  readonly fetchKey: (startsOn: Date, expiresOn: Date) => Promise<UserDelegationKey>;
}

/** What is allowed by a signature, to one blob. */
interface SasGrant {
  readonly permissions: string;
  readonly contentDisposition?: string;
  readonly contentType?: string;
}

interface SigningTime {
  readonly nowMs: number;
  readonly lifetimeSeconds: number;
}

/**
 * Signs URLs for single blobs (a "service SAS"; with a token, a "user delegation SAS").
 *
 * No start time is signed: the store's clock may be behind ours, and a URL must work at once. Its end is counted from
 * the start of the signing window.
 */
export class SasSigner {
  readonly #source: SasSource;
  readonly #keys: DelegationKeys;

  constructor(source: SasSource) {
    this.#source = source;
    this.#keys = new DelegationKeys(source.fetchKey);
  }

  /** A URL that reads one object. */
  async signRead(key: ObjectKey, options: SignReadOptions): Promise<SignedUrl> {
    const { contentDisposition, contentType } = options;
    return this.#sign(key, options, { permissions: 'r', contentDisposition, contentType });
  }

  /** Instructions that write one object. The store binds neither its size nor its type: completion checks both. */
  async signWrite(key: ObjectKey, options: SignWriteOptions): Promise<SignedWrite> {
    const { url, expiresAtMs } = await this.#sign(key, options, { permissions: 'cw' });
    const headers: Record<string, string> = {
      'content-type': options.contentType,
      'x-ms-blob-type': 'BlockBlob',
      ...metadataHeaders(options.metadata),
    };
    if (options.cacheControl !== '') headers['x-ms-blob-cache-control'] = options.cacheControl;
    return { method: 'PUT', url, headers, fields: {}, expiresAtMs, sizeEnforcedBy: 'completion' };
  }

  /** A URL that stages one block. The signature covers the blob, not the block's name. */
  async signBlock(key: ObjectKey, blockId: string, options: SignPartOptions): Promise<SignedWrite> {
    const { url, expiresAtMs } = await this.#sign(key, options, { permissions: 'cw' });
    return {
      method: 'PUT',
      url: `${url}&comp=block&blockid=${encodeURIComponent(blockId)}`,
      headers: {},
      fields: {},
      expiresAtMs,
      sizeEnforcedBy: 'completion',
    };
  }

  async #sign(key: ObjectKey, time: SigningTime, grant: SasGrant): Promise<SignedUrl> {
    const { sdk, containerName, containerUrl, accountName, sharedKey } = this.#source;
    const { startSeconds, endSeconds } = signingPeriod(time.nowMs, time.lifetimeSeconds);
    const values = {
      ...grant,
      permissions: sdk.BlobSASPermissions.parse(grant.permissions) as BlobSASPermissions,
      containerName,
      blobName: key,
      expiresOn: new Date(endSeconds * 1000),
      protocol: containerUrl.startsWith('https:') ? sdk.SASProtocol.Https : sdk.SASProtocol.HttpsAndHttp,
    };
    const sas =
      sharedKey === null
        ? sdk.generateBlobSASQueryParameters(
            values,
            await this.#keys.keyFor(startSeconds, endSeconds),
            accountName,
          )
        : sdk.generateBlobSASQueryParameters(values, sharedKey);
    return { url: `${containerUrl}/${encodeKey(key)}?${sas}`, expiresAtMs: endSeconds * 1000 };
  }
}

function metadataHeaders(metadata: ObjectMetadata): Record<string, string> {
  const named = Object.entries(encodeMetadata(metadata));
  return Object.fromEntries(named.map(([name, value]) => [`x-ms-meta-${name}`, value]));
}

function encodeKey(key: ObjectKey): string {
  return key.split('/').map(encodeURIComponent).join('/');
}
