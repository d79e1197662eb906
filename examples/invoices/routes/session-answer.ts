import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGIN_SECONDS, type Session } from '../accounts/sessions.ts';

/** Where the page's refresh token lies: scripts can't read it, and it goes to no route but these. */
const COOKIE = 'refresh_token';
const COOKIE_PATH = '/auth';

/**
 * Answers with tokens. A program gets both in the body; a page says `cookie`, and no script of it ever sees the one that
 * lasts.
 */
export function sendSession(
  request: FastifyRequest,
  reply: FastifyReply,
  { session, cookie }: { readonly session: Session; readonly cookie: boolean },
): void {
  if (cookie) setCookie(request, reply, session.refreshToken, LOGIN_SECONDS);
  reply.header('cache-control', 'no-store').send({
    access_token: session.accessToken,
    token_type: 'Bearer',
    expires_in: session.expiresInSeconds,
    ...(!cookie && { refresh_token: session.refreshToken }),
  });
}

export function clearCookie(request: FastifyRequest, reply: FastifyReply): void {
  setCookie(request, reply, '', 0);
}

/** The refresh token of a request, and how it came. */
export function refreshTokenOf({ body, headers }: FastifyRequest): {
  readonly token: string;
  readonly cookie: boolean;
} {
  const sent = (body as { refresh_token?: string } | null)?.refresh_token;
  if (sent !== undefined) return { token: sent, cookie: false };
  const [, kept = ''] = new RegExp(`(?:^|;\\s*)${COOKIE}=([\\w-]+)`).exec(headers.cookie ?? '') ?? [];
  return { token: kept, cookie: true };
}

function setCookie(request: FastifyRequest, reply: FastifyReply, value: string, seconds: number): void {
  const secure = request.protocol === 'https' ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=${COOKIE_PATH}; Max-Age=${seconds}${secure}`,
  );
}
