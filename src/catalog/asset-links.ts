import type { ClientBase } from 'pg';
import type { Asset } from './catalog.ts';

/** What assets are to the records of an application: which images a brand has, which files a task. */
export interface AssetLinks {
  /**
   * Assets of a record by position, then in the order in which they were linked; at most {@link LINKS_MAX}.
   *
   * @param client the transaction to look from.
   */
  listLinked(record: RecordName, role: string | null, client?: ClientBase): Promise<readonly LinkedAsset[]>;

  /** The records that an asset is linked to; at most {@link LINKS_MAX}. */
  listLinks(tenantId: string, assetId: string): Promise<readonly AssetLink[]>;

  /**
   * Keeps the record to this transaction until it ends, so that what is counted stays true.
   *
   * @returns the assets it has in each role that has any.
   */
  lockLinks(client: ClientBase, record: RecordName): Promise<ReadonlyMap<string, number>>;

  /**
   * Links a stored asset to a record, or gives an existing link another position.
   *
   * @param isNew the asset is recorded later in the same transaction: nothing is known of it yet.
   * @returns false when there is no such asset; nothing was written.
   */
  addLink(client: ClientBase, link: AssetLink, options: LinkOptions): Promise<boolean>;

  /** Removes the links of a record that fit. @returns the ids of their assets. */
  removeLinks(
    client: ClientBase,
    record: RecordName,
    which: { readonly assetId: string | null; readonly role: string | null },
  ): Promise<readonly string[]>;
}

/** Most links that are listed at once. */
export const LINKS_MAX = 1_000;

/** A record of an application, as far as the catalog knows it. */
export interface RecordName {
  readonly tenantId: string;
  /** What kind of record, for example `brand`. */
  readonly recordType: string;
  readonly recordId: string;
}

export interface AssetLink extends RecordName {
  readonly assetId: string;
  /** What the asset is to the record, for example `logo`; `''` when the application makes no difference. */
  readonly role: string;
  /** Its place among the others; null: after those that have one. */
  readonly position: number | null;
}

export interface LinkOptions {
  readonly nowMs: number;
  readonly isNew: boolean;
}

/** An asset as one record refers to it. */
export interface LinkedAsset {
  readonly asset: Asset;
  readonly role: string;
  readonly position: number | null;
}
