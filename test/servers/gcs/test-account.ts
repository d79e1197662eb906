import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A service account that exists in this process only. */
export interface TestAccount extends AsyncDisposable {
  readonly email: string;
  readonly publicKey: KeyObject;
  /** PEM (PKCS #8), as key files have it. */
  readonly privateKey: string;
  /** A key file in a directory of its own, removed at the end. */
  readonly keyFilePath: string;
}

/** Makes a key pair and its key file. */
export async function makeTestAccount(name = 'stowage'): Promise<TestAccount> {
  const { publicKey, privateKey: key } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const email = `${name}@laws.iam.gserviceaccount.com`;
  const privateKey = key.export({ type: 'pkcs8', format: 'pem' }).toString();
  const directory = await mkdtemp(path.join(tmpdir(), 'stowage-gcs-'));
  const keyFilePath = path.join(directory, 'key.json');
  const file = {
    type: 'service_account',
    client_email: email,
    private_key: privateKey,
    private_key_id: 'test',
  };
  await writeFile(keyFilePath, JSON.stringify(file), { mode: 0o600 });
  return {
    email,
    publicKey,
    privateKey,
    keyFilePath,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
