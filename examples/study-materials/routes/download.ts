import type { RequestHandler } from 'express';
import type { Storage } from '../storage.ts';

/** `GET /api/v1/user-content/download/{file_id}`: the file, for its owner. */
export function download(stowage: Storage): RequestHandler<{ file_id: string }> {
  return (request, response) => stowage.send(request, response, { assetId: request.params.file_id });
}
