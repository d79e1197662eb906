import { StowageError } from '../../core/errors.ts';
import type { ObjectKey } from '../../core/key.ts';
import { INCOMING_PREFIX } from '../../storage/incoming.ts';
import type { Deps, LocalFiles } from '../deps.ts';
import { clientGoneSignal } from '../request-context.ts';
import { type HeaderFacts, publicRoute, type Route } from '../route.ts';

const PART_TAG: HeaderFacts = {
  ETag: { description: 'What names the part; only when it was one.', schema: { type: 'string' } },
};

/** `PUT /files/{key}`: a direct upload to the local backend. */
export function writeFile(deps: Deps): Route {
  return publicRoute({
    method: 'PUT',
    path: '/files/*',
    operation: 'writeFile',
    summary: 'Send the bytes of a direct upload by a signed URL',
    description:
      'The whole file, or one part of it. What arrives is not served before it has been judged; nothing arrives any more once the upload is being completed.',
    params: { '*': 'The key of the upload.' },
    body: 'stream',
    requestBody: { required: true, content: { '*/*': {} } },
    success: { status: 200, description: 'The bytes are stored.', headers: { 200: PART_TAG } },
    errors: [
      ...(['forbidden', 'expired', 'not_found', 'conflict', 'file_too_large', 'digest_mismatch'] as const),
      ...(['database_unavailable', 'storage_unavailable'] as const),
    ],
    handle: async (request, reply) => {
      const key = writableKey(deps.localFiles.urls, request.raw.url ?? '', deps.clock.now());
      if (!key.startsWith(INCOMING_PREFIX)) {
        throw new StowageError('forbidden', 'Only a direct upload can be written by a URL.');
      }
      if (!(await deps.directUploads.isOpen(key))) {
        throw new StowageError('expired', 'The upload takes no bytes any more.');
      }
      const local = await deps.localFiles.open();
      const headers = await local.receive(request.raw, clientGoneSignal(reply));
      return reply.headers(headers).send();
    },
  });
}

/** The key that a URL for writing, whole or in parts, allows to write. */
function writableKey(urls: LocalFiles['urls'], target: string, nowMs: number): ObjectKey {
  const isPart = new URLSearchParams(target.slice(target.indexOf('?') + 1)).has('part');
  return (isPart ? urls.verifyPart(target, nowMs) : urls.verifyWrite(target, nowMs)).key;
}
