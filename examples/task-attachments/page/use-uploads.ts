import { useEffect, useState } from 'react';
import { isClientError, type UploadState } from 'stowage/client';
import { clientOf } from './api.ts';

/** A file on its way. */
export interface Sending {
  readonly id: string;
  readonly file: File;
  readonly sentBytes: number;
  /** `paused`: the network is gone, and the upload can go on. */
  readonly status: 'sending' | 'paused' | 'refused';
  readonly problem: string | null;
  /** Where to go on. */
  readonly state: UploadState | null;
  readonly stop: AbortController;
}

/** Sends files to a task. What the network interrupts goes on by itself when it is back, or when the user says so. */
export function useUploads(taskId: number, stored: () => void) {
  const [uploads, setUploads] = useState<readonly Sending[]>([]);
  const change = (id: string, facts: Partial<Sending>) =>
    setUploads((all) => all.map((each) => (each.id === id ? { ...each, ...facts } : each)));
  const forget = (id: string) => setUploads((all) => all.filter((each) => each.id !== id));

  const run = async ({ id, file, state, stop }: Sending) => {
    const client = clientOf(taskId);
    const options = {
      signal: stop.signal,
      onProgress: ({ sentBytes }: { sentBytes: number }) => change(id, { sentBytes }),
    };
    change(id, { status: 'sending', problem: null });
    try {
      await (state === null
        ? client.upload(file, { assetType: 'task_attachment', via: 'direct', ...options })
        : client.resume(state, file, options));
      forget(id);
      stored();
    } catch (error) {
      if (!isClientError(error)) throw error;
      const isInterrupted = error.upload !== null || error.isRetryable;
      if (error.code === 'aborted') forget(id);
      else
        change(id, {
          status: isInterrupted ? 'paused' : 'refused',
          problem: error.message,
          state: error.upload,
        });
    }
  };

  useEffect(() => {
    const goOn = () => {
      for (const each of uploads) if (each.status === 'paused') void run(each);
    };
    addEventListener('online', goOn);
    return () => removeEventListener('online', goOn);
  });

  return {
    uploads,
    add(files: Iterable<File>) {
      for (const file of files) {
        const id = `${Date.now()}-${Math.random()}`;
        const added = { id, file, sentBytes: 0, status: 'sending', problem: null, state: null } as const;
        const upload: Sending = { ...added, stop: new AbortController() };
        setUploads((all) => [...all, upload]);
        void run(upload);
      }
    },
    resume: (upload: Sending) => void run(upload),
    cancel(upload: Sending) {
      upload.stop.abort();
      if (upload.state !== null)
        void clientOf(taskId)
          .abandon(upload.state)
          .catch(() => {});
      if (upload.status !== 'sending') forget(upload.id);
    },
  };
}
