import type { RequestHandler } from 'express';
import { MATERIALS, type MaterialRow, materialJson, titleOf } from '../material.ts';
import type { Storage } from '../storage.ts';

/** `POST /api/v1/user-content/upload`: a form with `file` and, if wanted, `title`. */
export function upload(stowage: Storage): RequestHandler {
  return async (request, response) => {
    const { asset, replayed } = await stowage.receive(request, {
      assetType: 'study_material',
      inTransaction: (tx, { asset: { assetId, tenantId, userId, key }, asset, fields }) =>
        tx.query(
          'insert into study_materials (file_id, tenant_id, user_id, title, s3_key) values ($1, $2, $3, $4, $5)',
          [assetId, tenantId, userId, titleOf(asset, fields.title), key],
        ),
    });
    const { rows } = await stowage.database.query<MaterialRow>(`${MATERIALS} where file_id = $1`, [
      asset.assetId,
    ]);
    response.status(replayed ? 200 : 201).json(rows.map(materialJson)[0] ?? null);
  };
}
