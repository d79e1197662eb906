import type { RequestHandler } from 'express';
import { findBrand } from '../brands.ts';
import type { Storage } from '../storage.ts';

/** `POST /api/brands/{id}/lora-sets`: a form with a zip of training images. */
export function uploadLoraSet(storage: Storage): RequestHandler<{ id: string }> {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { id: brandId } = await findBrand(storage, request.params.id, user);
    const { asset } = await stowage.receive(request, {
      assetType: 'lora_training',
      fields: { brand_id: brandId },
      inTransaction: async (tx, { assets }) => {
        for (const { assetId } of assets) {
          await tx.link({ assetId, recordType: 'brand', recordId: brandId, role: 'lora_set' }, user);
        }
      },
    });
    response.status(201).json(await stowage.toJson(asset, user));
  };
}

/** `GET /api/brands/{id}/lora-sets`. */
export function listLoraSets(storage: Storage): RequestHandler<{ id: string }> {
  const { stowage } = storage;
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { id: recordId } = await findBrand(storage, request.params.id, user);
    const sets = await stowage.linked({ recordType: 'brand', recordId, role: 'lora_set' }, user);
    response.json({ items: await Promise.all(sets.map(({ asset }) => stowage.toJson(asset, user))) });
  };
}
