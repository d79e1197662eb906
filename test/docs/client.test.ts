import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { png } from '../acceptance/samples/images.ts';
import { startService } from '../acceptance/service.ts';
import { placeOf } from './blocks.ts';
import { claimed } from './claims.ts';
import { directoryInPackage, programText, standsIn } from './programs.ts';

/** More than the client sends as a form: such files go straight to the store. */
const DIRECT_BYTES = 9 * 1024 * 1024;
const program = programText('client.ts');

describe('the page about the client', () => {
  test('shows code that stands in a program', () => {
    for (const block of claimed('test/docs/client.test.ts'))
      assert.ok(standsIn(program, block), placeOf(block));
  });

  test('shows code that runs', async () => {
    await using service = await startService({}, { backend: 'local' });
    const directory = directoryInPackage();
    try {
      writeFileSync(
        join(directory, 'client.ts'),
        program.replaceAll('https://files.example.com', service.origin),
      );
      writeFileSync(join(directory, 'photo.png'), png({ sizeBytes: DIRECT_BYTES }));
      const storage = ['--experimental-webstorage', `--localstorage-file=${join(directory, 'storage')}`];
      const flags = ['--conditions=stowage-source', ...storage, 'client.ts', service.as('ana').token];
      const run = promisify(execFile)(process.execPath, flags, { cwd: directory, timeout: 90_000 });
      assert.equal((await run).stdout, 'All of it ran.\n');
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
