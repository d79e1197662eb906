import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { test } from 'node:test';
import { query, startPostgres } from '../acceptance/postgres.ts';
import { sample } from '../acceptance/samples/index.ts';
import { environmentFor, freshDirectory, runStowage, startService } from '../acceptance/service.ts';
import { blockWith } from './claims.ts';

const PAGE = 'docs/reference/database.md';
const PASSWORD = 'a-password-of-the-page';

test('the two roles of the page about the database migrate and serve, and the log binds the one that serves', async () => {
  await using server = await startPostgres();
  const admin = new URL(server.adminUrl);
  admin.pathname = '/postgres';
  await query(admin.href, 'drop database stowage');
  for (const statement of statementsOf(blockWith(PAGE, 'create role').text.replaceAll('…', PASSWORD)))
    await query(admin.href, statement);
  const urlOf = (role: string) => `postgres://${role}:${PASSWORD}@${admin.host}/stowage`;

  const directory = freshDirectory();
  const migrated = await runStowage(
    ['migrate'],
    environmentFor(directory, { DATABASE_URL: urlOf('stowage_owner') }),
  );
  rmSync(directory, { recursive: true, force: true });
  assert.equal(migrated.code, 0, migrated.stderr);

  await using service = await startService({ DATABASE_URL: urlOf('stowage_app') }, { backend: 'local' });
  const alice = service.as('alice');
  const { asset_id: id } = await alice.store('image', sample('png'));
  assert.equal((await alice.log(id)).length, 1);
  assert.doesNotMatch(service.output(), /switch off the triggers/);
  for (const statement of [
    'alter table file_access_logs disable trigger all',
    "update file_access_logs set user_id = 'bob'",
    'delete from file_access_logs',
  ])
    await assert.rejects(
      query(urlOf('stowage_app'), statement),
      /must be owner|permission denied|append-only/,
    );
});

/** One statement after the other: a database is not made in a transaction, which several at once would be. */
function statementsOf(sql: string): readonly string[] {
  return sql
    .replace(/--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
