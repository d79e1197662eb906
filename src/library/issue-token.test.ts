import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { ALICE, type LibraryFixture, openLibraryFixture, refused, serve } from './library-fixture.ts';

describe('a token that a program issues', () => {
  let fixture: LibraryFixture;
  before(async () => {
    fixture = await openLibraryFixture();
  });
  after(() => fixture[Symbol.asyncDispose]());

  test('lets its user in, as who it was made for, at the routes and at the program’s own', async () => {
    const { stowage } = fixture;
    const token = await stowage.issueToken({ ...ALICE, role: 'admin' }, { lifetimeSeconds: 60 });
    const callers: unknown[] = [];
    const routes = stowage.handler({ prefix: '/storage' });
    await using server = await serve(async (request, response) => {
      if (routes(request, response)) return;
      const { userId, tenantId, role } = await stowage.authenticate(request);
      callers.push([userId, tenantId, role]);
      response.end();
    });
    const headers = { authorization: `Bearer ${token}` };
    await fetch(`${server.origin}/own`, { headers });
    assert.deepEqual(callers, [['alice', 'acme', 'admin']]);
    assert.equal((await fetch(`${server.origin}/storage/api/assets`, { headers })).status, 200);
    assert.equal((await fetch(`${server.origin}/storage/api/assets`)).status, 401);
  });

  test('lives for a second to a day, and has a name that a token can have', async () => {
    const { stowage } = fixture;
    for (const lifetimeSeconds of [0, -1, 1.5, 86_401, Number.NaN]) {
      await refused(stowage.issueToken(ALICE, { lifetimeSeconds }), 'invalid_parameter', /lifetimeSeconds/);
    }
    await refused(stowage.issueToken({ userId: '' }, { lifetimeSeconds: 60 }), 'invalid_parameter', /userId/);
  });
});
