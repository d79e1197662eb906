import express from 'express';
import { createStowage } from 'stowage';

// Your sessions: wherever they come from, a request leads to a user.
const sessions = new Map([['ana-session', { userId: 'ana', tenantId: 'acme' }]]);

const port = Number(process.argv[2] ?? 4000);
const stowage = await createStowage({
  cwd: process.cwd(),
  env: process.env,
  publicUrl: `http://127.0.0.1:${port}/storage`,
  authenticate: (request) =>
    sessions.get(/\bsession=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '') ?? null,
});

const app = express();
app.use('/storage', stowage.handler()); // before any body parser
app.use(express.json());
app.get('/me', async (request, response) => {
  const user = await stowage.authenticate(request);
  response.json({ user: user.userId, ...(await stowage.usage(user)) });
});
app.use(((error, request, response, next) => {
  if (!stowage.answerError(error, request, response)) next(error);
}) satisfies express.ErrorRequestHandler);

const server = app.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${port}`));
process.once('SIGTERM', () => server.close(() => void stowage.close()));
