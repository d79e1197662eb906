import type { RequestHandler } from 'express';
import { type Brand, brandJson, findBrand } from '../brands.ts';
import type { Storage } from '../storage.ts';

/** `GET /api/brands`: the user's own, newest first, at most 100. */
export function listBrands(storage: Storage): RequestHandler {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { rows } = await stowage.database.query<Brand>(
      `select id, name, created_at from brands where tenant_id = $1 and user_id = $2
       order by created_at desc limit 100`,
      [user.tenantId, user.userId],
    );
    response.json({ items: await Promise.all(rows.map((brand) => brandJson(storage, brand, user))) });
  };
}

/** `GET /api/brands/{id}`. */
export function getBrand(storage: Storage): RequestHandler<{ id: string }> {
  return async (request, response) => {
    const user = await storage.stowage.authenticate(request);
    response.json(await brandJson(storage, await findBrand(storage, request.params.id, user), user));
  };
}
