import { isUserId } from '../../access/claims.ts';
import { StowageError } from '../../core/errors.ts';
import { ErasureSchema } from '../../protocol/index.ts';
import type { Deps } from '../deps.ts';
import { originOf } from '../request-context.ts';
import { type Route, userRoute } from '../route.ts';

/** `DELETE /api/users/{id}`: erases a user's assets. */
export function eraseUser(deps: Deps): Route {
  return userRoute({
    method: 'DELETE',
    path: '/api/users/:user_id',
    operation: 'eraseUser',
    summary: "Erase all of a user's assets",
    description:
      'For admins, within their tenant. Runs in the background, after a restart too; each asset that goes is in the access log, which keeps that it happened. A user without assets is erased at once.',
    access: 'admin',
    params: { user_id: 'The user, as in the `sub` of tokens.' },
    success: { status: 202, description: 'The erasure is accepted.', schema: ErasureSchema },
    errors: ['invalid_parameter', 'conflict', 'database_unavailable'],
    handle: async ({ principal, params, request, reply }) => {
      const userId = params.user_id;
      if (!isUserId(userId)) {
        throw new StowageError('invalid_parameter', 'The user id must have 1 to 255 plain characters.', {
          fields: { parameter: 'user_id' },
        });
      }
      await deps.removal.eraseUser(userId, principal, originOf(request, deps.isTrustedProxy));
      reply.code(202);
      return { user_id: userId, status: 'accepted' };
    },
  });
}
