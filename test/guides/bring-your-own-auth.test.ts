import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { jpeg } from '../acceptance/samples/images.ts';
import { blockWith } from '../docs/claims.ts';
import { missingPrograms, paste } from '../docs/shell.ts';

const ROOT = join(import.meta.dirname, '../..');
const GUIDE = 'docs/guides/bring-your-own-auth.md';
const PROGRAM = join(ROOT, 'examples/own-login.ts');
const directory = mkdtempSync(join(tmpdir(), 'stowage-own-login-'));

describe('the guide to your own login', () => {
  let program: ReturnType<typeof spawn>;
  let origin = '';
  before(async () => {
    const port = await freePort();
    program = spawn(process.execPath, ['--conditions=stowage-source', PROGRAM, String(port)], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, DATA_DIR: join(directory, 'data') },
    });
    assert.ok(program.stdout);
    [origin] = (await once(createInterface(program.stdout), 'line')) as [string];
  });
  after(async () => {
    const ended = once(program, 'exit');
    program.kill('SIGTERM');
    assert.deepEqual(await ended, [0, null]);
    rmSync(directory, { recursive: true, force: true });
  });

  test('shows the program as it stands in examples', () => {
    assert.equal(blockWith(GUIDE, 'express.ErrorRequestHandler').text, readFileSync(PROGRAM, 'utf8'));
  });

  test('shows lines to paste', { skip: missingPrograms('bash', 'curl', 'jq') }, async () => {
    writeFileSync(join(directory, 'photo.jpg'), jpeg());
    const lines = blockWith(GUIDE, 'curl -b').text.replaceAll('http://127.0.0.1:4000', origin);
    const { code, stdout, stderr } = await paste(`{\n${lines}} | jq -c .`, directory);
    assert.equal(code, 0, stderr);
    const [upload, me] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [{ asset_id: assetId, size_bytes: bytes, presigned_url: url }] = upload.uploads;
    assert.deepEqual(me, { user: 'ana', files: 1, bytes });
    assert.equal((await fetch(url)).status, 200);
    const removed = await fetch(`${origin}/storage/api/assets/${assetId}`, {
      method: 'DELETE',
      headers: { cookie: 'session=ana-session' },
    });
    assert.equal(removed.status, 204);
  });

  test('shows a program that lets in who is logged in, and nobody else', async () => {
    const form = new FormData();
    form.append('asset_type', 'study_material');
    form.append('files', new File(['a note'], 'note.txt', { type: 'text/plain' }));
    const cookie = 'session=ana-session';
    const upload = { method: 'POST', body: form };
    const stored = await fetch(`${origin}/storage/api/upload`, { ...upload, headers: { cookie } });
    assert.equal(stored.status, 200);
    const { uploads } = (await stored.json()) as { uploads: { presigned_url: string }[] };
    assert.equal(await (await fetch(uploads[0]?.presigned_url ?? '')).text(), 'a note');
    const me = await fetch(`${origin}/me`, { headers: { cookie } });
    assert.deepEqual(await me.json(), { user: 'ana', files: 1, bytes: 6 });
    const stranger = await fetch(`${origin}/storage/api/assets`, { headers: { cookie: 'session=other' } });
    assert.equal(stranger.status, 401);
    assert.equal((await fetch(`${origin}/me`)).status, 401);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}
