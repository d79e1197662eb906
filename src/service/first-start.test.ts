import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openTokenVerifier } from '../access/tokens.ts';
import { shippedAssetTypes } from '../config/asset-types.ts';
import { systemClock } from '../core/clock.ts';
import { firstSteps } from './first-start.ts';

const SECRET = 'a-secret-of-more-than-thirty-two-bytes';
const CONFIG = {
  environment: 'development',
  access: {
    jwtSecrets: [SECRET],
    jwksUrl: null,
    jwtIssuer: null,
    jwtAudience: null,
    jwtTenantClaim: 'tenant_id',
  },
  assetTypes: shippedAssetTypes(),
  dataDir: '/srv/stowage',
  madeSecrets: ['JWT_SECRET'],
} as const;
const UNWATCHED = { url: 'http://127.0.0.1:3000', nowMs: systemClock.now(), isWatched: false };

describe('the first start', () => {
  test('shows a token that works and a line to paste, and no secret', async () => {
    const text = (await firstSteps(CONFIG, UNWATCHED)).join('\n');
    const token = /curl -H "Authorization: Bearer ([^"]+)"/.exec(text)?.[1];
    assert.match(text, /http:\/\/127\.0\.0\.1:3000\/api\/upload/);
    assert.match(text, /http:\/\/127\.0\.0\.1:3000\/api\/docs/);
    assert.ok(!text.includes(SECRET));
    const principal = await openTokenVerifier(CONFIG.access, systemClock).authenticate(`Bearer ${token}`);
    assert.equal(principal.role, 'admin');
  });

  test('is silent in production, when nobody watches, and when tokens come from elsewhere', async () => {
    for (const config of [
      { ...CONFIG, environment: 'production' as const },
      { ...CONFIG, madeSecrets: [] },
      { ...CONFIG, access: { ...CONFIG.access, jwtSecrets: [] } },
    ]) {
      assert.deepEqual(await firstSteps(config, UNWATCHED), []);
    }
  });

  test('helps a person in development again and again', async () => {
    const lines = await firstSteps({ ...CONFIG, madeSecrets: [] }, { ...UNWATCHED, isWatched: true });
    assert.ok(lines.length > 0);
  });
});
