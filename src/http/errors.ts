import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isStowageError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import { PROBLEM_MEDIA_TYPE } from '../protocol/index.ts';
import { waitsForContinue } from './expect-continue.ts';
import { fromFramework } from './framework-errors.ts';
import { type Problem, problemOf } from './problem.ts';
import { answerAndLinger, hasUnreadBody } from './unread-body.ts';

/** Makes every failure of every route one shape, logged once. */
export function handleErrors(app: FastifyInstance, log: Log): void {
  app.setErrorHandler((thrown: unknown, request, reply) => sendProblem(thrown, request, reply, log));
}

/** Answers a failure; whatever is left of the request's body is not allowed to hurt. */
export function sendProblem(thrown: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): void {
  const error = fromFramework(thrown, request.routeOptions.bodyLimit);
  const problem = problemOf(error, request.id);
  logFailure(log, error, problem, request);
  if (reply.raw.headersSent || reply.raw.destroyed || isStowageError(error, 'aborted')) {
    reply.hijack();
    reply.raw.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(problem.body));
  reply.headers({ ...problem.headers, 'content-type': PROBLEM_MEDIA_TYPE, 'cache-control': 'no-store' });
  if (!hasUnreadBody(request.raw)) {
    reply.code(problem.status).send(body);
    // A short rest of a body is read, so that the next request on this connection is found.
    if (!request.raw.complete) request.raw.resume();
    return;
  }
  if (waitsForContinue(request.raw)) {
    reply.code(problem.status).header('connection', 'close').send(body);
    return;
  }
  reply.hijack();
  const headers = plainHeaders(reply.getHeaders());
  answerAndLinger(request.raw, reply.raw, { status: problem.status, headers, body });
}

/** Headers set so far, for an answer that is written past Fastify. */
export function plainHeaders(headers: ReturnType<FastifyReply['getHeaders']>): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : String(value);
  }
  return plain;
}

function logFailure(log: Log, error: unknown, problem: Problem, request: FastifyRequest): void {
  const fields = { request_id: request.id, route: request.routeOptions.url ?? null, code: problem.body.code };
  if (!isStowageError(error) || problem.body.code === 'internal_error') {
    log.error({ ...fields, err: error }, 'A request failed unexpectedly.');
  } else if (error.code === 'object_corrupt') {
    log.error({ ...fields, err: error.cause ?? error }, error.message);
  } else if (problem.status >= 500) {
    log.warn({ ...fields, err: error.cause ?? error }, error.message);
  } else {
    log.debug(fields, error.message);
  }
}
