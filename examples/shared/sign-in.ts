import express, { type RequestHandler, type Router } from 'express';
import { type Stowage, StowageError } from 'stowage';

const TOKEN_SECONDS = 8 * 3600;
const NAME = /^[\w.@-]{1,64}$/;

/**
 * Where your login goes: here a name is enough, so it is gone in production. It mints the token that Stowage
 * verifies and keeps it in a cookie, for the links and pictures of a page; programs send it as `Authorization: Bearer`.
 * The examples that have users of their own do without it.
 */
export function signInRoutes(stowage: Pick<Stowage, 'issueToken' | 'config'>): Router {
  const routes = express.Router();
  routes.use(cookieAsToken);
  routes.post('/session', express.json(), async (request, response) => {
    if (stowage.config.environment === 'production') {
      throw new StowageError('not_found', 'A name is no login: in production there is none of it.');
    }
    const { name } = (request.body ?? {}) as { name?: unknown };
    if (typeof name !== 'string' || !NAME.test(name)) {
      throw new StowageError('invalid_parameter', 'A name has 1 to 64 letters, digits and . _ @ -.');
    }
    const token = await stowage.issueToken({ userId: name }, { lifetimeSeconds: TOKEN_SECONDS });
    // Strict: the browser sends it with requests of our own pages only, so nobody else's page can upload or delete.
    const cookie = { httpOnly: true, sameSite: 'strict', secure: request.secure } as const;
    response.cookie('session', token, { ...cookie, maxAge: TOKEN_SECONDS * 1000 }).json({ token });
  });
  return routes;
}

const cookieAsToken: RequestHandler = (request, _response, next) => {
  const [, token] = /(?:^|;\s*)session=([\w.-]+)/.exec(request.headers.cookie ?? '') ?? [];
  if (token !== undefined) request.headers.authorization ??= `Bearer ${token}`;
  next();
};
