import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecentAllowances } from './recent-allowances.ts';

const ADA = { tenantId: 'acme', userId: 'ada' };
const allowance = (remaining: number) => ({ limit: 100, remaining, resetSeconds: 60 });

describe('what commits left to their owners', () => {
  it('spares a look for a second while more than half is left', () => {
    const recent = new RecentAllowances();
    assert.equal(recent.hasPlenty(ADA, 0), false);
    recent.note(ADA, allowance(51), 1_000);
    assert.equal(recent.hasPlenty(ADA, 2_000), true);
    assert.equal(recent.hasPlenty(ADA, 2_001), false);
    assert.equal(recent.hasPlenty({ ...ADA, tenantId: 'globex' }, 1_000), false);
    recent.note(ADA, allowance(50), 2_000);
    assert.equal(recent.hasPlenty(ADA, 2_000), false);
  });

  it('forgets who was heard of longest ago', () => {
    const recent = new RecentAllowances();
    recent.note(ADA, allowance(90), 0);
    for (let n = 0; n < 10_000; n++) recent.note({ tenantId: 'acme', userId: `u${n}` }, allowance(90), 0);
    assert.equal(recent.hasPlenty(ADA, 0), false);
    assert.equal(recent.hasPlenty({ tenantId: 'acme', userId: 'u0' }, 0), true);
  });
});
