import { createClient, type StowageClient } from 'stowage/client';
import type { Attachment, Task } from '../tasks.ts';

export interface ListedAttachment extends Attachment {
  readonly preview_url: string | null;
}

let token: Promise<string> | undefined;

/** A token for who uses this page. */
function tokenOfUser(): Promise<string> {
  token ??= send('/session', { method: 'POST', json: { name: 'ana' } }).then(({ token: issued }) => issued);
  return token;
}

/** Calls this application's own routes. @throws Error with what the answer says. */
async function call(path: string, method = 'GET', json?: unknown) {
  return await send(path, { method, json, authorization: `Bearer ${await tokenOfUser()}` });
}

async function send(path: string, call: { method: string; json?: unknown; authorization?: string }) {
  const response = await fetch(path, {
    method: call.method,
    headers: {
      'content-type': 'application/json',
      ...(call.authorization !== undefined && { authorization: call.authorization }),
    },
    ...(call.json !== undefined && { body: JSON.stringify(call.json) }),
  });
  if (response.status === 204) return undefined;
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? response.statusText);
  return answer;
}

export const api = {
  tasks: async (): Promise<Task[]> => (await call('/tasks')).tasks,
  addTask: (title: string): Promise<Task> => call('/tasks', 'POST', { title }),
  attachments: async (taskId: number): Promise<ListedAttachment[]> =>
    (await call(`/tasks/${taskId}/attachments`)).attachments,
  downloadUrl: async (taskId: number, id: string): Promise<string> =>
    (await call(`/tasks/${taskId}/attachments/${id}/download`)).download_url,
  remove: (taskId: number, id: string): Promise<void> => call(`/tasks/${taskId}/attachments/${id}`, 'DELETE'),
};

/** The client for the attachments of one task: bytes go straight to the store, the rest to this application's routes. */
export function clientOf(taskId: number): StowageClient {
  return createClient({
    url: location.origin,
    uploadsPath: `/tasks/${taskId}/attachments/uploads`,
    token: tokenOfUser,
    // A user is there who can go on later: no need to try for minutes.
    retry: { attemptsMax: 3 },
  });
}
