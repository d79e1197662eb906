import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isStowageError } from '../core/errors.ts';
import type { Principal } from '../core/principal.ts';
import { requireAdmin, requireReachable } from './ownership.ts';

const ASSET = { tenantId: 'acme', userId: 'alice' };
const who = (userId: string, tenantId: string, role: Principal['role'] = 'user') => ({
  userId,
  tenantId,
  role,
});
const code = (expected: Parameters<typeof isStowageError>[1]) => (error: unknown) =>
  isStowageError(error, expected);

describe('an asset', () => {
  test('is reached by its owner and by admins of the tenant', () => {
    assert.equal(requireReachable(ASSET, who('alice', 'acme')), ASSET);
    assert.equal(requireReachable(ASSET, who('root', 'acme', 'admin')), ASSET);
  });
  test('is forbidden to other users of the tenant', () => {
    assert.throws(() => requireReachable(ASSET, who('bob', 'acme')), code('forbidden'));
  });
  test('is not there for another tenant, whoever asks', () => {
    assert.throws(() => requireReachable(ASSET, who('alice', 'globex')), code('not_found'));
    assert.throws(() => requireReachable(ASSET, who('root', 'globex', 'admin')), code('not_found'));
  });
  test('that is not there is not found', () => {
    assert.throws(() => requireReachable(undefined, who('root', 'acme', 'admin')), code('not_found'));
  });
});

test('only admins are admins', () => {
  requireAdmin(who('root', 'acme', 'admin'));
  assert.throws(() => requireAdmin(who('root', 'acme')), code('forbidden'));
});
