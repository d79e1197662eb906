import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Client, DatabaseError } from 'pg';
import { StowageError } from '../core/errors.ts';
import { silentLog } from '../core/log.ts';
import { openDatabase, runPrepared } from './database.ts';
import { translateError, wasUnanswered } from './errors.ts';
import { openTestDatabase } from './testing.ts';

const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

test('what another try may cure is database_unavailable', () => {
  for (const error of [
    ...['08006', '53300', '53100', '57P01', '57P03', '57014', '25006', '40P01', 'ECONNREFUSED', 'ENOENT'].map(
      withCode,
    ),
    new Error('timeout exceeded when trying to connect'),
    new Error('timeout expired'),
    new Error('Connection terminated unexpectedly'),
    new Error('Query read timeout'),
  ]) {
    const translated = translateError(error);
    assert.ok(translated instanceof StowageError, String(error));
    assert.equal(translated.code, 'database_unavailable');
    assert.equal(translated.cause, error);
  }
});

test('a mistake of ours stays what it is', () => {
  for (const error of [withCode('42P01'), withCode('23505'), withCode('22001'), new TypeError('x'), 'text']) {
    assert.equal(translateError(error), error);
  }
});

test('a failure without a word of the server is told from its own answers', () => {
  const answered = Object.assign(new DatabaseError('deadlock detected', 0, 'error'), { code: '40P01' });
  const unanswered = new Error('Query read timeout');
  for (const [error, expected] of [
    [unanswered, true],
    [withCode('ECONNRESET'), true],
    [translateError(unanswered), true],
    [answered, false],
    [translateError(answered), false],
    [new StowageError('database_unavailable', 'Too much is waiting for the database.'), false],
    [new TypeError('x'), false],
  ] as const)
    assert.equal(wasUnanswered(error), expected, String(error));
});

test('a statement that takes too long is cancelled by the server, and is database_unavailable', async () => {
  await using store = await openTestDatabase();
  const database = openDatabase(store.app, silentLog);
  const slow = { name: 'slow', text: `select set_config('statement_timeout', '20', false)` };
  const client = await database.pool.connect();
  await client.query(slow);
  client.release();
  const sleep = runPrepared(database.pool, { name: 'sleep', text: 'select pg_sleep(10)' }, []);
  await assert.rejects(sleep, { code: 'database_unavailable' });
  await database.close();
});

test('a connection that the server ends is replaced', async () => {
  await using store = await openTestDatabase();
  const problems: object[] = [];
  const database = openDatabase(store.app, { ...silentLog, warn: (fields) => problems.push(fields) });
  const [mine] = await runPrepared<{ pid: number }>(
    database.pool,
    { name: 'pid', text: 'select pg_backend_pid() as pid' },
    [],
  );
  const intruder = new Client(store.setup);
  await intruder.connect();
  const lost = new Promise((resolve) => database.pool.once('error', resolve));
  await intruder.query('select pg_terminate_backend($1)', [mine?.pid]);
  await intruder.end();
  await lost;
  const [next] = await runPrepared<{ n: number }>(database.pool, { name: 'one', text: 'select 1 as n' }, []);
  assert.equal(next?.n, 1);
  assert.deepEqual(problems, [{ problem: 'terminating connection due to administrator command' }]);
  await database.close();
});
