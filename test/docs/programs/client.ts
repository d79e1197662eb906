// The blocks of docs/reference/client.md in one program, as they stand there: client.test.ts compares and runs it, with the
// address of a service in the place of the one that the page has.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';

const session = { accessToken: () => process.argv[2] ?? '' };
const shown: number[] = [];
const bar = { show: (sentBytes: number, totalBytes: number) => void shown.push(sentBytes / totalBytes) };
const file = new File([await readFile('photo.png')], 'photo.png', { type: 'image/png' });

import { createClient } from 'stowage/client';

const client = createClient({ url: 'https://files.example.com', token: () => session.accessToken() });
const asset = await client.upload(file, {
  assetType: 'image',
  onProgress: ({ sentBytes, totalBytes }) => bar.show(sentBytes, totalBytes),
});

assert.equal(asset.filename, 'photo.png');
assert.equal(shown.at(-1), 1);
await assert.rejects(interrupted(), { code: 'network_error' });
assert.equal((await goneOn()).size_bytes, file.size);
console.log('All of it ran.');

/** The page is closed while the bytes are on their way to the store. */
async function interrupted(): Promise<void> {
  const client = createClient({
    url: 'https://files.example.com',
    token: () => session.accessToken(),
    retry: { attemptsMax: 1 },
    fetch: (input, init) =>
      init?.method === 'PUT' ? Promise.reject(new TypeError('The network is gone.')) : fetch(input, init),
  });
  const asset = await client.upload(file, {
    assetType: 'image',
    onState: (state) => localStorage.setItem(file.name, JSON.stringify(state)),
  });
  assert.fail(`The upload ended with ${asset.asset_id}.`);
}

/** Another page, with the same file. */
async function goneOn() {
  const asset = await client.resume(localStorage.getItem(file.name) ?? '', file);
  return asset;
}
