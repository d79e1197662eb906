import type { RequestHandler } from 'express';
import type { Storage } from '../storage.ts';

/** `DELETE /api/v1/user-content/{file_id}`: row and file, together. */
export function remove(stowage: Storage): RequestHandler<{ file_id: string }> {
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    await stowage.delete(request.params.file_id, user, {
      inTransaction: (tx, { assetId }) =>
        tx.query('delete from study_materials where file_id = $1', [assetId]),
    });
    response.status(204).end();
  };
}
