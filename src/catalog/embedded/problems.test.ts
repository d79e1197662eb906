import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { EmbeddedDatabaseError, explainFailure } from './problems.ts';

/** What initdb, the server and Node say on such machines, and what the operator is told to do. */
const SAID: readonly (readonly [title: string, said: string, told: RegExp])[] = [
  [
    'a user id without an entry in /etc/passwd',
    'initdb: error: could not look up effective user ID 12345: user does not exist',
    /Run as a named user\./,
  ],
  ['root that may not become another user', 'Error: spawn initdb EPERM', /Run Stowage as an ordinary user\./],
  [
    'binaries for another C library',
    'initdb: error while loading shared libraries: libicuuc.so.72: cannot open shared object file',
    /Install PostgreSQL from your system’s packages\./,
  ],
  ['a full disk', 'initdb: error: could not write file: No space left on device', /Free some space\./],
  ['a disk that can’t be written', 'mkdir: cannot create directory: Read-only file system', /read-only/],
  [
    'no shared memory',
    'FATAL: could not open shared memory segment "/PostgreSQL.1": No such file or directory',
    /\/dev\/shm/,
  ],
];

describe('where the embedded database can’t run', () => {
  for (const [title, said, told] of SAID) {
    test(`because of ${title}, the error says what to do, and what to set instead`, () => {
      const error = explainFailure('initdb', said);
      assert.ok(error instanceof EmbeddedDatabaseError);
      assert.match(error.message, told);
      assert.match(error.message, /Set DATABASE_URL/);
    });
  }

  test('for a reason that nobody knew, the error passes on the last words', () => {
    const { message } = explainFailure('initdb', 'one\ntwo\nthe reason');
    assert.match(message, /initdb failed: one \| two \| the reason\./);
    assert.match(message, /Set DATABASE_URL/);
  });
});
