import type { ClientBase, QueryResult, QueryResultRow } from 'pg';
import { requireReachable } from '../access/ownership.ts';
import type { RecordName } from '../catalog/asset-links.ts';
import type { Asset, Catalog } from '../catalog/catalog.ts';
import type { Within } from '../catalog/transaction.ts';
import type { Clock } from '../core/clock.ts';
import type { AppConnections, Turns } from './app-database.ts';
import { type Caller, principalOf } from './callers.ts';
import { checkRecord, LinkChanges, type LinkRules, type NewLink, type RecordRef } from './record-links.ts';

/**
 * A transaction in which the application's rows and Stowage's are written together or not at all. It holds a connection
 * and locks: no requests to others, no waiting in it. The server ends it after 10 seconds in which it does nothing.
 */
export interface Transaction<Rules extends LinkRules = LinkRules> {
  /**
   * The connection, for query builders. `commit` and `rollback` are not theirs to say, and nothing is sent on it while a
   * call of this transaction is not awaited yet.
   */
  readonly client: ClientBase;
  /** Runs one statement. Errors are those of the driver, and end the transaction. */
  query<Row extends QueryResultRow = QueryResultRow>(
    text: string,
    values?: readonly unknown[],
  ): Promise<QueryResult<Row>>;
  /** As `stowage.link`. The assets of the upload that the transaction belongs to can be linked too. */
  link(link: NewLink<Rules>, user: Caller): Promise<void>;
  /** As `stowage.unlink`. */
  unlink(record: RecordRef<Rules> & { readonly assetId?: string }, user: Caller): Promise<readonly string[]>;
  /** As `stowage.linked`, with what this transaction has changed. */
  linked(record: RecordRef<Rules>, user: Caller): Promise<readonly RecordAsset[]>;
}

/** An asset as a record refers to it. */
export interface RecordAsset {
  readonly asset: Asset;
  readonly role: string;
  readonly position: number | null;
}

/** What a program does inside a transaction. What it throws undoes all of it. */
export type InTransaction<Rules extends LinkRules, Given extends readonly unknown[] = []> = (
  tx: Transaction<Rules>,
  ...given: Given
) => Promise<unknown>;

/** Makes transactions for the application's rows, and for uploads and removals that share them. */
export interface Transactions<Rules extends LinkRules> {
  run<Result>(work: (tx: Transaction<Rules>) => Promise<Result>): Promise<Result>;
  /** A transaction for the catalog to write in. @param newAssets those that it is about to record. */
  within(work: InTransaction<Rules>, newAssets: readonly Asset[]): Within;
}

interface TransactionParts {
  readonly database: AppConnections;
  readonly catalog: Catalog;
  readonly rules: LinkRules;
  readonly clock: Clock;
}

export function createTransactions<Rules extends LinkRules>(parts: TransactionParts): Transactions<Rules> {
  const together = async <Result, Recorded>(
    work: (tx: Transaction<Rules>) => Promise<Result>,
    newAssets: readonly Asset[],
    record: (client: ClientBase) => Promise<Recorded>,
  ): Promise<{ readonly result: Result; readonly recorded: Recorded }> => {
    let result: { readonly value: Result } | undefined;
    const recorded = await parts.database.together(async (client, turns) => {
      const changes = new LinkChanges(client, parts);
      const tx = openTransaction<Rules>(parts, { client, turns, changes, newAssets });
      try {
        result = { value: await work(tx) };
      } finally {
        tx.end();
      }
      await turns.asCatalog(() => changes.check());
    }, record);
    if (result === undefined) throw new Error('A transaction was committed before its work was done.');
    return { result: result.value, recorded };
  };
  return {
    run: async (work) => (await together(work, [], async () => undefined)).result,
    within: (work, newAssets) => async (record) => (await together(work, newAssets, record)).recorded,
  };
}

interface TransactionState {
  readonly client: ClientBase;
  readonly turns: Turns;
  readonly changes: LinkChanges;
  readonly newAssets: readonly Asset[];
}

function openTransaction<Rules extends LinkRules>(
  { catalog, rules }: TransactionParts,
  { client, turns, changes, newAssets }: TransactionState,
): Transaction<Rules> & { end(): void } {
  let isOver = false;
  const requireOpen = (): void => {
    if (isOver) throw new Error('The transaction is over: everything in it must be awaited.');
  };
  return {
    get client() {
      requireOpen();
      return client;
    },
    async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
      requireOpen();
      return await turns.asApp(() => client.query<Row>(text, [...values]));
    },
    async link(link, user) {
      requireOpen();
      const principal = principalOf(user);
      const { assetId, role = '', position = null } = link;
      // Of another tenant it is as unknown as any: no row tells yet whose it is.
      const isNew = newAssets.some(
        (asset) => asset.assetId === assetId && asset.tenantId === principal.tenantId,
      );
      if (!isNew) requireReachable(await catalog.findAsset(principal.tenantId, assetId), principal);
      await turns.asCatalog(() => changes.add(recordOf(link, user), { assetId, role, position }, isNew));
    },
    async unlink(which, user) {
      requireOpen();
      const { assetId = null, role = null } = which;
      return await turns.asCatalog(() => changes.remove(recordOf(which, user), { assetId, role }));
    },
    async linked(record, user) {
      requireOpen();
      const name = recordOf(record, user);
      checkRecord(rules, name);
      return await turns.asCatalog(() => changes.list(name, record.role ?? null));
    },
    end() {
      isOver = true;
    },
  };
}

/** The record as the catalog names it: that of the caller's tenant. */
export function recordOf(
  { recordType, recordId }: { readonly recordType: string; readonly recordId: string },
  user: Caller,
): RecordName {
  return { tenantId: principalOf(user).tenantId, recordType, recordId };
}
