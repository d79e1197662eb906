import { requireAdmin, requireReachable } from '../access/ownership.ts';
import type { AccessAction, Catalog } from '../catalog/catalog.ts';
import { StowageError } from '../core/errors.ts';
import { isUuid } from '../core/ids.ts';
import { renderEntry } from '../http/render.ts';
import type { LogPageJson } from '../protocol/index.ts';
import { type Caller, invalidParameter, principalOf } from './callers.ts';

/** Which entries of the access log; filters combine. */
export interface AccessLogFilter {
  readonly assetId?: string;
  readonly userId?: string;
  readonly action?: AccessAction;
  /** From this time on, in milliseconds since 1970. */
  readonly fromMs?: number;
  /** Before this time. */
  readonly toMs?: number;
  /** 1 to 200; 50 unless told otherwise. */
  readonly limit?: number;
  /** `next_cursor` of the page before. */
  readonly cursor?: string | null;
}

/**
 * Who did what, newest first, as `/api/access-log` answers it. For admins of the tenant; for others the log of an asset
 * that they may reach.
 *
 * @throws StowageError `forbidden`, `not_found`, `invalid_parameter`.
 */
export type AccessLog = (user: Caller, filter?: AccessLogFilter) => Promise<LogPageJson>;

const LIMIT_MAX = 200;
const LIMIT_DEFAULT = 50;

export function createAccessLog(catalog: Catalog): AccessLog {
  return async (user, filter = {}) => {
    const principal = principalOf(user);
    const { assetId, limit = LIMIT_DEFAULT } = filter;
    if (!Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
      throw invalidParameter('limit', `must be a whole number from 1 to ${LIMIT_MAX}`);
    }
    for (const name of ['fromMs', 'toMs'] as const) {
      if (!Number.isSafeInteger(filter[name] ?? 0)) throw invalidParameter(name, 'must be a whole number');
    }
    if (assetId !== undefined && !isUuid(assetId))
      throw new StowageError('not_found', 'There is no such asset.');
    if (assetId === undefined || principal.role === 'admin') requireAdmin(principal);
    else requireReachable(await catalog.findAsset(principal.tenantId, assetId.toLowerCase()), principal);
    const page = await catalog.listAccess({
      tenantId: principal.tenantId,
      assetId: assetId?.toLowerCase() ?? null,
      // Who can't be a user has done nothing: checked as such.
      userId: filter.userId === undefined ? null : principalOf({ userId: filter.userId }).userId,
      action: filter.action ?? null,
      fromMs: filter.fromMs ?? null,
      toMs: filter.toMs ?? null,
      limit,
      cursor: filter.cursor ?? null,
    });
    return { entries: page.items.map(renderEntry), next_cursor: page.nextCursor };
  };
}
