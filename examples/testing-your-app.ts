import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { createStowage, isStowageError } from 'stowage';

// A directory and a database of its own: the embedded one, or an empty one of your server.
const directory = mkdtempSync(join(tmpdir(), 'my-app-'));
chmodSync(directory, 0o755);
const env = { DATABASE_URL: process.env.TEST_DATABASE_URL };
const stowage = await createStowage({ cwd: directory, env });
after(async () => {
  await stowage.close();
  rmSync(directory, { recursive: true, force: true });
});

const user = { userId: 'ana' };
async function* bytesOf(text: string) {
  yield new TextEncoder().encode(text);
}
const note = (text: string, filename: string) =>
  stowage.upload({ user, body: bytesOf(text), filename, assetType: 'study_material' });

test('a note comes back as it was, to its owner alone', async () => {
  const { assetId } = await note('mitosis', 'cells.txt');
  const { body } = await stowage.download(assetId, user);
  assert.equal(await textOf(body), 'mitosis');
  await assert.rejects(stowage.find(assetId, { userId: 'bob' }), (error) =>
    isStowageError(error, 'forbidden'),
  );
});

test('a page that calls itself a PDF is refused', async () => {
  const disguised = note('<h1>Not a PDF</h1>', 'cells.pdf');
  await assert.rejects(disguised, (error) => isStowageError(error, 'file_type_mismatch'));
});

test('without its row there is no file', async () => {
  await stowage.database.migrate([{ name: '0001_notes', sql: 'create table notes (s3_key text unique)' }]);
  const failing = stowage.upload({
    ...{ user, body: bytesOf('lost'), filename: 'lost.txt', assetType: 'study_material' },
    inTransaction: () => Promise.reject(new Error('my own mistake')),
  });
  await assert.rejects(failing, /my own mistake/);
  assert.equal((await stowage.list(user)).items.length, 1);
});
