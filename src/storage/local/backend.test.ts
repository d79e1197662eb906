import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeBackend, type OpenedBackend } from '../conformance/describe-backend.ts';
import { listenOnLoopback } from '../conformance/loopback-server.ts';
import { openLocalBackend } from './backend.ts';
import type { LocalBackendOptions } from './options.ts';

describeBackend({ name: 'local', open: () => openServedLocal({}) });
describeBackend({ name: 'local without a journal', open: () => openServedLocal({ journalBytesMax: 0 }) });

/** A store in a directory of its own, with a server that answers its signed URLs. */
async function openServedLocal(options: Partial<LocalBackendOptions>): Promise<OpenedBackend> {
  const root = await mkdtemp(join(tmpdir(), 'stowage-local-'));
  let origin = '';
  const backend = await openLocalBackend({
    root: join(root, 'store'),
    publicUrl: () => origin,
    signingSecrets: ['a secret of the laws, of 32 bytes'],
    freeBytesMin: 0,
    ...options,
  });
  const server = await listenOnLoopback((request, response) => void backend.serve(request, response));
  origin = server.origin;
  return {
    backend,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await backend.close();
      await rm(root, { recursive: true });
    },
  };
}
