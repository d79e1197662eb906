import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineConfig, type StowageConfigFile } from '../config/define-config.ts';
import { createStowage } from './create-stowage.ts';
import { ALICE, bytesOf, type TestStowage } from './library-fixture.ts';
import type { Stowage } from './stowage.ts';

/**
 * Read by the compiler, never run: every line below that expects an error fails the type check when there is none.
 */
async function wrongCalls(stowage: TestStowage): Promise<void> {
  const file = { user: ALICE, body: bytesOf(''), filename: 'a.txt' } as const;
  await stowage.upload({ ...file, assetType: 'note' });
  await stowage.upload({ ...file, assetType: 'case_file', fields: { case_id: '1' } });
  await stowage.upload({ ...file, assetType: 'task_attachment', fields: { task_id: '1' } });
  // @ts-expect-error there is no such asset type
  await stowage.upload({ ...file, assetType: 'ntoe' });
  // @ts-expect-error its key needs case_id
  await stowage.upload({ ...file, assetType: 'case_file' });
  // @ts-expect-error its key needs case_id, not case
  await stowage.upload({ ...file, assetType: 'case_file', fields: { case: '1' } });
  // @ts-expect-error its key needs no fields
  await stowage.upload({ ...file, assetType: 'note', fields: { case_id: '1' } });
  // @ts-expect-error a user is missing
  await stowage.upload({ body: bytesOf(''), filename: 'a.txt', assetType: 'note' });

  const announced = { user: ALICE, filename: 'a.txt', sizeBytes: 1 } as const;
  await stowage.begin({ ...announced, assetType: 'case_file', fields: { case_id: '1' } });
  // @ts-expect-error its key needs case_id
  await stowage.begin({ ...announced, assetType: 'case_file' });

  const request = {} as Parameters<TestStowage['receive']>[0];
  await stowage.receive(request, { assetType: 'case_file', fields: { case_id: '1' } });
  // @ts-expect-error its key needs case_id
  await stowage.receive(request, { assetType: 'case_file' });
  await stowage.list(ALICE, { assetType: 'note' });
  // @ts-expect-error there is no such asset type
  await stowage.list(ALICE, { assetType: 'nope' });

  await stowage.link({ recordType: 'brand', recordId: '1', role: 'logo', assetId: '' }, ALICE);
  // @ts-expect-error no rule names such records
  await stowage.link({ recordType: 'brnad', recordId: '1', role: 'logo', assetId: '' }, ALICE);
  // @ts-expect-error a task has no logo
  await stowage.link({ recordType: 'task', recordId: '1', role: 'logo', assetId: '' }, ALICE);
  // @ts-expect-error where there are rules, a link names its role
  await stowage.link({ recordType: 'task', recordId: '1', assetId: '' }, ALICE);
  await stowage.linked({ recordType: 'task', recordId: '1' }, ALICE);

  stowage.on('stored', ({ asset }) => void asset.assetId);
  // @ts-expect-error a read has no asset
  stowage.on('read', ({ asset }) => void asset);
  // @ts-expect-error there is no such event
  stowage.on('stord', () => undefined);
}

async function withShippedTypes(stowage: Stowage, anything: StowageConfigFile): Promise<void> {
  const shipped = await createStowage({ cwd: '/' });
  const file = { user: ALICE, body: bytesOf(''), filename: 'a.txt' } as const;
  await shipped.upload({ ...file, assetType: 'image' });
  await shipped.link({ recordType: 'whatever', recordId: '1', assetId: '' }, ALICE);
  // @ts-expect-error a generated video belongs to a project
  await shipped.upload({ ...file, assetType: 'generated_video' });

  const config = defineConfig({ assetTypes: { image: null, invoice: { maxSize: '1mb' } } });
  const changed = await createStowage({ cwd: '/', config });
  await changed.upload({ ...file, assetType: 'invoice' });
  // @ts-expect-error it was taken away
  await changed.upload({ ...file, assetType: 'image' });

  // A config that is known at run time alone, and code that works with any: every name goes.
  const unknown = await createStowage({ cwd: '/', config: anything });
  await unknown.upload({ ...file, assetType: 'whatever', fields: { some_id: '1' } });
  await stowage.upload({ ...file, assetType: 'whatever' });
}

test('calls are checked by the compiler: this file does not compile when they are not', () => {
  assert.equal(typeof wrongCalls, 'function');
  assert.equal(typeof withShippedTypes, 'function');
});
