import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { loadConfig } from '../config/load-config.ts';
import { openProvisioning } from './provision-parts.ts';

let cwd: string;
before(() => {
  cwd = mkdtempSync(join(tmpdir(), 'stowage-provision-parts-'));
});
after(() => rmSync(cwd, { recursive: true, force: true }));

/** @returns the folders that a CDN gives to everybody, with a public type at `brand/` and a private one elsewhere. */
async function publicFolders(privateTemplate: string): Promise<readonly string[]> {
  const type = (keyTemplate: string, visibility: string) => ({
    ...{ keyTemplate, visibility, accepts: { 'image/png': ['png'] }, maxSize: '1mb' },
  });
  const assetTypes = {
    logo: type('files/brand/{uuid}_{filename}', 'public'),
    paper: type(privateTemplate, 'private'),
  };
  const config = await loadConfig({
    env: {
      ...{ NODE_ENV: 'test', STORAGE_BACKEND: 's3', S3_BUCKET_NAME: 'my-files', S3_REGION: 'eu-west-1' },
      ...{ AWS_ACCESS_KEY_ID: 'TESTKEY', AWS_SECRET_ACCESS_KEY: 'test-secret' },
    },
    cwd,
    canJudge: () => true,
    file: { values: new Map(), assetTypes },
  });
  await using provider = await openProvisioning(config, null);
  const folders = provider.variables.cdn_folders;
  assert.ok(Array.isArray(folders));
  return folders.flatMap((folder) => (folder.public ? [folder.prefix] : []));
}

describe('a folder of a public type is open to everybody at the CDN', () => {
  test('when private files lie beside it', async () => {
    assert.deepEqual(await publicFolders('papers/{uuid}_{filename}'), ['files/brand/']);
    assert.deepEqual(await publicFolders('files/papers/{uuid}_{filename}'), ['files/brand/']);
  });

  for (const [title, template] of [
    ['in it', 'files/brand/{team_id}_{uuid}'],
    ['below it', 'files/brand/papers/{uuid}_{filename}'],
    ['where a folder with its name may be filled in', 'files/{team_id}/{uuid}_{filename}'],
    ['where the whole path may be filled in', '{team_id}/{uuid}_{filename}'],
  ] as const) {
    test(`but not when private files lie ${title}`, async () => {
      assert.deepEqual(await publicFolders(template), []);
    });
  }
});
