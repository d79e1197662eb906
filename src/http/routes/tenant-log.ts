import Type from 'typebox';
import { isUserId } from '../../access/claims.ts';
import { StowageError } from '../../core/errors.ts';
import { AccessActionSchema, LogPageSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { CursorParameter, LimitParameter } from '../parameters.ts';
import { renderEntry } from '../render.ts';
import { type Route, userRoute } from '../route.ts';

const time = (description: string) => Type.Optional(Type.String({ maxLength: 40, description }));

/** `GET /api/access-log`: what happened in the tenant, for its admins. */
export function tenantLog(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/access-log',
    operation: 'accessLog',
    summary: 'Search the access log of the tenant, newest first',
    description: 'For admins. Filters combine.',
    access: 'admin',
    query: Type.Object({
      user_id: Type.Optional(
        Type.String({ minLength: 1, maxLength: 255, description: 'Only what this user did.' }),
      ),
      asset_id: Type.Optional(
        Type.String({ format: 'uuid', description: 'Only what happened to this asset.' }),
      ),
      action: Type.Optional(AccessActionSchema),
      from: time('Only from this time on: RFC 3339, or a date (UTC).'),
      to: time('Only before this time: RFC 3339, or a date (UTC).'),
      limit: LimitParameter,
      cursor: CursorParameter,
    }),
    success: { status: 200, description: 'One page of entries.', schema: LogPageSchema },
    errors: ['database_unavailable'],
    handle: async ({ principal, query }) => {
      const page = await deps.catalog.listAccess({
        tenantId: principal.tenantId,
        userId: userIdOf(query.user_id),
        assetId: query.asset_id?.toLowerCase() ?? null,
        action: query.action ?? null,
        fromMs: timeOf('from', query.from),
        toMs: timeOf('to', query.to),
        limit: query.limit,
        cursor: query.cursor ?? null,
      });
      return { entries: page.items.map(renderEntry), next_cursor: page.nextCursor };
    },
  });
}

/** Who is no user has done nothing; and the database takes no NUL. */
function userIdOf(text: string | undefined): string | null {
  if (text === undefined) return null;
  if (isUserId(text)) return text;
  throw new StowageError('invalid_parameter', 'The parameter user_id must have 1 to 255 plain characters.', {
    fields: { parameter: 'user_id' },
  });
}

/** RFC 3339 §5.6, and its full-date alone. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:[Zz]|[+-]\d{2}:\d{2}))?$/;

function timeOf(parameter: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  // A plus sign that was not percent-encoded arrives as a space.
  const time = text.replace(/ (\d{2}:\d{2})$/, '+$1');
  const ms = Date.parse(time);
  if (!TIME.test(time) || Number.isNaN(ms) || rollsOver(time)) {
    throw new StowageError('invalid_parameter', `The parameter ${parameter} must be an RFC 3339 time.`, {
      fields: { parameter },
    });
  }
  return ms;
}

/** Whether `Date.parse` takes it for another day: it makes 2 March of 30 February, and the next day of 24:00. */
function rollsOver(time: string): boolean {
  const day = time.slice(0, 10);
  // `toJSON` answers null for what is no date at all.
  return !String(new Date(day).toJSON()).startsWith(day) || time.startsWith('24', 11);
}
