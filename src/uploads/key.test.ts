import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AssetType } from '../core/asset-type.ts';
import { isStowageError } from '../core/errors.ts';
import { isObjectKey } from '../core/key.ts';
import {
  isDrawn,
  KEY_FILENAME_BYTES_MAX,
  renderKey,
  requiredFields,
  safeFilename,
  safeIdentity,
} from './key.ts';

function typeWith(keyTemplate: string): AssetType {
  return {
    name: 'thing',
    accepts: { 'image/png': ['png'] },
    fileBytesMax: 1000,
    keyTemplate,
    cacheControl: 'no-cache',
    unusedDaysMax: null,
    filesPerRequestMax: 10,
    visibility: 'private',
  };
}

const facts = {
  tenantId: 'acme/eu',
  userId: 'user-1',
  fields: new Map([
    ['project_id', 'p.1'],
    ['brand_id', 'b_2'],
  ]),
  nowMs: 1_700_000_000_999,
  filename: 'My Photo.PNG',
};

describe('a key', () => {
  it('is made from its template', () => {
    const key = renderKey(
      typeWith('{brand_id}/{project_id}/{user_id}/{timestamp}_{filename}-{name}.{ext}'),
      facts,
    );
    assert.equal(key, 'b_2/p.1/user-1/1700000000_My_Photo.png-My_Photo.png');
    assert.match(
      renderKey(typeWith('a/{uuid8}_{uuid}'), facts),
      /^a\/[0-9a-f]{8}_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
    );
  });

  it('is a new one each time when the template is random', () => {
    const keys = new Set(Array.from({ length: 1000 }, () => renderKey(typeWith('a/{uuid8}'), facts)));
    assert.ok(keys.size >= 999);
    assert.deepEqual(['a/{uuid8}_{name}', '{uuid}', 'a/{timestamp}_{filename}'].map(isDrawn), [
      true,
      true,
      false,
    ]);
  });

  it('needs the fields that the template names and that are not ours', () => {
    assert.deepEqual(requiredFields('{user_id}/{team_id}/{uuid}_{project_id}{team_id}.{ext}'), [
      'team_id',
      'project_id',
    ]);
    assert.deepEqual(requiredFields('a/{uuid8}_{timestamp}_{name}_{filename}'), []);
  });

  it('is refused when a field is missing', () => {
    for (const fields of [new Map(), new Map([['task_id', '']])]) {
      assert.throws(
        () => renderKey(typeWith('{task_id}/{uuid}'), { ...facts, fields }),
        (error) => isStowageError(error, 'missing_field') && error.fields.parameter === 'task_id',
      );
    }
  });

  it('is refused when a field could change its shape', () => {
    for (const value of [
      '.',
      '..',
      '...',
      'a/b',
      'a\\b',
      '../x',
      'a.',
      ' ',
      'a b',
      '%2e',
      'é',
      '\0',
      'x'.repeat(129),
    ]) {
      const fields = new Map([['task_id', value]]);
      assert.throws(
        () => renderKey(typeWith('{task_id}/{uuid}'), { ...facts, fields }),
        (error) => isStowageError(error, 'invalid_parameter') && error.fields.parameter === 'task_id',
        value,
      );
    }
    const fields = new Map([['task_id', `${'x'.repeat(126)}.1`]]);
    assert.ok(renderKey(typeWith('{task_id}/{uuid}'), { ...facts, fields }));
  });

  it('holds the id of a user as it is when it is harmless', () => {
    for (const userId of ['42', 'user_1', 'a-b.c', 'B'.repeat(128)])
      assert.equal(safeIdentity(userId), userId);
  });

  it('never puts two users in one place', () => {
    const ids = [
      'auth0|7',
      'auth0-7',
      'auth0/7',
      'auth0\\7',
      '..',
      '.',
      '...',
      'é',
      '日本',
      'a.',
      'a',
      ' ',
      '',
      'x'.repeat(129),
    ];
    const safe = ids.map(safeIdentity);
    assert.equal(new Set(safe).size, ids.length);
    for (const [index, id] of safe.entries()) assert.ok(isObjectKey(`u/${id}/f`), `${ids[index]} → ${id}`);
    assert.equal(
      new Set([...safe, ...safe.map(safeIdentity)]).size,
      2 * ids.length - 2,
      'nobody can take a made name',
    );
  });
});

describe('a file name in a key', () => {
  it('is readable ASCII with its extension', () => {
    for (const [given, safe] of [
      ['photo.png', 'photo.png'],
      ['My Photo (1).JPEG', 'My_Photo_1.jpeg'],
      ['naïve café.png', 'naive_cafe.png'],
      ['日本語.pdf', 'file.pdf'],
      ['😀.png', 'file.png'],
      ['', 'file'],
      ['...', 'file'],
      ['.htaccess', 'file.htaccess'],
      ['README', 'README'],
      ['a..b.png', 'a.b.png'],
      ['../../etc/passwd', 'etc_passwd'],
      ['C:\\x\\a.png', 'C_x_a.png'],
      ['archive.tar.gz', 'archive.tar.gz'],
      ['-rf.png', 'rf.png'],
      ['a.p n g', 'a.p_n_g'],
      ['a_b-c.png', 'a_b-c.png'],
      ['a_.png', 'a.png'],
      ['a-.7z', 'a.7z'],
      ['1.7z', '1.7z'],
      ['a.PNG', 'a.png'],
      ['a.png\n', 'a.png'],
      [`${'x'.repeat(83)}.${'y'.repeat(16)}`, `${'x'.repeat(83)}.${'y'.repeat(16)}`],
      [`${'x'.repeat(84)}.${'y'.repeat(16)}`, `${'x'.repeat(83)}.${'y'.repeat(16)}`],
      [`${'x'.repeat(97)}.gz`, `${'x'.repeat(97)}.gz`],
      [`${'x'.repeat(98)}.gz`, `${'x'.repeat(97)}.gz`],
    ] as const) {
      assert.equal(safeFilename(given), safe, given);
    }
  });

  it('has a bounded length and keeps its extension', () => {
    for (const given of [`${'x'.repeat(300)}.png`, `${'é'.repeat(5000)}.png`, `${'.a'.repeat(600)}.png`]) {
      const safe = safeFilename(given);
      assert.ok(safe.length <= KEY_FILENAME_BYTES_MAX, safe);
      assert.ok(given.length > 1024 || safe.endsWith('.png'), safe);
    }
    assert.ok(safeFilename(`a.${'y'.repeat(300)}`).length <= KEY_FILENAME_BYTES_MAX);
  });
});
