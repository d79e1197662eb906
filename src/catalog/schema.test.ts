import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { Client } from 'pg';
import { openTestDatabase } from './testing.ts';

test('the types for Kysely name exactly the tables, columns and nulls of the database', async () => {
  const columns = await readColumns();
  const typed = typedColumns(await readFile(new URL('./schema.ts', import.meta.url), 'utf8'));
  const inDatabase = columns.map(({ table, column, nullable }) => `${table}.${column}${nullable ? '?' : ''}`);
  assert.deepEqual(typed.sort(), inDatabase.sort());
});

test('every time is kept in whole milliseconds, as cursors and clocks tell it', async () => {
  const times = (await readColumns()).filter(({ type }) => type.startsWith('time'));
  const names = times.map(({ table, column }) => `${table}.${column}`);
  for (const name of ['assets.created_at', 'assets.updated_at', 'file_access_logs.at']) {
    assert.ok(names.includes(name), name);
  }
  const finer = names.filter((_, index) => times[index]?.digits !== 3);
  // The server's own clock writes this one, and people alone read it.
  assert.deepEqual(finer, ['schema_migrations.applied_at']);
});

interface Column {
  readonly table: string;
  readonly column: string;
  readonly type: string;
  readonly nullable: boolean;
  /** Of a time: how many digits of its seconds are kept. */
  readonly digits: number | null;
}

/** The columns of all tables, as the migrations make them. */
async function readColumns(): Promise<readonly Column[]> {
  await using store = await openTestDatabase();
  const client = new Client(store.owner);
  await client.connect();
  const answer = await client.query<Column>(`
    select table_name as table, column_name as column, data_type as type, is_nullable = 'YES' as nullable,
           datetime_precision as digits
    from information_schema.columns where table_schema = 'public' order by 1, ordinal_position`);
  await client.end();
  return answer.rows;
}

/** Reads the declarations of schema.ts: `table.column`, with `?` when null is among the types. */
function typedColumns(source: string): string[] {
  const columns: string[] = [];
  const names: Record<string, string> = { AssetsTable: 'assets', AccessLogTable: 'file_access_logs' };
  let table = '';
  for (const line of source.split('\n')) {
    const [, inline] = /^ {2}(\w+): \{$/.exec(line) ?? [];
    const [, named] = /^export interface (\w+) \{$/.exec(line) ?? [];
    const [, column, type] = /^ {2,4}(\w+): (.+);$/.exec(line) ?? [];
    if (inline !== undefined) table = inline;
    else if (named !== undefined) table = names[named] ?? '';
    else if (column !== undefined && type !== undefined && table !== '' && !(type in names)) {
      columns.push(`${table}.${column}${/\bnull\b/.test(type) ? '?' : ''}`);
    }
  }
  return columns;
}
