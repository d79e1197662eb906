import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import { refreshSession } from '../accounts/sessions.ts';
import type { Storage } from '../storage.ts';
import { refreshTokenOf, sendSession } from './session-answer.ts';

export const RefreshBody = Type.Union([
  Type.Object({ refresh_token: Type.Optional(Type.String({ maxLength: 100 })) }),
  Type.Null(),
]);

/** `POST /auth/refresh`: the next access token, and the next refresh token in exchange for this one. */
export function refresh(app: FastifyInstance, stowage: Storage): void {
  app.post('/auth/refresh', { schema: { body: RefreshBody } }, async (request, reply) => {
    const { token, cookie } = refreshTokenOf(request);
    sendSession(stowage, reply, { session: await refreshSession(stowage, token), cookie });
    return reply;
  });
}
