import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { assertProblem } from './http.ts';
import { sample } from './samples/index.ts';
import { type Service, startService, until } from './service.ts';
import type { Health } from './wire.ts';

const health = async (service: Service) => (await service.send('GET', '/api/health')).json<Health>();

describe('a store that is gone', () => {
  const instead: Readonly<Record<string, (place: string) => void>> = {
    'an empty directory, as a disk that is not mounted leaves it,': (place) => mkdirSync(place),
    'a file': (place) => writeFileSync(place, 'no directory'),
    nothing: () => {},
  };
  for (const [title, put] of Object.entries(instead)) {
    test(`and ${title} in its place is answered with 503, is seen by health, and is used again when it is back`, async () => {
      await using service = await startService();
      const caller = service.as('alice');
      const asset = await caller.store('image', sample('png', 1));
      const objects = path.join(service.directory, 'objects');
      renameSync(objects, `${objects}-away`);
      put(objects);

      const answer = await caller.upload('image', [sample('png', 2)]);
      assertProblem(answer, 503, 'storage_unavailable');
      assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/);
      const seen = await until(
        () => health(service),
        (each) => each.status === 'degraded',
        12,
      );
      assert.equal(seen.status, 'degraded');
      assert.equal((await service.send('GET', '/api/health')).status, 200);
      assert.equal((await service.send('GET', '/api/health/ready')).status, 503);
      assert.equal(
        (await caller.assets()).length,
        1,
        'the catalog still answers, and the failed upload left no row',
      );
      const read = await caller.get(`/api/assets/${asset.asset_id}/download`);
      assertProblem(read, 503, 'storage_unavailable');

      rmSync(objects, { recursive: true, force: true });
      renameSync(`${objects}-away`, objects);
      assert.deepEqual(
        (await caller.get(`/api/assets/${asset.asset_id}/download`)).body,
        sample('png', 1).bytes,
      );
      await caller.store('image', sample('png', 3));
      const again = await until(
        () => health(service),
        (each) => each.status === 'ok',
        12,
      );
      assert.equal(again.status, 'ok');
    });
  }
});

describe('the embedded PostgreSQL', () => {
  test('that is killed is started again; what was acknowledged is there', async () => {
    await using service = await startService();
    const caller = service.as('alice');
    const asset = await caller.store('image', sample('png', 1));
    const [postmaster] = postgresBelow(service);
    assert.ok(postmaster, 'a PostgreSQL of this service is running');
    process.kill(postmaster, 'SIGKILL');
    const answer = await until(
      () => caller.upload('image', [sample('png', 2)]),
      (each) => {
        if (each.status !== 200) assertProblem(each, 503, 'database_unavailable');
        return each.status === 200 && !postgresBelow(service).includes(postmaster);
      },
      30,
    );
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await caller.get(`/api/assets/${asset.asset_id}`)).status, 200);
  });

  test('that is frozen is told by reads within seconds, and is used again when it goes on', async (context) => {
    await using service = await startService();
    const caller = service.as('alice');
    const { asset_id } = await caller.store('image', sample('png', 1));
    const reads = [
      '/api/assets',
      `/api/assets/${asset_id}`,
      `/api/assets/${asset_id}/presigned`,
      `/api/assets/${asset_id}/download`,
      '/api/usage',
    ];
    for (const read of reads) assert.equal((await caller.get(read)).status, 200);
    const [postmaster] = postgresBelow(service);
    assert.ok(postmaster, 'a PostgreSQL of this service is running');
    const frozen = [postmaster, ...childrenOf(postmaster)];
    for (const pid of frozen) process.kill(pid, 'SIGSTOP');
    try {
      // Answered by the service's own limits of a query, this would take twenty seconds and more.
      const startedMs = performance.now();
      const answers = await Promise.all(reads.map((read) => caller.get(read)));
      const tookMs = performance.now() - startedMs;
      for (const answer of answers) {
        assertProblem(answer, 503, 'database_unavailable');
        assert.match(String(answer.headers['retry-after']), /^[1-9]\d*$/);
      }
      const laterMs = performance.now();
      assertProblem(await caller.get('/api/assets'), 503, 'database_unavailable');
      context.diagnostic(
        `first answers after ${Math.round(tookMs)} ms, the next after ${Math.round(performance.now() - laterMs)} ms`,
      );
      assert.ok(tookMs < 10_000, `the answers took ${Math.round(tookMs)} ms`);
    } finally {
      for (const pid of frozen) process.kill(pid, 'SIGCONT');
    }
    const again = await until(
      () => caller.get('/api/assets'),
      (answer) => answer.status === 200,
      30,
    );
    assert.equal(again.status, 200, again.text);
    await caller.store('image', sample('png', 2));
  });

  test('ends when the service is killed', async () => {
    await using service = await startService();
    assert.ok(postgresBelow(service).length > 0);
    await service.kill();
    const left = await until(
      async () => postgresBelow(service),
      (pids) => pids.length === 0,
      15,
    );
    assert.deepEqual(left, []);
  });
});

function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        // `pid (name) state ppid …`; the name may hold anything.
        return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]) === parent;
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The postmasters whose command line names the data directory of a service. */
function postgresBelow(service: Service): readonly number[] {
  const dataDir = String(service.environment.DATA_DIR);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [program = '', ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return path.basename(program) === 'postgres' && rest.some((argument) => argument.includes(dataDir));
      } catch {
        return false;
      }
    })
    .map(Number);
}
