import type { FastifyInstance } from 'fastify';
import { StowageError } from 'stowage';
import { type Static, Type } from 'typebox';
import { addColleague } from '../accounts/users.ts';
import type { Storage } from '../storage.ts';
import { Email, NewPassword } from './schemas.ts';

const Body = Type.Object({ email: Email, password: NewPassword });

/** `POST /auth/users`: an admin lets a colleague in. */
export function addColleagueRoute(app: FastifyInstance, stowage: Storage): void {
  app.post<{ Body: Static<typeof Body> }>(
    '/auth/users',
    { schema: { body: Body } },
    async (request, reply) => {
      const { tenantId, role } = await stowage.authenticate(request);
      if (role !== 'admin') throw new StowageError('forbidden', 'Colleagues are added by an admin.');
      const { password } = request.body;
      const email = request.body.email.toLowerCase();
      const { userId } = await addColleague(stowage, tenantId, { email, password });
      return reply.code(201).send({ user_id: userId });
    },
  );
}
