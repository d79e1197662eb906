import type { FastifyInstance } from 'fastify';
import { StowageError } from 'stowage';
import { type Static, Type } from 'typebox';
import { countAttempt, forgetAttempts } from '../accounts/attempts.ts';
import { checkPassword } from '../accounts/passwords.ts';
import { openSession } from '../accounts/sessions.ts';
import { findAccount } from '../accounts/users.ts';
import type { Storage } from '../storage.ts';
import { Email } from './schemas.ts';
import { sendSession } from './session-answer.ts';

const Body = Type.Object({
  email: Email,
  password: Type.String({ maxLength: 200 }),
  cookie: Type.Optional(Type.Boolean()),
});

/** `POST /auth/login`: a password for tokens. Who guesses learns nothing, by words or by time, about who has an account. */
export function login(app: FastifyInstance, stowage: Storage): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/auth/login',
    { schema: { body: Body } },
    async (request, reply) => {
      const { password, cookie = false } = request.body;
      const email = request.body.email.toLowerCase();
      await countAttempt(stowage, email, request.ip);
      const account = await findAccount(stowage, email);
      const isRight = await checkPassword(password, account?.passwordHash);
      if (account === undefined || !isRight) {
        throw new StowageError('unauthenticated', 'The e-mail address or the password is wrong.');
      }
      await forgetAttempts(stowage, email, request.ip);
      sendSession(stowage, reply, { session: await openSession(stowage, account), cookie });
      return reply;
    },
  );
}
