import type { FastifyInstance } from 'fastify';
import { type Static, Type } from 'typebox';
import { countAttempt } from '../accounts/attempts.ts';
import { openSession } from '../accounts/sessions.ts';
import { createCompany } from '../accounts/users.ts';
import type { Storage } from '../storage.ts';
import { Email, NewPassword } from './schemas.ts';
import { sendSession } from './session-answer.ts';

const Body = Type.Object({
  company: Type.String({ minLength: 1, maxLength: 200 }),
  email: Email,
  password: NewPassword,
  cookie: Type.Optional(Type.Boolean()),
});

/** `POST /auth/register`: a company of its own, which nobody else ever sees, and its first user. */
export function register(app: FastifyInstance, stowage: Storage): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/auth/register',
    { schema: { body: Body } },
    async (request, reply) => {
      const { company, password, cookie = false } = request.body;
      const email = request.body.email.toLowerCase();
      await countAttempt(stowage, email, request.ip);
      const user = await createCompany(stowage, { company, email, password });
      reply.code(201);
      sendSession(stowage, reply, { session: await openSession(stowage, user), cookie });
      return reply;
    },
  );
}
