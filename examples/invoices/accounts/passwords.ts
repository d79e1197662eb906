import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';
import { openQueue } from '../queue.ts';

/** 32 MiB and some hundred milliseconds for each: what OWASP asks for, with three rounds. */
const COST = { N: 2 ** 15, r: 8, p: 3 } as const;
const HASH_BYTES = 32;

/** Many logins at once must not take all memory, nor the threads that files are read by. */
const queue = openQueue({ atOnce: 2, waitingMax: 50 });

/** @returns cost, salt and hash, to be stored. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/**
 * Whether the password is the one that was hashed.
 *
 * @param stored undefined when there is no such user: the answer is false, and takes as long.
 */
export async function checkPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, N, r, p, salt = '', hash = ''] = (stored ?? NOBODY).split('$');
  const derived = await derive(password, Buffer.from(salt, 'base64url'), {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return timingSafeEqual(derived, Buffer.from(hash, 'base64url')) && stored !== undefined;
}

const NOBODY = ['scrypt', COST.N, COST.r, COST.p, 'AAAAAAAAAAAAAAAAAAAAAA', 'A'.repeat(43)].join('$');

function derive(password: string, salt: Buffer, cost: ScryptOptions): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const work = () => {
    // The same letters may be typed as other characters on another keyboard.
    scrypt(password.normalize('NFKC'), salt, HASH_BYTES, { ...cost, maxmem: 2 ** 26 }, (error, key) =>
      error === null ? resolve(key) : reject(error),
    );
    return promise;
  };
  return queue(work);
}
