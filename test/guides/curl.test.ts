import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { jpeg, png } from '../acceptance/samples/images.ts';
import { type Service, startService } from '../acceptance/service.ts';

const ROOT = join(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'stowage-curl-'));
after(() => rmSync(directory, { recursive: true, force: true }));

/** What the lines need besides a shell; a machine without it says so. */
const missing = ['bash', 'curl', 'jq'].filter((name) => spawnSync(name, ['--version']).status !== 0);
const skip = missing.length > 0 ? `${missing.join(' and ')} not installed` : false;

/** The shell lines of a document, one text for each block. */
function blocksOf(path: string): string[] {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return [...text.matchAll(/```sh\n(.*?)```/gs)].map(([, lines = '']) => lines);
}

/** Runs lines as a reader would, against the service of the test. @returns what they print. */
async function paste(lines: string, service: Service, env: Record<string, string>): Promise<string> {
  const script = `set -euo pipefail\n${lines.replaceAll('http://127.0.0.1:3000', service.origin)}`;
  const options = { cwd: directory, env: { ...process.env, ...env }, timeout: 60_000 };
  return (await promisify(execFile)('bash', ['-c', script], options)).stdout;
}

describe('the lines to paste', { skip }, () => {
  test('of the README upload a picture and show who asked for it', async () => {
    await using service = await startService({}, { backend: 'local' });
    writeFileSync(join(directory, 'photo.jpg'), jpeg());
    const { token: TOKEN } = service.as('alice');
    const [, upload = '', log = ''] = blocksOf('README.md');
    const { uploads } = JSON.parse(await paste(upload, service, { TOKEN }));
    assert.equal((await fetch(uploads[0].presigned_url)).status, 200);
    const { entries } = JSON.parse(await paste(log, service, { TOKEN, ASSET_ID: uploads[0].asset_id }));
    assert.deepEqual(
      entries.map(({ action }: { action: string }) => action),
      ['download', 'upload'],
    );
  });

  test('of direct uploads make an asset', async () => {
    await using service = await startService({}, { backend: 'local' });
    const picture = png();
    writeFileSync(join(directory, 'photo.png'), picture);
    const { token: TOKEN } = service.as('alice');
    const [put = ''] = blocksOf('docs/reference/direct-uploads.md');
    const asset = JSON.parse(await paste(put, service, { TOKEN }));
    assert.deepEqual([asset.size_bytes, asset.filename], [picture.byteLength, 'photo.png']);
  });
});
