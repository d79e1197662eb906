import type { MemoryBackend } from '../memory/backend.ts';
import type { MemoryBackendOptions } from '../memory/options.ts';
import type { OpenedBackend } from './describe-backend.ts';
import { listenOnLoopback } from './loopback-server.ts';

/** Opens a memory backend, or one that is made from it, with a server that answers its signed URLs. */
export async function openServedMemory(
  make: (options: MemoryBackendOptions) => MemoryBackend,
): Promise<OpenedBackend> {
  let origin = '';
  const backend = make({ publicUrl: () => origin });
  const server = await listenOnLoopback((request, response) => void backend.serve(request, response));
  origin = server.origin;
  return {
    backend,
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await backend.close();
    },
  };
}
