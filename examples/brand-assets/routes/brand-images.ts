import type { RequestHandler } from 'express';
import { StowageError } from 'stowage';
import { brandJson, findBrand, imagesByKey } from '../brands.ts';
import type { Storage } from '../storage.ts';

/** `POST /api/brands/{id}/images` `{ keys: [key, …] }`: adds images to a brand, up to 10 in all. */
export function addImages(storage: Storage): RequestHandler<{ id: string }> {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const brand = await findBrand(storage, request.params.id, user);
    const record = { recordType: 'brand', recordId: brand.id, role: 'product_image' } as const;
    await stowage.transaction(async (tx) => {
      const ids = await imagesByKey(tx, (request.body as { keys?: unknown } | undefined)?.keys, user);
      for (const assetId of ids) await tx.link({ ...record, assetId }, user);
    });
    response.json(await brandJson(storage, brand, user));
  };
}

/** `DELETE /api/brands/{id}/images/{asset_id}`: the image goes, unless the brand would be left with one. */
export function deleteImage(storage: Storage): RequestHandler<{ id: string; asset_id: string }> {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { id: brandId } = await findBrand(storage, request.params.id, user);
    const record = { recordType: 'brand', recordId: brandId, role: 'product_image' } as const;
    const images = await stowage.linked(record, user);
    const image = images.find(({ asset }) => asset.assetId === request.params.asset_id);
    if (image === undefined) throw new StowageError('not_found', 'The brand has no such image.');
    await stowage.delete(image.asset.assetId, user, { unlink: true });
    response.status(204).end();
  };
}

/** `DELETE /api/brands/{id}`: its files stay until nobody has used them for 90 days. */
export function deleteBrand(storage: Storage): RequestHandler<{ id: string }> {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { id } = await findBrand(storage, request.params.id, user);
    await stowage.transaction(async (tx) => {
      await tx.query('delete from brands where id = $1', [id]);
      await tx.unlink({ recordType: 'brand', recordId: id }, user);
    });
    response.status(204).end();
  };
}
