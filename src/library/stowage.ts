import type { IncomingMessage } from 'node:http';
import { requireAdmin } from '../access/ownership.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Config } from '../config/config.ts';
import type { KeyTemplates } from '../config/key-templates.ts';
import type { Principal } from '../core/principal.ts';
import type { Mount } from '../http/mount.ts';
import type { Service } from '../service/open-service.ts';
import { type AccessLog, createAccessLog } from './access-log.ts';
import { answerError } from './answer-error.ts';
import type { AppConnections, AppDatabase } from './app-database.ts';
import { type Assets, createAssets, createReach } from './assets.ts';
import { type Caller, originOf, principalOf } from './callers.ts';
import { createDelete, type Delete } from './deletion.ts';
import type { EventHub } from './events.ts';
import {
  createFastifyRoutes,
  createHandler,
  type FastifyRoutes,
  type Handler,
  type HandlerOptions,
} from './handler.ts';
import { type HostRequest, type HostResponse, hostOrigin, rawRequest } from './host-request.ts';
import { createIssueToken, type IssueToken } from './issue-token.ts';
import { createReceive, type Receive } from './receive.ts';
import type { LinkRules, NewLink, RecordRef } from './record-links.ts';
import { createSend, type Send } from './send.ts';
import { createTransactions, type RecordAsset, recordOf, type Transaction } from './transactions.ts';
import { type AssetTypeName, createUploads, type Uploads } from './uploads.ts';

/**
 * Stowage inside another program: the same gate, rights, limits and log as over HTTP.
 *
 * Every call that names a user throws StowageError `invalid_parameter` when the names could not be a token's, and
 * `database_unavailable` or `storage_unavailable` when one of the two can't be reached.
 */
export interface Stowage<Templates extends KeyTemplates = KeyTemplates, Rules extends LinkRules = LinkRules>
  extends Assets<AssetTypeName<Templates>>,
    Uploads<Templates, Rules>,
    AsyncDisposable {
  readonly config: Config;
  /** What clients reach the routes by, without a trailing slash. */
  readonly url: string;
  /** The application's own tables, in the same database. */
  readonly database: AppDatabase;

  /**
   * Reads the multipart form of a request as it arrives: its files become assets, all or none, and its other fields are
   * handed over. `Idempotency-Key` and `Repr-Digest` count as at `POST /api/upload`.
   *
   * @throws StowageError as `POST /api/upload` answers; `internal_error` when a body parser has read the body before.
   */
  readonly receive: Receive<Templates, Rules>;
  /**
   * Answers a GET or HEAD of the application's own route with an asset: ranges, ETag, safe headers, and the read in the log.
   * Fulfilled when the answer is out.
   *
   * @throws StowageError as `GET /api/assets/{id}/download` answers; nothing has been sent then.
   */
  readonly send: Send;
  /**
   * Deletes an asset and its bytes.
   *
   * @throws StowageError `not_found`, `forbidden`; `conflict` while it is linked to a record, unless `unlink` is said, and
   *   when a rule of such a record forbids it; what `inTransaction` throws.
   */
  readonly delete: Delete<Rules>;

  /**
   * Erases all that a user of the admin's tenant has. Fulfilled when that is durable; it is carried out in the background, and
   * after a crash again. Links do not keep an asset.
   *
   * @throws StowageError `forbidden` when the caller is no admin; `conflict` when too many erasures wait.
   */
  eraseUser(userId: string, admin: Caller): Promise<void>;

  /**
   * Links an asset that the user may reach to a record of the application, or changes its position there. A linked asset
   * can't be deleted and does not count as unused.
   *
   * @throws StowageError `not_found`, `forbidden`; `invalid_parameter` for names and counts that the rules do not allow.
   */
  link(link: NewLink<Rules>, user: Caller): Promise<void>;
  /**
   * Takes an asset away from a record of the user's tenant; without `assetId` all of them, of one role or of every one.
   * Whether the user may change the record is the application's question.
   *
   * @returns the ids of the assets that were linked. They stay stored.
   * @throws StowageError `conflict` when too few would remain.
   */
  unlink(record: RecordRef<Rules> & { readonly assetId?: string }, user: Caller): Promise<readonly string[]>;
  /** Assets of a record of the user's tenant, by position; whoever owns them. At most 1,000. */
  linked(record: RecordRef<Rules>, user: Caller): Promise<readonly RecordAsset[]>;

  /**
   * Runs statements on the application's tables and changes of links in one transaction.
   *
   * @throws what `work` throws, and nothing is written then; `database_unavailable` when it is not known whether it is.
   */
  transaction<Result>(work: (tx: Transaction<Rules>) => Promise<Result>): Promise<Result>;

  /**
   * Calls a listener with what this process records, after it is durable: at most once, in order, not after a crash.
   *
   * @returns takes the listener away again.
   */
  readonly on: EventHub['on'];

  /**
   * Who sends a request: by `authenticate` of the options, else by the token in `Authorization`.
   *
   * @throws StowageError `unauthenticated`.
   */
  authenticate(request: HostRequest): Promise<Caller & Principal>;
  /**
   * A token for a user whom the program has let in: by it the mounted routes, and every service with the same `JWT_SECRET`,
   * know who asks. For pages that use `stowage/client`.
   *
   * @throws StowageError `invalid_parameter`; TypeError when tokens come from a JWKS.
   */
  readonly issueToken: IssueToken;
  /** Stowage's routes for `node:http` and Express. */
  handler(options?: HandlerOptions): Handler;
  /** Stowage's routes for Fastify: `app.register(stowage.fastifyRoutes, { prefix: '/storage' })`. */
  readonly fastifyRoutes: FastifyRoutes;
  /**
   * Answers a StowageError as the routes do, also when the client is still sending.
   *
   * @returns false for other errors: they are the application's to answer.
   */
  answerError(error: unknown, request: HostRequest, response: HostResponse): boolean;

  /** Who did what, newest first: see {@link AccessLog}. */
  readonly accessLog: AccessLog;
  /** The catalog itself, for what has no method here. */
  readonly catalog: Catalog;
  /** Waits for answers, listeners and uploads under way, and closes store and database. Close the own server first. */
  close(): Promise<void>;
}

/** Puts the calls of a program on top of an open service. */
export function assembleStowage<Templates extends KeyTemplates, Rules extends LinkRules>(parts: {
  readonly config: Config;
  readonly service: Service;
  readonly database: AppConnections;
  readonly mount: Mount;
  readonly hub: EventHub;
  readonly hosts: WeakMap<IncomingMessage, object>;
  readonly rules: LinkRules;
}): Stowage<Templates, Rules> {
  const { service, database, mount, hub, hosts } = parts;
  const { deps } = service;
  const reach = createReach(deps);
  const transactions = createTransactions<Rules>({ ...deps, database, rules: parts.rules });
  const authenticate = async (request: HostRequest): Promise<Caller & Principal> => {
    const raw = rawRequest(request);
    if (raw !== request) hosts.set(raw, request);
    const principal = await deps.verifier.authenticate(raw.headers.authorization, raw);
    return { ...principal, origin: hostOrigin(raw, deps.isTrustedProxy) };
  };
  const answer: Stowage['answerError'] = (error, request, response) =>
    answerError(deps, error, request, response);
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= closeAll(parts);
    return closed;
  };
  return {
    ...createAssets(deps, reach),
    ...createUploads<Templates, Rules>({
      intake: service.intake,
      directUploads: deps.directUploads,
      transactions,
    }),
    config: parts.config,
    get url() {
      return deps.publicUrl();
    },
    database,
    catalog: deps.catalog,
    receive: createReceive(deps, transactions, authenticate, mount.watchBody),
    send: createSend(deps, reach, authenticate),
    delete: createDelete(deps, reach, transactions),
    async eraseUser(userId, admin) {
      const principal = principalOf(admin);
      requireAdmin(principal);
      const erased = principalOf({ userId, tenantId: principal.tenantId });
      await deps.removal.eraseUser(erased.userId, principal, originOf(admin));
    },
    link: (link, user) => transactions.run((tx) => tx.link(link, user)),
    unlink: (record, user) => transactions.run((tx) => tx.unlink(record, user)),
    linked: (record, user) => deps.catalog.listLinked(recordOf(record, user), record.role ?? null),
    transaction: transactions.run,
    accessLog: createAccessLog(deps.catalog),
    on: hub.on,
    authenticate,
    issueToken: createIssueToken(parts.config.access, deps.clock),
    handler: (options) => createHandler(mount, answer, options),
    fastifyRoutes: createFastifyRoutes(mount, answer, hosts),
    answerError: answer,
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function closeAll(parts: {
  readonly service: Service;
  readonly database: AppConnections;
  readonly mount: Mount;
  readonly hub: EventHub;
}): Promise<void> {
  const { service, database, mount, hub } = parts;
  await mount.close();
  await hub.close();
  await database.close();
  await service.close();
}
