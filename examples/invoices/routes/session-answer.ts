import type { FastifyReply, FastifyRequest } from 'fastify';
import { LOGIN_SECONDS, type Session } from '../accounts/sessions.ts';
import { isHttps, type Storage } from '../storage.ts';

/** Where the page's refresh token lies: scripts can't read it, and it goes to no route but these. */
const COOKIE = 'refresh_token';
const COOKIE_PATH = '/auth';

/**
 * Answers with tokens. A program gets both in the body; a page says `cookie`, and no script of it ever sees the one that
 * lasts.
 */
export function sendSession(
  stowage: Storage,
  reply: FastifyReply,
  { session, cookie }: { readonly session: Session; readonly cookie: boolean },
): void {
  if (cookie) setCookie(stowage, reply, session.refreshToken, LOGIN_SECONDS);
  reply.header('cache-control', 'no-store').send({
    access_token: session.accessToken,
    token_type: 'Bearer',
    expires_in: session.expiresInSeconds,
    ...(!cookie && { refresh_token: session.refreshToken }),
  });
}

export function clearCookie(stowage: Storage, reply: FastifyReply): void {
  setCookie(stowage, reply, '', 0);
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

function setCookie(stowage: Storage, reply: FastifyReply, value: string, seconds: number): void {
  const secure = isHttps(stowage) ? '; Secure' : '';
  reply.header(
    'set-cookie',
    `${COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=${COOKIE_PATH}; Max-Age=${seconds}${secure}`,
  );
}
