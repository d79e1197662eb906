import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { fieldParts, filePart, KEY_FIELDS, onlyUpload } from './caller.ts';
import { assertProblem, form } from './http.ts';
import { zip } from './samples/archives.ts';
import { png } from './samples/images.ts';
import { type Sample, type SampleExtension, sample } from './samples/index.ts';
import { type Service, startService } from './service.ts';
import type { Asset, Uploads } from './wire.ts';

let service: Service;
before(async () => {
  service = await startService();
});
after(async () => {
  await service[Symbol.asyncDispose]();
});

/** The kinds that Stowage ships, with every extension that DESIGN.md names for them. */
const ACCEPTED: Readonly<Record<string, readonly SampleExtension[]>> = {
  brand_image: ['jpg', 'jpeg', 'png', 'webp'],
  generated_video: ['mp4'],
  lora_training: ['zip'],
  study_material: ['pdf', 'docx', 'pptx', 'txt', 'md', 'png', 'jpg', 'webp'],
  task_attachment: ['pdf', 'docx', 'pptx', 'txt', 'png', 'jpg', 'zip'],
  invoice: ['pdf', 'png', 'jpg', 'webp', 'tiff', 'tif', 'xml'],
  image: ['jpg', 'png', 'webp', 'gif', 'avif'],
};

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';

describe('every shipped asset type takes every type it promises', () => {
  for (const [assetType, extensions] of Object.entries(ACCEPTED)) {
    for (const extension of extensions) {
      test(`${assetType} takes .${extension} and gives the same bytes back`, async () => {
        const alice = service.as('alice');
        const file = sample(extension, 7);
        const asset = await alice.store(assetType, file);
        assert.equal(asset.mime_type.replace('text/xml', 'application/xml'), file.mediaType);
        assert.equal(asset.size_bytes, file.bytes.length);
        assert.equal(asset.content_hash, createHash('sha256').update(file.bytes).digest('hex'));
        const download = await alice.get(`/api/assets/${asset.asset_id}/download`);
        assert.equal(download.status, 200);
        assert.deepEqual(download.body, file.bytes);
        const signed = await service.send('GET', asset.presigned_url);
        assert.deepEqual(signed.body, file.bytes);
      });
    }
  }
});

describe('an asset in JSON', () => {
  test('has exactly the fields of the design, and the record has them too', async () => {
    const alice = service.as('alice');
    const file = sample('png', 3, 'Logo Ünïcode.png');
    const startedMs = Date.now();
    const asset = await alice.store('brand_image', file);
    const fields = [
      ...[
        'asset_id',
        'asset_type',
        'content_hash',
        'created_at',
        'expiration_at',
        'filename',
        'key',
        'metadata',
      ],
      ...['mime_type', 'original_filename', 'presigned_url', 'size_bytes', 'storage_url', 'user_id'],
    ];
    // On S3 the record also has the name that this field had before there were other clouds.
    const storeUrl = `${service.store.urlBase}${asset.key}`;
    const more = storeUrl.startsWith('s3:') ? { s3_url: storeUrl } : {};
    fields.push(...Object.keys(more));
    assert.deepEqual(Object.keys(asset).sort(), fields.sort());
    assert.deepEqual({ ...asset, ...more }, asset);
    assert.match(asset.asset_id, new RegExp(`^${UUID}$`));
    assert.equal(asset.asset_type, 'brand_image');
    assert.equal(asset.filename, file.filename);
    assert.equal(asset.original_filename, file.filename);
    assert.equal(asset.user_id, 'alice');
    assert.equal(asset.storage_url, storeUrl);
    assert.deepEqual(asset.metadata, {});
    const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
    assert.match(asset.created_at, rfc3339);
    assert.match(asset.expiration_at, rfc3339);
    assert.ok(Math.abs(Date.parse(asset.created_at) - startedMs) < 10_000);
    const livesSeconds = (Date.parse(asset.expiration_at) - startedMs) / 1000;
    assert.ok(livesSeconds > 3600 - 301 && livesSeconds <= 3600 + 5, `the URL lives ${livesSeconds} s`);

    const record = (await alice.get(`/api/assets/${asset.asset_id}`)).json<Asset>();
    assert.deepEqual(Object.keys(record).sort(), fields);
    const { presigned_url: _, expiration_at: __, ...fixed } = asset;
    assert.partialDeepStrictEqual(record, fixed);
  });

  test('keeps metadata, whatever its shape, and gives it back', async () => {
    const metadata = {
      campaign: 'spring',
      tags: ['a', 'b'],
      nested: { n: 1.5, yes: true, none: null },
      ключ: '值',
    };
    const answer = await service
      .as('alice')
      .upload('image', [sample('png', 4)], { metadata: JSON.stringify(metadata) });
    assert.deepEqual(onlyUpload(answer).metadata, metadata);
  });
});

describe('keys', () => {
  const patterns: Readonly<Record<string, readonly [SampleExtension, RegExp]>> = {
    brand_image: ['png', /^brand-images\/key-owner\/\d{10,13}_[0-9a-f]{8}_My[-_ ]?File.*\.png$/i],
    generated_video: ['mp4', /^generated-videos\/project-7\/\d{10,13}_[0-9a-f]{8}_My[-_ ]?File.*\.mp4$/i],
    lora_training: ['zip', /^lora-training\/brand-9\/\d{10,13}_.*\.zip$/],
    task_attachment: ['pdf', new RegExp(`^tasks/task-42/${UUID}_My[-_ ]?File.*\\.pdf$`, 'i')],
    invoice: ['pdf', new RegExp(`^invoices/${UUID}_My[-_ ]?File.*\\.pdf$`, 'i')],
  };
  for (const [assetType, [extension, pattern]] of Object.entries(patterns)) {
    test(`of ${assetType} follow the requirement's pattern`, async () => {
      const asset = await service
        .as('key-owner')
        .store(assetType, sample(extension, 1, `My File (final) §.${extension}`));
      assert.match(asset.key, pattern);
      assert.doesNotMatch(asset.key, /[§() ]/);
      assert.equal(asset.filename, `My File (final) §.${extension}`);
    });
  }

  test('never collide when twenty users send the same name at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        service.as('alice').store('brand_image', sample('jpg', index + 1, 'same.jpg')),
      ),
    );
    assert.equal(new Set(answers.map((asset) => asset.key)).size, 20);
  });

  test('hold nothing that climbs out, whatever the field they are made of says', async () => {
    for (const projectId of ['../../etc', 'a/b', '..', '.', 'a\\b', '%2e%2e', '']) {
      const answer = await service
        .as('climber')
        .upload('generated_video', [sample('mp4')], { project_id: projectId });
      if (answer.status === 200) {
        const { key } = onlyUpload(answer);
        assert.match(key, /^generated-videos\/[^/]+\/[^/]+$/, `${projectId} became ${key}`);
        assert.doesNotMatch(key, /\.\.\/|\\|%2e/i);
      } else {
        assertProblem(answer, 400, 'invalid_parameter', 'missing_field');
      }
    }
  });
});

describe('the form', () => {
  const file = sample('mp4', 5);
  const fields = fieldParts({ asset_type: 'generated_video', project_id: 'late' });

  test('may have the files before the fields', async () => {
    const answer = await service.as('alice').post([filePart(file), ...fields]);
    assert.match(onlyUpload(answer).key, /^generated-videos\/late\//);
  });

  test('may have the files between the fields', async () => {
    const [first, second] = fields;
    assert.ok(first && second);
    const answer = await service.as('alice').post([second, filePart(file), first]);
    assert.match(onlyUpload(answer).key, /^generated-videos\/late\//);
  });

  for (const name of ['file', 'files[]', 'files']) {
    test(`may call the files ${name}`, async () => {
      const answer = await service.as('alice').post([...fields, { ...filePart(file), name }]);
      assert.equal(onlyUpload(answer).size_bytes, file.bytes.length);
    });
  }

  test('may leave the asset type to the query', async () => {
    const answer = await service.as('alice').post([filePart(sample('png', 6))], '?asset_type=image');
    assert.equal(onlyUpload(answer).asset_type, 'image');
  });

  test('may have a preamble, an epilogue and linear white space, as MIME allows', async () => {
    const { body } = form([...fieldParts({ asset_type: 'image' }), filePart(sample('png', 8))], 'b_o');
    const answer = await service.as('alice').send('POST', '/api/upload', {
      headers: { 'content-type': 'multipart/form-data; boundary="b_o"' },
      body: Buffer.concat([Buffer.from('This is a preamble.\r\n'), body, Buffer.from('And an epilogue.')]),
    });
    assert.equal(onlyUpload(answer).asset_type, 'image');
  });

  test('may come in single bytes without a length', async () => {
    const made = form([...fieldParts({ asset_type: 'image' }), filePart(sample('gif', 9))]);
    const bytes = [...made.body].map((byte) => Buffer.from([byte]));
    const answer = await service.as('alice').send('POST', '/api/upload', {
      headers: made.headers,
      body: Readable.from(bytes, { objectMode: false }),
    });
    assert.equal(onlyUpload(answer).mime_type, 'image/gif');
  });
});

describe('several files', () => {
  test('one to ten are stored together, in their order', async () => {
    const alice = service.as('ten');
    const files = Array.from({ length: 10 }, (_, index) => sample('png', index + 1, `n${index}.png`));
    const answer = await alice.upload('brand_image', files);
    assert.equal(answer.status, 200, answer.text);
    const { uploads } = answer.json<Uploads>();
    assert.deepEqual(
      uploads.map((asset) => asset.filename),
      files.map((file) => file.filename),
    );
    assert.equal((await alice.assets()).length, 10);
  });

  test('eleven are refused and none is stored', async () => {
    const alice = service.as('eleven');
    const files = Array.from({ length: 11 }, (_, index) => sample('png', index + 1));
    assertProblem(await alice.upload('brand_image', files), 400, 'too_many_files');
    assert.deepEqual(await alice.assets(), []);
  });

  for (const bad of [0, 1, 2]) {
    test(`when number ${bad + 1} of three is bad, none is stored and the bad one is named`, async () => {
      const alice = service.as(`all-or-nothing-${bad}`);
      await alice.store('image', sample('png', 99));
      const before = (await service.storedFiles()).length;
      const files: Sample[] = [
        sample('png', 1, 'a.png'),
        sample('png', 2, 'b.png'),
        sample('png', 3, 'c.png'),
      ];
      files[bad] = {
        filename: 'bad.png',
        mediaType: 'image/png',
        bytes: Buffer.from('<html>no picture</html>'),
      };
      const problem = assertProblem(
        await alice.upload('image', files),
        400,
        'file_type_mismatch',
        'suspicious_content',
      );
      assert.equal(problem.filename, 'bad.png');
      assert.equal((await alice.assets()).length, 1);
      assert.equal((await alice.usage()).files, 1);
      assert.equal((await service.storedFiles()).length, before);
    });
  }
});

describe('digests', () => {
  const file = sample('jpg', 12);
  const right = createHash('sha256').update(file.bytes).digest();
  const wrong = createHash('sha256').update('another').digest();

  test('a right sha256 field is accepted', async () => {
    const answer = await service.as('alice').upload('image', [file], { sha256: right.toString('hex') });
    assert.equal(onlyUpload(answer).content_hash, right.toString('hex'));
  });

  test('a wrong sha256 field is digest_mismatch and stores nothing', async () => {
    const caller = service.as('digest-field');
    assertProblem(
      await caller.upload('image', [file], { sha256: wrong.toString('hex') }),
      400,
      'digest_mismatch',
    );
    assert.deepEqual(await caller.assets(), []);
  });

  test('a sha256 field that is no digest is refused', async () => {
    assertProblem(
      await service.as('alice').upload('image', [file], { sha256: 'abc' }),
      400,
      'invalid_parameter',
      'digest_mismatch',
    );
  });

  test('several sha256 fields go with the files in their order', async () => {
    const second = sample('png', 13);
    const hashes = [file, second].map((each) => createHash('sha256').update(each.bytes).digest('hex'));
    const parts = (order: readonly string[]) => [
      ...fieldParts({ asset_type: 'image' }),
      ...order.map((body) => ({ name: 'sha256', body })),
      filePart(file),
      filePart(second),
    ];
    const caller = service.as('digest-order');
    assertProblem(await caller.post(parts(hashes.toReversed())), 400, 'digest_mismatch');
    assert.equal((await caller.post(parts(hashes))).status, 200);
    assert.equal((await caller.assets()).length, 2);
  });

  test('a sha256 field after the files counts as well', async () => {
    const caller = service.as('digest-late');
    const late = { name: 'sha256', body: wrong.toString('hex') };
    const answer = await caller.post([...fieldParts({ asset_type: 'image' }), filePart(file), late]);
    assertProblem(answer, 400, 'digest_mismatch');
    assert.deepEqual(await caller.assets(), []);
  });

  const reprDigest = (digest: Buffer) => ({ 'repr-digest': `sha-256=:${digest.toString('base64')}:` });

  test('Repr-Digest of the request is verified over the form that was sent', async () => {
    const made = form([...fieldParts({ asset_type: 'image' }), filePart(file)]);
    const whole = createHash('sha256').update(made.body).digest();
    const post = (digest: Buffer) =>
      service.as('repr').send('POST', '/api/upload', {
        headers: { ...made.headers, ...reprDigest(digest) },
        body: made.body,
      });
    assertProblem(await post(wrong), 400, 'digest_mismatch');
    const answers = [await post(whole), await post(right)];
    assert.ok(
      answers.some((answer) => answer.status === 200),
      'neither the digest of the form nor that of its only file is accepted',
    );
  });

  test('Repr-Digest on the part of a file is verified over that file', async () => {
    const part = (digest: Buffer) => ({
      name: 'files',
      body: file.bytes,
      headers: `Content-Disposition: form-data; name="files"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\nRepr-Digest: sha-256=:${digest.toString('base64')}:`,
    });
    const caller = service.as('repr-part');
    const post = (digest: Buffer) => caller.post([...fieldParts({ asset_type: 'image' }), part(digest)]);
    assertProblem(await post(wrong), 400, 'digest_mismatch');
    assert.deepEqual(await caller.assets(), []);
    assert.equal((await post(right)).status, 200);
    assertProblem(await post(Buffer.from('short')), 400, 'invalid_parameter');
    assert.equal((await caller.assets()).length, 1);
  });
});

describe('Idempotency-Key', () => {
  test('the same request again has the same answer and stores nothing again', async () => {
    const caller = service.as('idempotent');
    const headers = { 'idempotency-key': 'order-1' };
    const first = onlyUpload(await caller.upload('image', [sample('png', 21)], {}, headers));
    const second = onlyUpload(await caller.upload('image', [sample('png', 21)], {}, headers));
    assert.equal(second.asset_id, first.asset_id);
    assert.equal((await caller.assets()).length, 1);
    const third = onlyUpload(
      await caller.upload('image', [sample('png', 21)], {}, { 'idempotency-key': 'order-2' }),
    );
    assert.notEqual(third.asset_id, first.asset_id);
  });

  test('belongs to its user: another user with the same key stores his own', async () => {
    const headers = { 'idempotency-key': 'shared' };
    const first = onlyUpload(await service.as('idem-a').upload('image', [sample('png', 22)], {}, headers));
    const second = onlyUpload(await service.as('idem-b').upload('image', [sample('png', 22)], {}, headers));
    assert.notEqual(second.asset_id, first.asset_id);
    assert.equal(second.user_id, 'idem-b');
  });

  test('two at once store one asset', async () => {
    const caller = service.as('idem-race');
    const headers = { 'idempotency-key': 'race' };
    const answers = await Promise.all(
      Array.from({ length: 4 }, () => caller.upload('image', [sample('png', 23)], {}, headers)),
    );
    for (const answer of answers) if (answer.status !== 200) assertProblem(answer, 409, 'conflict');
    assert.ok(answers.some((answer) => answer.status === 200));
    assert.equal((await caller.assets()).length, 1);
  });

  test('with another request is a conflict, not the old answer', async () => {
    const caller = service.as('idem-other');
    const headers = { 'idempotency-key': 'reused' };
    onlyUpload(await caller.upload('image', [sample('png', 24)], {}, headers));
    const answer = await caller.upload('invoice', [sample('pdf', 25)], {}, headers);
    assertProblem(answer, 409, 'conflict');
    assert.equal((await caller.assets()).length, 1);
  });
});

describe('declared types', () => {
  for (const mediaType of ['application/octet-stream', null]) {
    for (const extension of ['webp', 'mp4', 'docx', 'md'] as const) {
      test(`${mediaType ?? 'none at all'} means undeclared: .${extension} is known by name and content`, async () => {
        const assetType =
          extension === 'mp4' ? 'generated_video' : extension === 'webp' ? 'image' : 'study_material';
        const file = sample(extension, 31);
        const answer = await service
          .as('alice')
          .post([
            ...fieldParts({ asset_type: assetType, ...KEY_FIELDS[assetType] }),
            { name: 'files', filename: file.filename, mediaType, body: file.bytes },
          ]);
        assert.equal(onlyUpload(answer).mime_type, file.mediaType);
      });
    }
  }

  test('parameters and case of the declared type do not matter', async () => {
    const file = { ...sample('txt', 2), mediaType: 'Text/Plain; charset=UTF-8' };
    assert.equal(
      (await service.as('alice').store('study_material', file)).mime_type.split(';')[0],
      'text/plain',
    );
  });

  test('an upper-case extension is the same extension', async () => {
    assert.equal(
      (await service.as('alice').store('image', sample('jpg', 2, 'IMG_0001.JPG'))).filename,
      'IMG_0001.JPG',
    );
  });
});

describe('names', () => {
  const names = [
    'Rechnung Müller & Söhne.pdf',
    '请求书 二〇二六.pdf',
    'Счёт №7.pdf',
    'فاتورة.pdf',
    'חשבונית.pdf',
    'ใบแจ้งหนี้.pdf',
    'चालान.pdf',
    '💶 fünf € 100%.pdf',
    `it's "quoted"; a=b.pdf`,
    'a%20b%2e.pdf',
    `${'长'.repeat(251)}.pdf`,
  ];
  for (const name of names) {
    test(`${name.slice(0, 30)} comes back intact`, async () => {
      const alice = service.as('alice');
      const quoted = name.replaceAll('"', '\\"');
      const answer = await alice.post([
        ...fieldParts({ asset_type: 'invoice' }),
        {
          name: 'files',
          body: sample('pdf').bytes,
          headers: `Content-Disposition: form-data; name="files"; filename="${quoted}"\r\nContent-Type: application/pdf`,
        },
      ]);
      const asset = onlyUpload(answer);
      assert.equal(asset.original_filename, name);
      assert.match(asset.key, /^[!-~]+$/, 'a key is printable ASCII');
      const download = await alice.get(`/api/assets/${asset.asset_id}/download`);
      // A signed URL needs no token, and a store refuses to be shown two credentials.
      for (const { headers } of [download, await service.send('GET', asset.presigned_url)]) {
        const disposition = headers['content-disposition'] ?? '';
        assert.match(disposition, /^(attachment|inline);/);
        assert.equal(filenameOf(disposition), name);
      }
    });
  }

  test('a name as browsers quote it (%22) is unquoted', async () => {
    const asset = await service.as('alice').store('image', sample('png', 1, 'the "best".png'));
    assert.equal(asset.filename, 'the "best".png');
  });

  test('filename* (RFC 8187), which some clients send, is understood or ignored, never mixed up', async () => {
    const answer = await service.as('alice').post([
      ...fieldParts({ asset_type: 'image' }),
      {
        name: 'files',
        body: sample('png').bytes,
        headers: `Content-Disposition: form-data; name="files"; filename="plain.png"; filename*=UTF-8''%e2%82%ac.png\r\nContent-Type: image/png`,
      },
    ]);
    assert.ok(['plain.png', '€.png'].includes(onlyUpload(answer).filename), answer.text);
  });

  test('a name in decomposed Unicode is kept in normal form C', async () => {
    const asset = await service.as('alice').store('image', sample('png', 1, 'Mu\u0308ller.png'));
    assert.equal(asset.filename.normalize('NFC'), 'Müller.png');
  });
});

describe('sizes', () => {
  test('a file of exactly the limit is accepted', async () => {
    const limit = 10 * 1024 * 1024;
    const file = { filename: 'full.png', mediaType: 'image/png', bytes: png({ sizeBytes: limit }) };
    assert.equal((await service.as('alice').store('brand_image', file)).size_bytes, limit);
  });

  test('usage counts files and bytes', async () => {
    const caller = service.as('counted');
    const files = [sample('png', 1), sample('jpg', 2)];
    assert.equal((await caller.upload('image', files)).status, 200);
    assert.deepEqual(await caller.usage(), {
      files: 2,
      bytes: files.reduce((sum, file) => sum + file.bytes.length, 0),
    });
  });

  test('an archive of many files is accepted as training data', async () => {
    const entries = Array.from({ length: 200 }, (_, index) => ({
      name: `set/${index}.txt`,
      data: `caption ${index}`,
    }));
    const file = { filename: 'set.zip', mediaType: 'application/x-zip-compressed', bytes: zip(entries) };
    assert.equal((await service.as('alice').store('lora_training', file)).mime_type, 'application/zip');
  });
});

/** The name that a browser would save under: `filename*` before `filename` (RFC 6266). */
function filenameOf(disposition: string): string {
  const extended = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  if (extended !== undefined) return decodeURIComponent(extended);
  const plain = /filename="((?:[^"\\]|\\.)*)"|filename=([^;]+)/.exec(disposition);
  return (plain?.[1] ?? plain?.[2] ?? '').replaceAll(/\\(.)/g, '$1');
}
