import express, { type Request, Router } from 'express';
import type { Caller } from 'stowage';
import type { Storage } from './storage.ts';
import { type Attachment, openTasks, type Task } from './tasks.ts';

/** How long a link to a file lives, in seconds. */
const LINK_SECONDS = 3600;

export function taskRoutes(stowage: Storage): Router {
  const tasks = openTasks(stowage);
  const routes = Router();
  const json = express.json();

  /** Who asks, and for which task of theirs. */
  const reach = async (request: Request<{ task: string }>): Promise<{ user: Caller; task: Task }> => {
    const user = await stowage.authenticate(request);
    return { user, task: await tasks.find(request.params.task, user) };
  };
  /** A colleague's file may be read and removed by everybody who sees the task: the rule is this application's. */
  const asTeam = (user: Caller): Caller => ({ ...user, role: 'admin' });
  const link = ({ id }: Attachment, user: Caller, disposition: 'inline' | 'attachment') =>
    stowage.signedUrl(id, asTeam(user), { lifetimeSeconds: LINK_SECONDS, disposition });
  const remove = ({ id }: Attachment, user: Caller) =>
    stowage.delete(id, asTeam(user), { inTransaction: tasks.detach });

  routes.post('/tasks', json, async (request, response) => {
    const user = await stowage.authenticate(request);
    response.status(201).json(await tasks.create(request.body?.title, user));
  });

  routes.get('/tasks', async (request, response) => {
    response.json({ tasks: await tasks.list(await stowage.authenticate(request)) });
  });

  routes.delete('/tasks/:task', async (request, response) => {
    const { user, task } = await reach(request);
    for (const attachment of await tasks.attachments(task)) await remove(attachment, user);
    await tasks.remove(task);
    response.status(204).end();
  });

  routes.get('/tasks/:task/attachments', async (request, response) => {
    const { user, task } = await reach(request);
    const attachments = [];
    for (const each of await tasks.attachments(task)) {
      const isImage = each.media_type.startsWith('image/');
      attachments.push({ ...each, preview_url: isImage ? (await link(each, user, 'inline')).url : null });
    }
    response.json({ attachments });
  });

  // A form, through this server.
  routes.post('/tasks/:task/attachments', async (request, response) => {
    const { user, task } = await reach(request);
    const { assets } = await stowage.receive(request, {
      ...{ user, assetType: 'task_attachment', fields: { task_id: String(task.id) } },
      inTransaction: async (tx, received) => {
        for (const asset of received.assets) await tasks.attach(tx, asset);
      },
    });
    const attachments = await Promise.all(assets.map(({ assetId }) => tasks.attachment(task, assetId)));
    response.status(201).json({ attachments });
  });

  // Straight to the store, as `stowage/client` does it: begin, perhaps more parts, complete or abandon.
  routes.post('/tasks/:task/attachments/uploads', json, async (request, response) => {
    const { user, task } = await reach(request);
    const { filename, size_bytes: sizeBytes, mime_type: mediaType, sha256 } = request.body ?? {};
    const upload = { user, filename, sizeBytes, mediaType, sha256 };
    const to = { assetType: 'task_attachment', fields: { task_id: String(task.id) } } as const;
    response.status(201).json(await stowage.begin({ ...upload, ...to }));
  });

  routes.post('/tasks/:task/attachments/uploads/:upload/parts', json, async (request, response) => {
    const { user } = await reach(request);
    const parts = await stowage.signParts(request.params.upload, request.body?.part_numbers, user);
    response.json({ parts });
  });

  routes.post('/tasks/:task/attachments/uploads/:upload/complete', async (request, response) => {
    const { user } = await reach(request);
    const asset = await stowage.complete(request.params.upload, user, { inTransaction: tasks.attach });
    response.json(await stowage.toJson(asset, user));
  });

  routes.delete('/tasks/:task/attachments/uploads/:upload', async (request, response) => {
    const { user } = await reach(request);
    await stowage.abandon(request.params.upload, user);
    response.status(204).end();
  });

  routes.get('/tasks/:task/attachments/:attachment/download', async (request, response) => {
    const { user, task } = await reach(request);
    const attachment = await tasks.attachment(task, request.params.attachment);
    const { url, expiresAtMs } = await link(attachment, user, 'attachment');
    response.json({ download_url: url, expires_at: new Date(expiresAtMs).toISOString() });
  });

  routes.delete('/tasks/:task/attachments/:attachment', async (request, response) => {
    const { user, task } = await reach(request);
    await remove(await tasks.attachment(task, request.params.attachment), user);
    response.status(204).end();
  });

  return routes;
}
