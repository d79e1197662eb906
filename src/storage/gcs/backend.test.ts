import { after, before } from 'node:test';
import { type GcsServer, startGcsServer } from '../../../test/servers/gcs/server.ts';
import { makeTestAccount, type TestAccount } from '../../../test/servers/gcs/test-account.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { describeBackend } from '../conformance/describe-backend.ts';
import { openGcsBackend } from './backend.ts';

let account: TestAccount;
let server: GcsServer;

before(async () => {
  account = await makeTestAccount();
  server = await startGcsServer({
    accounts: new Map([[account.email, account.publicKey]]),
    buckets: ['laws'],
  });
});

after(async () => {
  await server[Symbol.asyncDispose]();
  await account[Symbol.asyncDispose]();
});

describeBackend({
  name: 'GCS on the server of this repository',
  open: async () => {
    const backend = openGcsBackend({
      bucket: 'laws',
      credentialsPath: account.keyFilePath,
      endpoint: server.origin,
      clock: systemClock,
      log: silentLog,
    });
    return { backend, [Symbol.asyncDispose]: () => backend.close() };
  },
});
