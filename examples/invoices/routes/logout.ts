import type { FastifyInstance } from 'fastify';
import { closeSession } from '../accounts/sessions.ts';
import type { Storage } from '../storage.ts';
import { RefreshBody } from './refresh.ts';
import { clearCookie, refreshTokenOf } from './session-answer.ts';

/** `POST /auth/logout`: no further token comes from this login. An access token that is out lives on for its minutes. */
export function logout(app: FastifyInstance, stowage: Storage): void {
  app.post('/auth/logout', { schema: { body: RefreshBody } }, async (request, reply) => {
    await closeSession(stowage, refreshTokenOf(request).token);
    clearCookie(stowage, reply);
    return reply.code(204).send();
  });
}
