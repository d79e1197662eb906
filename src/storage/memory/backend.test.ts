import { describeBackend } from '../conformance/describe-backend.ts';
import { openServedMemory } from '../conformance/served-memory.ts';
import { MemoryBackend } from './backend.ts';
import type { MemoryBackendOptions } from './options.ts';

const open = (options: MemoryBackendOptions) =>
  openServedMemory((served) => new MemoryBackend({ ...served, ...options }));

describeBackend({ name: 'memory', open: () => open({}) });

describeBackend({
  name: 'memory without parts and signed writes',
  open: () => open({ capabilities: { multipart: false, signedParts: false, signedWrite: 'none' } }),
});

describeBackend({
  name: 'memory without signed parts',
  open: () => open({ capabilities: { signedParts: false } }),
});
