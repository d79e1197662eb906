import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { declaredCapabilities, pageWithTable } from '../scripts/backends-table.ts';

const ROOT = join(import.meta.dirname, '..');
const page = readFileSync(join(ROOT, 'docs/reference/backends.md'), 'utf8');

test('docs/reference/backends.md shows what the backends declare', async () => {
  assert.match(page, /\| longest life of a signed URL \|/);
  assert.equal(page, await pageWithTable(page), 'node scripts/backends-table.ts makes it anew');
});

test('README says truly who refuses a direct upload of another size', async () => {
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const rows = [...readme.matchAll(/^\| [^|]+ \| `STORAGE_BACKEND=(\w+)`[^|]* \| ([^|]+) \|/gm)];
  const shown = Object.fromEntries(rows.map(([, backend, who]) => [backend, who?.trim()]));
  const declared = await declaredCapabilities();
  const names = { local: 'local disk', s3: 'S3', azure: 'Azure Blob', gcs: 'Google Cloud' };
  const wanted = Object.entries(names).map(([backend, name]) => [
    backend,
    declared[name]?.signedWriteSizeEnforcedBy === 'store'
      ? 'the store'
      : 'Stowage, when the upload is completed',
  ]);
  assert.deepEqual(shown, Object.fromEntries(wanted));
});
