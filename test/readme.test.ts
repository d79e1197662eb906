import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { crc32, deflateSync } from 'node:zlib';
import { startService } from './acceptance/service.ts';
import { blockWith } from './docs/claims.ts';

const ROOT = join(import.meta.dirname, '..');

/** A picture of one grey pixel. */
function tinyPng(): Buffer {
  const chunk = (type: string, data: Buffer): Buffer => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    check.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, check]);
  };
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = chunk('IDAT', deflateSync(Buffer.from([0, 128])));
  return Buffer.concat([signature, chunk('IHDR', header), pixels, chunk('IEND', Buffer.alloc(0))]);
}

describe('README', () => {
  it('shows the library example as it stands in examples', () => {
    assert.equal(
      blockWith('README.md', 'createReadStream').text,
      readFileSync(join(ROOT, 'examples/library.ts'), 'utf8'),
    );
  });

  it('shows the client example as it stands in examples', () => {
    assert.equal(
      blockWith('README.md', 'openAsBlob').text,
      readFileSync(join(ROOT, 'examples/client.ts'), 'utf8'),
    );
  });

  it('has a client example that uploads to a running service, lists and deletes', async () => {
    await using service = await startService({}, { backend: 'local' });
    const directory = mkdtempSync(join(tmpdir(), 'stowage-readme-'));
    const alice = service.as('alice');
    const runOn = async (bytes: Buffer) => {
      writeFileSync(join(directory, 'me.png'), bytes);
      const run = promisify(execFile)(
        process.execPath,
        ['--conditions=stowage-source', join(ROOT, 'examples/client.ts')],
        {
          cwd: directory,
          timeout: 60_000,
          env: { ...process.env, STOWAGE_URL: service.origin, STOWAGE_TOKEN: alice.token },
        },
      );
      return (await run).stdout;
    };
    try {
      assert.match(
        await runOn(tinyPng()),
        /^sending 0 67\n(?:sending 67 67\n)?completing 67 67\ndone 67 67\nme\.png http:\/\/\S+\n$/,
      );
      assert.deepEqual(await alice.assets(), []);
      assert.match(await runOn(Buffer.from('no picture')), /\n\w+ .*\.\n$/);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });

  it('has a library example that stores a file and signs its URL', () => {
    const directory = mkdtempSync(join(tmpdir(), 'stowage-readme-'));
    try {
      writeFileSync(join(directory, 'me.png'), tinyPng());
      const run = spawnSync(
        process.execPath,
        // What `npm run example library me.png` calls.
        [join(ROOT, 'scripts/example.mjs'), 'library', 'me.png'],
        {
          cwd: directory,
          encoding: 'utf8',
          timeout: 60_000,
          env: { ...process.env, DATA_DIR: join(directory, 'data') },
        },
      );
      assert.equal(run.status, 0, run.stderr);
      assert.match(
        run.stdout,
        /^image\/png 67 [0-9a-f]{64} http:\/\/\S+\/files\/avatars\/ana\/[0-9a-f-]{36}\.png\?/,
      );
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
