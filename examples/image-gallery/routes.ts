import { type Request, Router } from 'express';
import { type Caller, StowageError } from 'stowage';
import { isSize, SPECS, variantFor } from './sizes.ts';
import type { Storage } from './storage.ts';

/** How long a browser may go on where it was sent, in seconds: far less than a signed URL lives. */
const REDIRECT_SECONDS = 600;

interface ImageRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly owner: string;
  readonly title: string;
  readonly is_public: boolean;
}

/** Whether the sizes of an image are there: `none` when it can't be decoded, or would not fit into memory. */
function stateOf(made: Readonly<Record<string, string | null>>): 'waiting' | 'ready' | 'none' {
  const ids = Object.keys(SPECS).map((name) => made[name]);
  if (ids.includes(null)) return 'none';
  return ids.includes(undefined) ? 'waiting' : 'ready';
}

export function galleryRoutes({ stowage, variants }: Storage): Router {
  const routes = Router();
  const { database } = stowage;

  /** @throws StowageError `not_found`, also for a private image of somebody else. */
  const find = async (request: Request<{ image: string }>, mayBePublic: boolean): Promise<ImageRow> => {
    const { rows } = await database.query<ImageRow>('select * from images where id::text = $1', [
      request.params.image,
    ]);
    const [image] = rows;
    if (image?.is_public && mayBePublic) return image;
    const { userId, tenantId } = await stowage.authenticate(request);
    if (image !== undefined && image.owner === userId && image.tenant_id === tenantId) return image;
    throw new StowageError('not_found', 'There is no such image.');
  };

  routes.post('/images', async (request, response) => {
    const user = await stowage.authenticate(request);
    const isPublic = request.query.visibility === 'public';
    const { assets } = await stowage.receive(request, {
      ...{ user, assetType: 'image' },
      inTransaction: async (tx, received) => {
        for (const { assetId, filename } of received.assets) {
          const insert =
            'insert into images (id, tenant_id, owner, title, is_public) values ($1, $2, $3, $4, $5)';
          await tx.query(insert, [assetId, user.tenantId, user.userId, filename, isPublic]);
        }
      },
    });
    response.status(201).json({ images: assets.map(({ assetId: id, filename: title }) => ({ id, title })) });
  });

  routes.get('/images', async (request, response) => {
    const { userId, tenantId } = await stowage.authenticate(request);
    const { rows } = await database.query<ImageRow>(
      `select * from images where is_public or (owner = $1 and tenant_id = $2) order by added_at desc limit 100`,
      [userId, tenantId],
    );
    const made = await variants.of(rows.map(({ id }) => id));
    const images = rows.map(({ id, title, is_public, owner, tenant_id: tenant }) => {
      const names = made.get(id) ?? {};
      const isMine = owner === userId && tenant === tenantId;
      return { id, title, is_public, is_mine: isMine, sizes: stateOf(names) };
    });
    response.json({ images });
  });

  // Where a size of an image is: the CDN's URL of the file that suits the browser.
  routes.get('/images/:image/:size', async (request, response) => {
    const { size } = request.params;
    if (!isSize(size)) throw new StowageError('not_found', 'There is no such size.');
    const image = await find(request, true);
    const variantId = (await variants.of([image.id])).get(image.id)?.[
      variantFor(size, request.headers.accept)
    ];
    if (variantId == null) throw new StowageError('not_found', 'There is no such size, or not yet.');
    // Made in the gallery's own name; who may see the image has been asked.
    const reader: Caller = { userId: image.owner, tenantId: image.tenant_id, role: 'admin' };
    // Permanent for what is public, else signed for an hour.
    const { presigned_url: url } = await stowage.toJson(await stowage.find(variantId, reader), reader);
    const scope = image.is_public ? 'public' : 'private';
    response
      .set({ vary: 'Accept', 'cache-control': `${scope}, max-age=${REDIRECT_SECONDS}` })
      .redirect(302, url);
  });

  routes.delete('/images/:image', async (request, response) => {
    const user = await stowage.authenticate(request);
    const { id } = await find(request, false);
    await stowage.delete(id, user, {
      inTransaction: (tx) => tx.query('delete from images where id = $1', [id]),
    });
    response.status(204).end();
  });

  return routes;
}
