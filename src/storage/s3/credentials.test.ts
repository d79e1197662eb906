import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, describe, test } from 'node:test';
import {
  CONTAINER_TOKEN,
  type CredentialServices,
  type GivenKeys,
  startCredentialServices,
} from '../../../test/servers/aws/credentials.ts';
import { type FaultyProxy, startFaultyProxy } from '../../../test/servers/chaos/proxy.ts';
import { type S3Server, startS3Server } from '../../../test/servers/s3/server.ts';
import { OWNER } from '../../../test/servers/s3/test-users.ts';
import { systemClock } from '../../core/clock.ts';
import { silentLog } from '../../core/log.ts';
import { Bucket } from '../bucket.ts';
import { CREATE, chunks, readOptions, readText, refuses } from '../conformance/material.ts';
import { openS3Backend } from './backend.ts';
import { S3Client } from './client.ts';
import { machineCredentials } from './credentials.ts';
import type { S3Options } from './options.ts';

const MINUTE_MS = 60_000;
let services: CredentialServices;
let directory: string;
before(async () => {
  services = await startCredentialServices();
  directory = await mkdtemp(path.join(tmpdir(), 'stowage-keys-'));
});
after(async () => {
  await services[Symbol.asyncDispose]();
  await rm(directory, { recursive: true, force: true });
});
beforeEach(() => {
  services.requests.length = 0;
});

/** Temporary keys with so long to live. */
function keys(number: number, minutesLeft: number): GivenKeys {
  return {
    accessKeyId: `TEMPORARY${number}`,
    secretAccessKey: `temporary-secret-${number}-on-loopback`,
    sessionToken: `temporary/token+${number}=`,
    // Whole seconds, as the services tell it.
    expiration: new Date(Math.ceil((Date.now() + minutesLeft * MINUTE_MS) / 1000) * 1000),
  };
}

/** Runs with exactly these of AWS's variables: what the machine has of its own is put aside. */
async function within<Result>(
  environment: Readonly<Record<string, string>>,
  run: () => Promise<Result>,
): Promise<Result> {
  const kept = { ...process.env };
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];
  const nothing = path.join(directory, 'no-such-file');
  Object.assign(process.env, {
    ...{ AWS_SHARED_CREDENTIALS_FILE: nothing, AWS_CONFIG_FILE: nothing, AWS_EC2_METADATA_DISABLED: 'true' },
    AWS_REGION: 'us-east-1',
    ...environment,
  });
  try {
    return await run();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in kept)) delete process.env[name];
    Object.assign(process.env, kept);
  }
}

const container = () => ({
  AWS_CONTAINER_CREDENTIALS_FULL_URI: `${services.origin}/container`,
  AWS_CONTAINER_AUTHORIZATION_TOKEN: CONTAINER_TOKEN,
});

describe('the chain of the machine', () => {
  test('takes keys from the environment', async () => {
    const environment = { AWS_ACCESS_KEY_ID: 'FROMENV', AWS_SECRET_ACCESS_KEY: 'secret' };
    await within(environment, async () => {
      const found = await machineCredentials().current();
      assert.deepEqual(found, { accessKeyId: 'FROMENV', secretAccessKey: 'secret' });
    });
  });

  test('takes keys from the profile that is named', async () => {
    const file = path.join(directory, 'credentials');
    await writeFile(
      file,
      '[default]\naws_access_key_id=A\naws_secret_access_key=a\n[files]\naws_access_key_id=FROMPROFILE\naws_secret_access_key=b\n',
      { mode: 0o600 },
    );
    await within({ AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'files' }, async () => {
      assert.equal((await machineCredentials().current()).accessKeyId, 'FROMPROFILE');
    });
  });

  test('takes the role of a web identity, as pods on EKS have it (IRSA)', async () => {
    const given = keys(1, 60);
    services.give = () => given;
    const file = path.join(directory, 'token');
    await writeFile(file, 'token-of-the-cluster', { mode: 0o600 });
    const environment = {
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/stowage',
      AWS_ENDPOINT_URL_STS: services.origin,
    };
    await within(environment, async () => {
      assert.deepEqual(await machineCredentials().current(), plain(given));
    });
    assert.deepEqual(services.requests, ['POST /']);
  });

  test('takes the role of a container', async () => {
    const given = keys(2, 60);
    services.give = () => given;
    await within(container(), async () => {
      assert.deepEqual(await machineCredentials().current(), plain(given));
    });
    assert.deepEqual(services.requests, ['GET /container']);
  });

  test('takes the role of an instance, by a session of the metadata service (version 2)', async () => {
    const given = keys(3, 60);
    services.give = () => given;
    const environment = {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: services.origin,
      AWS_EC2_METADATA_DISABLED: 'false',
      AWS_EC2_METADATA_V1_DISABLED: 'true',
    };
    await within(environment, async () => {
      assert.deepEqual(await machineCredentials().current(), plain(given));
    });
    assert.equal(services.requests[0], 'PUT /latest/api/token');
    assert.equal(services.requests.length, 3);
  });
});

describe('keys that can’t be had', () => {
  test('because the machine has none are the operator’s to mend', async () => {
    await within({}, () => refuses('storage_denied', machineCredentials().current()));
  });

  test('because the role may not be taken are the operator’s to mend', async () => {
    services.give = () => 403;
    const file = path.join(directory, 'token-2');
    await writeFile(file, 'token-of-the-cluster', { mode: 0o600 });
    const environment = {
      AWS_WEB_IDENTITY_TOKEN_FILE: file,
      AWS_ROLE_ARN: 'arn:aws:iam::000000000000:role/stowage',
      AWS_ENDPOINT_URL_STS: services.origin,
    };
    await within(environment, () => refuses('storage_denied', machineCredentials().current()));
  });

  test('for now are an outage, and are asked for again', async () => {
    let loads = 0;
    const source = machineCredentials(async () => async () => {
      loads += 1;
      if (loads === 1) throw Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
      return { accessKeyId: 'A', secretAccessKey: 'a' };
    });
    await refuses('storage_unavailable', source.current());
    assert.equal((await source.current()).accessKeyId, 'A');
  });
});

describe('temporary keys', () => {
  let store: S3Server;
  let proxy: FaultyProxy;
  const given = [keys(10, 4), keys(11, 60), keys(12, 60)];
  before(async () => {
    const guests = given.map(({ expiration: _, ...user }) => ({ ...user, name: OWNER.name }));
    store = await startS3Server({ users: [OWNER, ...guests] });
    proxy = await startFaultyProxy(Number(new URL(store.origin).port));
    const owner = new S3Client({ ...options(), credentials: OWNER });
    await owner.callForText({ method: 'PUT', key: null });
    await owner.close();
  });
  after(async () => {
    await proxy[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  });

  function options(): S3Options {
    return {
      bucket: 'keys',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${proxy.port}`,
      credentials: null,
      publicEndpoint: null,
      forcePathStyle: true,
      sse: 'AES256',
      kmsKeyId: null,
      signedWrite: 'post',
      clock: systemClock,
      log: silentLog,
    };
  }

  /** Whose key signed the last request. */
  const signers: string[] = [];
  const noteSigner = (authorization: string | undefined) =>
    void signers.push(/Credential=([^/]+)/.exec(authorization ?? '')?.[1] ?? '');

  test('are renewed before they end, once, while the old ones go on signing', async () => {
    const gate = Promise.withResolvers<void>();
    let gifts = 0;
    services.give = async () => {
      gifts += 1;
      if (gifts === 1) return given[0] ?? 500;
      await gate.promise;
      return given[1] ?? 500;
    };
    proxy.fault = ({ headers }) => {
      noteSigner(headers.authorization);
      return null;
    };
    await within(container(), async () => {
      const backend = openS3Backend(options());
      const bucket = new Bucket(backend);
      await bucket.put('a', chunks('x'), CREATE);
      // Four minutes are left: renewal begins, and twenty requests are answered although it hangs.
      await Promise.all(Array.from({ length: 20 }, () => bucket.head('a', {})));
      assert.deepEqual([...new Set(signers)], ['TEMPORARY10']);
      gate.resolve();
      // Polled until the new keys have arrived: their service answers on its own time.
      for (let tries = 0; tries < 1_000 && signers.at(-1) !== 'TEMPORARY11'; tries++)
        await bucket.head('a', {});
      assert.equal(signers.at(-1), 'TEMPORARY11');
      assert.equal(gifts, 2);
      await backend.close();
    });
  });

  test('that the store takes for expired are replaced, and the call succeeds', async () => {
    let gifts = 0;
    services.give = () => given[++gifts === 1 ? 1 : 2] ?? 500;
    const expired = {
      status: 400,
      body: '<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>',
    };
    proxy.fault = ({ headers, method }) =>
      headers.authorization?.includes('TEMPORARY11')
        ? { ...expired, body: method === 'HEAD' ? '' : expired.body }
        : null;
    await within(container(), async () => {
      const backend = openS3Backend(options());
      const bucket = new Bucket(backend);
      await Promise.all([
        bucket.head('a', {}),
        bucket.check({}),
        bucket.list({ prefix: '', cursor: null, limit: 1 }),
      ]);
      assert.equal(await readText(bucket, 'a'), 'x');
      assert.equal(gifts, 2);
      await backend.close();
    });
  });

  test('that the store goes on refusing are the operator’s to mend', async () => {
    services.give = () => given[1] ?? 500;
    proxy.fault = () => ({ status: 400, body: '<Error><Code>ExpiredToken</Code></Error>' });
    await within(container(), async () => {
      const backend = openS3Backend(options());
      await refuses('storage_denied', new Bucket(backend).get('a', {}));
      await backend.close();
    });
  });

  test('give URLs that say when they really end', async () => {
    const short = given[0];
    services.give = () => short ?? 500;
    proxy.fault = () => null;
    await within(container(), async () => {
      const backend = openS3Backend(options());
      const { url, expiresAtMs } = await new Bucket(backend).signRead('a', readOptions());
      assert.equal(expiresAtMs, short?.expiration.getTime());
      assert.equal(await (await fetch(url)).text(), 'x');
      await backend.close();
    });
  });
});

/** The keys as the signer sees them. */
function plain({ expiration, ...rest }: GivenKeys) {
  return { ...rest, expiresAtMs: expiration.getTime() };
}
