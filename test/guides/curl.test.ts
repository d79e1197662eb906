import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { zip } from '../acceptance/samples/archives.ts';
import { noise } from '../acceptance/samples/bits.ts';
import { jpeg, png } from '../acceptance/samples/images.ts';
import { type Service, startService } from '../acceptance/service.ts';
import { blockWith, claimed } from '../docs/claims.ts';
import { missingPrograms, paste } from '../docs/shell.ts';

const TEST = 'test/guides/curl.test.ts';
const DIRECT = 'docs/reference/direct-uploads.md';
/** More than one request may carry: such a file goes up in parts. */
const PARTS_BYTES = 101 * 1024 * 1024;
const directory = mkdtempSync(join(tmpdir(), 'stowage-curl-'));

describe('the lines to paste', { skip: missingPrograms('bash', 'curl', 'jq', 'sha256sum') }, () => {
  let local: Service;
  before(async () => {
    const config = join(directory, 'stowage.config.json');
    const archive = {
      accepts: { 'application/zip': ['zip'] },
      maxSize: '1gb',
      keyTemplate: 'archives/{uuid}',
    };
    writeFileSync(config, JSON.stringify({ assetTypes: { archive } }));
    local = await startService({ STOWAGE_CONFIG: config }, { backend: 'local' });
  });
  after(async () => {
    await local[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true, force: true });
  });

  test('of the README upload a picture and show who asked for it', async () => {
    writeFileSync(join(directory, 'photo.jpg'), jpeg());
    const { token: TOKEN } = local.as('alice');
    const [upload = '', log = ''] = claimed(TEST, 'README.md').map(({ text }) => text);
    const { uploads } = JSON.parse(await answerOf(local, upload, { TOKEN }));
    assert.equal((await fetch(uploads[0].presigned_url)).status, 200);
    const { entries } = JSON.parse(await answerOf(local, log, { TOKEN, ASSET_ID: uploads[0].asset_id }));
    assert.deepEqual(
      entries.map(({ action }: { action: string }) => action),
      ['download', 'upload'],
    );
  });

  test('of direct uploads make an asset by PUT', async () => {
    const picture = png();
    writeFileSync(join(directory, 'photo.png'), picture);
    const asset = await sendDirectly(local, 'put', '-H @headers.txt');
    assert.deepEqual([asset.size_bytes, asset.filename], [picture.byteLength, 'photo.png']);
  });

  test('of direct uploads make an asset of parts', async () => {
    const bytes = zip([
      { name: 'noise.bin', data: Buffer.alloc(PARTS_BYTES, noise(1024 * 1024)), stored: true },
    ]);
    writeFileSync(join(directory, 'all.zip'), bytes);
    const asset = await sendDirectly(local, 'multipart', 'jq -c', (lines) =>
      lines.replace(/^FILE=.*$/m, 'FILE=all.zip ASSET_TYPE=archive MIME_TYPE=application/zip'),
    );
    assert.deepEqual([asset.size_bytes, asset.filename], [bytes.byteLength, 'all.zip']);
  });

  test('of direct uploads make an asset by a form to S3', async () => {
    await using service = await startService({}, { backend: 's3' });
    const picture = png();
    writeFileSync(join(directory, 'photo.png'), picture);
    const asset = await sendDirectly(service, 'post', 'form-string');
    assert.deepEqual([asset.size_bytes, asset.filename], [picture.byteLength, 'photo.png']);
  });

  /** Begins, sends by the block that has the piece, and completes. */
  async function sendDirectly(
    service: Service,
    method: string,
    piece: string,
    changed = (lines: string) => lines,
  ): Promise<{ readonly size_bytes: number; readonly filename: string }> {
    const { token: TOKEN } = service.as('alice');
    const blocks = ['upload=$(', piece, '/complete'].map((each) => blockWith(DIRECT, each).text);
    const printed = await answerOf(service, changed(blocks.join('\n')), { TOKEN });
    assert.equal(printed.slice(0, printed.indexOf('\n')), method);
    return JSON.parse(printed.slice(printed.indexOf('{')));
  }
});

/** Runs lines as a reader would, against the service of the test. @returns what they print. */
async function answerOf(
  service: Service,
  lines: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const here = lines.replaceAll('http://127.0.0.1:3000', service.origin);
  const { code, stdout, stderr } = await paste(here, directory, env);
  assert.equal(code, 0, stderr);
  return stdout;
}
