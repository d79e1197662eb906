import type { RequestHandler } from 'express';
import { MATERIALS, type MaterialRow, materialJson } from '../material.ts';
import type { Storage } from '../storage.ts';

const PAGE = 50;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** `GET /api/v1/user-content?after=`: the user's own, newest first, 50 at a time; `next` is the `after` of the next page. */
export function list(stowage: Storage): RequestHandler {
  return async (request, response) => {
    const { userId, tenantId } = await stowage.authenticate(request);
    const after = typeof request.query.after === 'string' && UUID.test(request.query.after);
    const { rows } = await stowage.database.query<MaterialRow>(
      `${MATERIALS} where material.tenant_id = $1 and material.user_id = $2 and ($3::uuid is null or
         (material.created_at, file_id) < (select created_at, file_id from study_materials where file_id = $3))
       order by material.created_at desc, file_id desc limit ${PAGE + 1}`,
      [tenantId, userId, after ? request.query.after : null],
    );
    const items = rows.slice(0, PAGE);
    response.json({
      items: items.map(materialJson),
      next: rows.length > PAGE ? (items.at(-1)?.file_id ?? null) : null,
    });
  };
}
