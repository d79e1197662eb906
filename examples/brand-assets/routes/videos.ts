import type { RequestHandler } from 'express';
import { type Caller, StowageError } from 'stowage';
import type { Storage } from '../storage.ts';

/** `POST /api/projects/{project_id}/videos`: a form with an MP4 of up to 500 MiB. The first one begins the project. */
export function uploadVideo({ stowage }: Storage): RequestHandler<{ project_id: string }> {
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { project_id: projectId } = request.params;
    const { asset } = await stowage.receive(request, {
      assetType: 'generated_video',
      fields: { project_id: projectId },
      inTransaction: async (tx, { assets }) => {
        await tx.query(
          'insert into projects (tenant_id, id, user_id) values ($1, $2, $3) on conflict do nothing',
          [user.tenantId, projectId, user.userId],
        );
        await requireProject(tx, projectId, user);
        for (const { assetId } of assets) {
          await tx.link({ assetId, recordType: 'project', recordId: projectId, role: 'video' }, user);
        }
      },
    });
    response.status(201).json(await stowage.toJson(asset, user));
  };
}

/** `GET /api/projects/{project_id}/videos`. */
export function listVideos({ stowage }: Storage): RequestHandler<{ project_id: string }> {
  return async (request, response) => {
    const user = await stowage.authenticate(request);
    const { project_id: recordId } = request.params;
    await requireProject(stowage.database, recordId, user);
    const videos = await stowage.linked({ recordType: 'project', recordId, role: 'video' }, user);
    response.json({ items: await Promise.all(videos.map(({ asset }) => stowage.toJson(asset, user))) });
  };
}

/** @throws StowageError `not_found` when the project is not the user's. */
async function requireProject(
  tx: Pick<Storage['stowage']['database'], 'query'>,
  projectId: string,
  user: Caller,
): Promise<void> {
  const { rowCount } = await tx.query(
    'select from projects where tenant_id = $1 and id = $2 and user_id = $3',
    [user.tenantId, projectId, user.userId],
  );
  if (rowCount !== 1) throw new StowageError('not_found', 'There is no such project.');
}
