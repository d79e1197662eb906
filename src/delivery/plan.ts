import { StowageError } from '../core/errors.ts';
import type { ByteRange } from '../storage/backend.ts';
import { alreadyHas, rangeCounts } from './conditional.ts';
import { type DeliveredContent, deliveryHeaders, type HeaderFields } from './headers.ts';
import { parseRange } from './ranges.ts';

/** The headers of a request that decide what is sent. */
export interface DeliveryRequest {
  readonly method: string;
  readonly range: string | undefined;
  readonly ifRange: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

/** What is answered: the head alone (304, HEAD), or a part or all of the bytes. */
export interface DeliveryPlan {
  readonly status: 200 | 206 | 304;
  readonly headers: HeaderFields;
  /** Which bytes follow; null when none do. */
  readonly range: ByteRange | null;
}

/**
 * Decides the answer to a request for content, in the order of RFC 9110 §13.2.2: If-None-Match before Range. HEAD
 * knows no ranges (§14.2).
 *
 * @throws StowageError `range_not_satisfiable`; the answer then needs {@link unsatisfiedRange}.
 */
export function planDelivery(
  request: DeliveryRequest,
  content: DeliveredContent & { readonly sizeBytes: number },
): DeliveryPlan {
  const headers = deliveryHeaders(content);
  if (alreadyHas(request.ifNoneMatch, content.etag)) {
    return { status: 304, headers: notModifiedHeaders(headers), range: null };
  }
  if (request.method === 'HEAD') {
    return { status: 200, headers: { ...headers, 'content-length': content.sizeBytes }, range: null };
  }
  const counts = request.range !== undefined && rangeCounts(request.ifRange, content.etag);
  const range = counts ? parseRange(request.range, content.sizeBytes) : 'whole';
  if (range === 'unsatisfiable') {
    throw new StowageError('range_not_satisfiable', `The content has ${content.sizeBytes} bytes.`);
  }
  if (range === 'whole') return { status: 200, headers, range: { first: 0, last: content.sizeBytes - 1 } };
  const contentRange = `bytes ${range.first}-${range.last}/${content.sizeBytes}`;
  return { status: 206, headers: { ...headers, 'content-range': contentRange }, range };
}

/** The Content-Range of a 416 (RFC 9110 §15.5.17). */
export function unsatisfiedRange(sizeBytes: number): string {
  return `bytes */${sizeBytes}`;
}

/** RFC 9110 §15.4.5: a 304 repeats what caching needs and describes no content. */
function notModifiedHeaders(headers: HeaderFields): HeaderFields {
  const kept = { ...headers };
  delete kept['content-type'];
  delete kept['content-disposition'];
  return kept;
}
