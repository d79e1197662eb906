import { UsageSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { type Route, userRoute } from '../route.ts';

/** `GET /api/usage`: files and bytes in store. */
export function usage(deps: Deps): Route {
  return userRoute({
    method: 'GET',
    path: '/api/usage',
    operation: 'usage',
    summary: 'Count files and bytes',
    description: "The caller's own; for admins, the whole tenant's.",
    success: { status: 200, description: 'Files and bytes.', schema: UsageSchema },
    errors: ['database_unavailable'],
    handle: async ({ principal }) =>
      await deps.catalog.usage(principal.tenantId, principal.role === 'admin' ? null : principal.userId),
  });
}
