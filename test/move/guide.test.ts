import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sample } from '../acceptance/samples/index.ts';
import { runStowage, startService } from '../acceptance/service.ts';
import { claimed } from '../docs/claims.ts';
import { startClouds } from './clouds.ts';

/** The commands of docs/guides/move-to-a-cloud.md, in its order. */
function commands(): readonly (readonly string[])[] {
  const blocks = claimed('test/move/guide.test.ts').flatMap(({ text }) => text.split('\n'));
  return blocks.filter((line) => line.startsWith('stowage ')).map((line) => line.split(' ').slice(1));
}

test('the commands of the guide do what it says, one after the other', async () => {
  await using clouds = await startClouds();
  await using service = await startService({ ...clouds.settings, STORAGE_BACKEND: 'local' });
  const alice = service.as('alice');
  const files = [1, 2, 3].map((seed) => sample('png', seed));
  const assets = await Promise.all(files.map((file) => alice.store('image', file)));
  assert.ok(commands().length >= 8);
  for (const [command = '', ...flags] of commands()) {
    const { code, stdout, stderr } = await runStowage([command, ...flags], service.environment);
    // The doctor of a test machine may warn; here it must only run.
    if (command !== 'doctor') assert.equal(code, 0, `${command} ${flags.join(' ')}\n${stdout}${stderr}`);
    if (command !== 'move') continue;
    const to = flags[flags.indexOf('--to') + 1];
    if (flags.includes('--apply')) assert.match(stdout, new RegExp(`^Moved to ${to} +\\d`, 'm'));
    else assert.match(stdout, /^On local +3 /m);
    for (const [index, asset] of assets.entries()) {
      const answer = await alice.get(`/api/assets/${asset.asset_id}/download`);
      assert.deepEqual(answer.body, files[index]?.bytes);
      const { storage_url: url } = (await alice.get(`/api/assets/${asset.asset_id}`)).json<typeof asset>();
      const kind = { local: 'local:', s3: 's3:', azure: 'az:' }[
        flags.includes('--apply') ? String(to) : 'local'
      ];
      assert.ok(kind !== undefined && url.startsWith(kind), `${url} after ${flags.join(' ')}`);
    }
  }
});
