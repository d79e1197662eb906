import assert from 'node:assert/strict';
import { NOON_MS } from '../fixtures.ts';
import type { Erasure } from '../user-erasures.ts';
import type { Law } from './ground.ts';

const ERASURE: Erasure = {
  tenantId: 'acme',
  userId: 'ada',
  requestedBy: 'root',
  requestId: 'r1',
  ipAddress: '192.0.2.1',
  userAgent: null,
  requestedAtMs: NOON_MS,
};
const FIRST = '00000000-0000-4000-8000-000000000001';
const SECOND = '00000000-0000-4000-8000-000000000002';
const at = (claim: string, nowMs: number) => ({ claim, nowMs, untilMs: nowMs + 1000 });

/** What the catalog owes about erasing users. */
export const ERASURE_LAWS: Readonly<Record<string, Law>> = {
  'an erasure is taken up by one node, with who asked for it, until it ends': async ({
    catalog,
    otherNode,
  }) => {
    assert.equal(await catalog.requestErasure(ERASURE, 10), true);
    const claims = await Promise.all([
      catalog.claimErasure(at(FIRST, NOON_MS)),
      otherNode.claimErasure(at(FIRST, NOON_MS)),
    ]);
    assert.deepEqual(
      claims.filter((claim) => claim !== undefined),
      [{ ...ERASURE, claim: FIRST, attempts: 1 }],
    );
    await catalog.endErasure({ ...ERASURE, claim: SECOND });
    assert.equal(await catalog.renewErasure({ ...ERASURE, claim: FIRST }, NOON_MS + 5000), true);
    await catalog.endErasure({ ...ERASURE, claim: FIRST });
    assert.equal(await catalog.renewErasure({ ...ERASURE, claim: FIRST }, NOON_MS + 5000), false);
    assert.equal(await otherNode.claimErasure(at(SECOND, NOON_MS + 9000)), undefined);
  },

  'an erasure that its node gave back or left behind is taken up again when it is due': async ({
    catalog,
    otherNode,
  }) => {
    await catalog.requestErasure(ERASURE, 10);
    await catalog.claimErasure(at(FIRST, NOON_MS));
    assert.equal(await otherNode.claimErasure(at(SECOND, NOON_MS + 999)), undefined);
    assert.equal((await otherNode.claimErasure(at(SECOND, NOON_MS + 1000)))?.attempts, 2);
    assert.equal(await catalog.renewErasure({ ...ERASURE, claim: FIRST }, NOON_MS + 9000), false);
    await otherNode.releaseErasure({ ...ERASURE, claim: SECOND }, NOON_MS + 5000);
    assert.equal(await catalog.claimErasure(at(FIRST, NOON_MS + 4999)), undefined);
    assert.equal((await catalog.claimErasure(at(FIRST, NOON_MS + 5000)))?.attempts, 3);
  },

  'a user waits once, and only so many wait': async ({ catalog }) => {
    assert.equal(await catalog.requestErasure(ERASURE, 2), true);
    assert.equal(await catalog.requestErasure({ ...ERASURE, tenantId: 'globex' }, 2), true);
    assert.equal(await catalog.requestErasure({ ...ERASURE, userId: 'bob' }, 2), false);
    assert.equal(await catalog.requestErasure({ ...ERASURE, requestId: 'r2' }, 2), true, 'waits already');
    assert.equal((await catalog.claimErasure(at(FIRST, NOON_MS)))?.requestId, 'r1');
    assert.ok(await catalog.claimErasure(at(SECOND, NOON_MS)));
    assert.equal(await catalog.claimErasure(at(SECOND, NOON_MS)), undefined);
  },

  'an erasure that is asked for again while it is carried out is begun again': async ({
    catalog,
    otherNode,
  }) => {
    await catalog.requestErasure(ERASURE, 1);
    await catalog.claimErasure(at(FIRST, NOON_MS));
    // The holder has found no asset any more; one arrives, and then the admin asks again.
    assert.equal(await otherNode.requestErasure({ ...ERASURE, requestedAtMs: NOON_MS + 10 }, 1), true);
    await catalog.endErasure({ ...ERASURE, claim: FIRST });
    assert.equal((await catalog.claimErasure(at(SECOND, NOON_MS + 10)))?.attempts, 2);
  },
};
