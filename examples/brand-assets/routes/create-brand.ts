import type { RequestHandler } from 'express';
import { StowageError } from 'stowage';
import { type Brand, brandJson, imagesByKey } from '../brands.ts';
import type { Storage } from '../storage.ts';

/** `POST /api/brands` `{ name, product_images: [key, …] }`: a brand with 2 to 10 images that were uploaded before. */
export function createBrand(storage: Storage): RequestHandler {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { name, product_images: keys } = (request.body ?? {}) as Record<string, unknown>;
    const brand = await stowage.transaction(async (tx) => {
      const { rows } = await tx.query<Brand>(
        'insert into brands (tenant_id, user_id, name) values ($1, $2, $3) returning id, name, created_at',
        [user.tenantId, user.userId, String(name || 'Untitled').slice(0, 200)],
      );
      const [created] = rows;
      if (created === undefined) throw new Error('A brand was not inserted.');
      const ids = await imagesByKey(tx, keys, user);
      // The rule about the number is Stowage's; but of no link at all it hears nothing.
      if (ids.length === 0)
        throw new StowageError('invalid_parameter', 'A brand needs 2 to 10 product images.');
      for (const [position, assetId] of ids.entries()) {
        await tx.link(
          { assetId, recordType: 'brand', recordId: created.id, role: 'product_image', position },
          user,
        );
      }
      return created;
    });
    response.status(201).json(await brandJson(storage, brand, user));
  };
}
