// A process of its own for the tests: opens the embedded database and does what it is told, until it is killed.
// Arguments: data directory, directory of the binaries, `hold` or `commit`.

import { openDatabase } from '../../src/catalog/database.ts';
import { openEmbeddedDatabase } from '../../src/catalog/embedded/embedded-database.ts';
import { makeAsset, makeUpload } from '../../src/catalog/fixtures.ts';
import { migrate } from '../../src/catalog/migrate.ts';
import { postgresCatalog } from '../../src/catalog/postgres-catalog.ts';
import { silentLog } from '../../src/core/log.ts';

const [dataDir = '', binDir = '', work = 'hold'] = process.argv.slice(2);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const embedded = await openEmbeddedDatabase({ dataDir, binDir, log: silentLog });
await migrate(embedded.owner);
say(`ready ${embedded.isOurs() ? 'ours' : 'joined'}`);
if (work === 'commit') {
  const catalog = postgresCatalog(openDatabase(embedded.app, silentLog), { now: () => Date.now() });
  const commitForEver = async (): Promise<void> => {
    for (;;) {
      const asset = makeAsset();
      await catalog.commitUpload(makeUpload([asset]));
      say(asset.assetId);
    }
  };
  await Promise.all(Array.from({ length: 16 }, commitForEver));
} else {
  // Standard input ends when the test says so, or ends itself.
  for await (const _ of process.stdin);
  await embedded.close();
}
