import type { TrustedProxies } from '../access/client-address.ts';
import { isStowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { problemOf } from '../http/problem.ts';
import { rateLimitHeaders } from '../http/rate-limit-headers.ts';
import { answerAndLinger, hasUnreadBody } from '../http/unread-body.ts';
import { PROBLEM_MEDIA_TYPE } from '../protocol/index.ts';
import { spentAllowance } from '../uploads/allowance.ts';
import { type HostRequest, type HostResponse, hostOrigin, rawRequest, takeOver } from './host-request.ts';

/**
 * Answers a StowageError as the routes do (`application/problem+json`), also when the client is still sending.
 *
 * @returns false for other errors, and does nothing then: they are the application's to answer.
 */
export function answerError(
  { log, isTrustedProxy }: { readonly log: Log; readonly isTrustedProxy: TrustedProxies },
  error: unknown,
  request: HostRequest,
  response: HostResponse,
): boolean {
  if (!isStowageError(error)) return false;
  const raw = rawRequest(request);
  const { requestId } = hostOrigin(raw, isTrustedProxy);
  const problem = problemOf(error, requestId);
  if (problem.status >= 500) log.error({ request_id: requestId, err: error }, error.message);
  const answer = takeOver(response);
  if (answer.headersSent || answer.destroyed || error.code === 'aborted') {
    answer.destroy();
    return true;
  }
  const allowance = spentAllowance(error);
  const body = Buffer.from(JSON.stringify(problem.body));
  const headers = {
    ...problem.headers,
    ...(allowance === undefined ? {} : rateLimitHeaders(allowance)),
    'content-type': PROBLEM_MEDIA_TYPE,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
  };
  if (hasUnreadBody(raw)) {
    answerAndLinger(raw, answer, { status: problem.status, headers, body });
    return true;
  }
  answer.writeHead(problem.status, { ...headers, 'content-length': body.byteLength }).end(body);
  // A short rest of a body is read, so that the next request on this connection is found.
  if (!raw.complete) raw.resume();
  return true;
}
