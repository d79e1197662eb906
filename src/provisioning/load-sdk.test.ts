import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadSdk } from './load-sdk.ts';

test('a client that is not installed is named, with the line that installs it', async () => {
  const name: string = '@aws-sdk/client-that-nobody-installed';
  await assert.rejects(
    loadSdk(name, () => import(name)),
    { name: 'ProvisioningError', message: /npm install @aws-sdk\/client-that-nobody-installed/ },
  );
});

test('a client that is installed and broken is not taken for a missing one', async () => {
  const broken = new SyntaxError('broken');
  await assert.rejects(
    loadSdk('x', async () => {
      throw broken;
    }),
    broken,
  );
});
