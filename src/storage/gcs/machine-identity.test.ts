// Application default credentials by Google's own library: the metadata service of a machine, and a key file by its usual name.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { makeTestAccount } from '../../../test/servers/gcs/test-account.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { refuses } from '../conformance/material.ts';
import { openIdentity } from './identity.ts';

const EMAIL = 'machine@project.iam.gserviceaccount.com';
let server: Server;
let host: string;
let tokens = 0;
let isBroken = false;

before(async () => {
  server = createServer((request, response) => {
    response.setHeader('metadata-flavor', 'Google');
    if (request.headers['metadata-flavor'] !== 'Google' || isBroken) {
      response.writeHead(isBroken ? 404 : 403).end();
      return;
    }
    const { pathname } = new URL(request.url ?? '/', 'http://metadata');
    if (pathname.endsWith('/token')) {
      tokens += 1;
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({ access_token: `token-${tokens}`, expires_in: 3600, token_type: 'Bearer' }),
      );
    } else if (pathname.endsWith('/email')) response.end(EMAIL);
    else if (pathname.endsWith('/service-accounts/') || pathname.endsWith('/service-accounts')) {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ default: { email: EMAIL, aliases: ['default'], scopes: [] } }));
    } else response.end('{}');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  host = `127.0.0.1:${address.port}`;
});
after(async () => {
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

/** Runs with exactly these of Google's variables. */
async function within<Result>(
  environment: Readonly<Record<string, string>>,
  run: () => Promise<Result>,
): Promise<Result> {
  const kept = { ...process.env };
  const isGoogles = (name: string) => /^(?:GOOGLE_|GCLOUD_|GCE_|METADATA_|CLOUDSDK_)/.test(name);
  for (const name of Object.keys(process.env)) if (isGoogles(name)) delete process.env[name];
  Object.assign(process.env, { CLOUDSDK_CONFIG: '/nonexistent', HOME: '/nonexistent', ...environment });
  try {
    return await run();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
  }
}

const options = {
  bucket: 'files',
  credentialsPath: null,
  endpoint: null,
  clock: systemClock,
  log: silentLog,
};

describe('application default credentials', () => {
  test('are the machine’s own where its metadata service answers', async () => {
    await within({ GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: 'assume-present' }, async () => {
      const identity = openIdentity(options);
      const [first, second] = await Promise.all([identity.token(), identity.token()]);
      assert.equal(first, 'token-1');
      assert.equal(second, 'token-1');
      assert.equal(await identity.email(), EMAIL);
      identity.forgetToken(first);
      assert.equal(await identity.token(), 'token-2');
    });
  });

  test('are the key file that GOOGLE_APPLICATION_CREDENTIALS names', async () => {
    await using account = await makeTestAccount('by-file');
    await within(
      { GOOGLE_APPLICATION_CREDENTIALS: account.keyFilePath, METADATA_SERVER_DETECTION: 'none' },
      async () => assert.equal(await openIdentity(options).email(), account.email),
    );
  });

  test('that do not exist are the operator’s to mend', async () => {
    await within({ METADATA_SERVER_DETECTION: 'none' }, async () => {
      await refuses('storage_denied', openIdentity(options).token());
    });
  });

  test('that the machine’s service refuses are the operator’s to mend', async () => {
    isBroken = true;
    await within({ GCE_METADATA_HOST: host, METADATA_SERVER_DETECTION: 'assume-present' }, async () => {
      await refuses('storage_denied', openIdentity(options).token());
    });
    isBroken = false;
  });
});
