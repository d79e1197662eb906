import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { describe, test } from 'node:test';
import type { RecordedThing } from '../../../test/servers/aws-recorder/cloudfront.ts';
import type { AwsRecorder } from '../../../test/servers/aws-recorder/server.ts';
import { parseXml } from '../../../test/servers/aws-recorder/xml.ts';
import { destroyProvisioning } from '../destroy.ts';
import type { Provider } from '../provider.ts';
import { awsParts, openAws, provisioningOf, startAws } from '../test-aws.ts';
import { applyAll, driftOf, failuresOf, planAll, verifyAll } from '../test-run.ts';
import { cdnName, openCdnCalls } from './calls.ts';
import { certificateSetting } from './certificate.ts';

const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PEM = publicKey.export({ type: 'spki', format: 'pem' }).toString();

function open(aws: AwsRecorder, cdn: object = {}): Promise<Provider> {
  const provisioning = provisioningOf({ aws: { cdn: { publicKeys: [PEM], ...cdn } } });
  return openAws(aws, { provisioning });
}

function thing(aws: AwsRecorder, kind: string): RecordedThing {
  const found = [...aws.cloudFront].find(([key]) => key.startsWith(`${kind}/`))?.[1];
  assert.ok(found !== undefined, kind);
  return found;
}

/** Changes one text in the configuration of the first thing of a kind. */
function tamper(kind: string, from: string, to: string) {
  return (aws: AwsRecorder): void => {
    const found = thing(aws, kind);
    const text = JSON.stringify(found.config);
    assert.ok(text.includes(from), text);
    found.config = JSON.parse(text.replace(from, to));
    found.version += 1;
  };
}

describe('a distribution', () => {
  test('is made from nothing, waited for, let into the bucket, and left alone by a second apply', async () => {
    await using aws = await startAws();
    await using provider = await open(aws);
    assert.ok(driftOf(await planAll(provider)).includes('cdn_distribution'));
    await applyAll(provider);
    assert.deepEqual(failuresOf(await verifyAll(provider)), []);
    assert.match(aws.buckets.get('my-files')?.policy ?? '', /"AWS:SourceArn":"arn:aws:cloudfront::/);
    const before = aws.requests.length;
    assert.deepEqual((await applyAll(provider)).applied, []);
    const changes = aws.requests
      .slice(before)
      .filter(({ service, method }) => service === 'cloudfront' && method !== 'GET');
    assert.deepEqual(changes, []);
    assert.match(
      (await provider.notes(new AbortController().signal)).join('\n'),
      /CDN_KEY_PAIR_ID=KRECORDED/,
    );
    const wrong = aws.requests.filter(
      ({ status, service }) => service !== 's3' && status >= 400 && status !== 404,
    );
    assert.deepEqual(wrong, []);
  });

  test('asks for signatures everywhere but in folders of public assets', async () => {
    await using aws = await startAws();
    const provisioning = provisioningOf({ aws: { cdn: { publicKeys: [PEM] } } });
    const delivery = [
      { prefix: 'avatars/', isImmutable: true, isPublic: true },
      { prefix: 'images/', isImmutable: true, isPublic: false },
      { prefix: 'invoices/', isImmutable: false, isPublic: false },
    ];
    await using provider = await openAws(aws, { provisioning, delivery });
    await applyAll(provider);
    const plan = await provider.settings
      .find(({ name }) => name === 'cdn_distribution')
      ?.read(new AbortController().signal);
    const { folders, default: rest } = plan as {
      folders: Record<string, { signed_by: string[] }>;
      default: { signed_by: string[] };
    };
    assert.deepEqual(Object.keys(folders), ['avatars/*', 'images/*']);
    assert.equal(folders['avatars/*']?.signed_by.length, 0);
    assert.equal(folders['images/*']?.signed_by.length, 1);
    assert.equal(rest.signed_by.length, 1);
  });

  const MISCONFIGURATIONS: readonly (readonly [
    name: string,
    drift: string,
    seed: (aws: AwsRecorder) => void,
  ])[] = [
    [
      'it takes plain http',
      'cdn_distribution',
      tamper('distribution', '"text":"https-only"', '"text":"allow-all"'),
    ],
    [
      'private files need no signature',
      'cdn_distribution',
      tamper(
        'distribution',
        '"name":"Enabled","children":[],"text":"true"},{"name":"Quantity"',
        '"name":"Enabled","children":[],"text":"false"},{"name":"Quantity"',
      ),
    ],
    [
      'it is switched off',
      'cdn_distribution',
      (aws) => {
        const found = thing(aws, 'distribution');
        found.config = {
          ...found.config,
          children: found.config.children.map((child) =>
            child.name === 'Enabled' ? { ...child, text: 'false' } : child,
          ),
        };
      },
    ],
    [
      'the signature is part of the name at the edge',
      'cdn_cache_short',
      tamper('cache-policy', '"text":"whitelist"', '"text":"all"'),
    ],
    [
      'delivered content may act',
      'cdn_headers',
      tamper('response-headers-policy', "default-src 'none'", 'default-src *'),
    ],
    [
      'requests to the bucket are not signed',
      'cdn_origin_access',
      tamper('origin-access-control', '"text":"always"', '"text":"never"'),
    ],
  ];
  for (const [name, drift, seed] of MISCONFIGURATIONS) {
    test(`${name}: plan shows it, verify finds it, apply mends it, once`, async () => {
      await using aws = await startAws();
      await using provider = await open(aws);
      await applyAll(provider);
      seed(aws);
      const found = driftOf(await planAll(provider));
      assert.ok(
        found.some((each) => each === drift || each === drift.replace('short', 'immutable')),
        found.join(),
      );
      assert.notDeepEqual(failuresOf(await verifyAll(provider)), []);
      await applyAll(provider);
      assert.deepEqual(failuresOf(await verifyAll(provider)), []);
      assert.deepEqual((await applyAll(provider)).applied, []);
    });
  }

  test('with another bucket’s distribution in the policy is found', async () => {
    await using aws = await startAws();
    await using provider = await open(aws);
    await applyAll(provider);
    const bucket = aws.buckets.get('my-files');
    if (bucket?.policy) bucket.policy = bucket.policy.replace('distribution/E', 'distribution/EOTHER');
    assert.deepEqual(driftOf(await planAll(provider)), ['bucket_policy']);
  });

  test('without a key to sign with is refused before anything is made', async () => {
    await using aws = await startAws();
    await assert.rejects(open(aws, { publicKeys: [] }), { name: 'ProvisioningError' });
    assert.equal(aws.requests.length, 0);
  });

  test('is switched off, waited for and removed with all that belongs to it', async () => {
    await using aws = await startAws();
    await using provider = await open(aws);
    await applyAll(provider);
    const options = {
      signal: new AbortController().signal,
      progress: () => undefined,
      confirm: async () => true,
    };
    const done = await destroyProvisioning(provider, { ...options, force: true, typedBucket: 'my-files' });
    assert.equal(done.kind, 'done');
    assert.equal(aws.cloudFront.size, 0);
    assert.equal(aws.buckets.size, 0);
    assert.equal(aws.identities.size, 0);
  });
});

describe('a certificate', () => {
  test('is asked for once, its DNS record is told, and it is waited for', async () => {
    await using aws = await startAws();
    const cdn = { domain: 'cdn.example.org', publicKeys: [PEM], priceClass: 'PriceClass_100' } as const;
    const calls = await openCdnCalls(awsParts(aws), cdn);
    const lines: string[] = [];
    const { signal } = new AbortController();
    const impatient = certificateSetting(calls, cdn.domain, { waitMs: 0 });
    const context = { signal, progress: (line: string) => void lines.push(line) };
    await assert.rejects(impatient.apply(undefined, context), {
      name: 'ProvisioningError',
      message: /_recorded\.cdn\.example\.org\. CNAME _x\.acm-validations\.aws\./,
    });
    assert.match(lines.join(), /Waiting/);
    await assert.rejects(impatient.apply(undefined, context), { name: 'ProvisioningError' });
    assert.equal(aws.certificates.length, 1);
    const [certificate] = aws.certificates;
    if (certificate !== undefined) certificate.status = 'ISSUED';
    await impatient.apply(undefined, context);
    await using provider = await open(aws, { domain: cdn.domain });
    await applyAll(provider);
    assert.deepEqual(failuresOf(await verifyAll(provider)), []);
    assert.match((await provider.notes(signal)).join('\n'), /cdn\.example\.org CNAME e\w+\.cloudfront\.net/);
    calls.client.destroy();
    calls.acm?.client.destroy();
  });
});

test('the recorder counts lists as CloudFront does', async () => {
  await using aws = await startAws();
  const { client, sdk } = await openCdnCalls(awsParts(aws), {
    domain: null,
    publicKeys: [PEM],
    priceClass: 'PriceClass_100',
  });
  const config = {
    Name: 'x',
    Comment: '',
    SecurityHeadersConfig: {},
    CustomHeadersConfig: { Quantity: 3, Items: [] },
  };
  await assert.rejects(
    client.send(new sdk.CreateResponseHeadersPolicyCommand({ ResponseHeadersPolicyConfig: config })),
    { name: 'MalformedXML' },
  );
  assert.equal(parseXml('<a><b>1</b></a>').children[0]?.text, '1');
  client.destroy();
});

test('a CDN that gives private files away is seen from outside', async () => {
  await using aws = await startAws();
  let status = 403;
  const edge = createServer((_request, response) => void response.writeHead(status).end());
  edge.listen(0, '127.0.0.1');
  await once(edge, 'listening');
  const { port } = edge.address() as { port: number };
  await using provider = await openAws(aws, { cdnUrl: `http://127.0.0.1:${port}` });
  await applyAll(provider);
  assert.deepEqual(failuresOf(await verifyAll(provider)), []);
  status = 200;
  assert.deepEqual(failuresOf(await verifyAll(provider)), ['cdn_unsigned']);
  const closed = once(edge, 'close');
  edge.close();
  edge.closeAllConnections();
  await closed;
});

test('names that CloudFront takes are made of the longest name of a bucket', () => {
  assert.equal(cdnName('my.files'), 'stowage-my-files');
  const long = cdnName('a'.repeat(63));
  assert.ok(`${long}-immutable`.length <= 64, long);
  assert.notEqual(long, cdnName(`${'a'.repeat(62)}b`));
});
