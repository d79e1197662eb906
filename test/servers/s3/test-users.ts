import type { S3User } from './access.ts';

/** Keys that open nothing but a server on loopback that ends with its test. */
export const OWNER: S3User = {
  name: 'stowage',
  accessKeyId: 'TESTSTOWAGEKEY',
  secretAccessKey: 'test-secret-of-stowage-on-loopback',
};
export const STRANGER: S3User = {
  name: 'stranger',
  accessKeyId: 'TESTSTRANGERKEY',
  secretAccessKey: 'test-secret-of-stranger-on-loopback',
};
/** Someone with temporary keys. */
export const GUEST: S3User = {
  name: 'stowage',
  accessKeyId: 'TESTGUESTKEY',
  secretAccessKey: 'test-secret-of-guest-on-loopback',
  sessionToken: 'a/token+of=the guest',
};
export const USERS: readonly S3User[] = [OWNER, STRANGER, GUEST];
