import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import type { StorageBackend } from '../backend.ts';
import { Bucket } from '../bucket.ts';
import type { Law } from './law.ts';
import { LAWS } from './laws.ts';

/** A backend opened for one law, with the server that answers its signed URLs already listening. */
export interface OpenedBackend extends AsyncDisposable {
  readonly backend: StorageBackend;
}

/** A backend's whole test: a name and a way to open it. */
export interface BackendUnderTest {
  readonly name: string;
  /** Called once for each law. The bucket may be shared with others and need not be empty. */
  readonly open: () => Promise<OpenedBackend>;
  /**
   * Laws that the server used in the test is known to break, with a link to its defect. They must still fail: a gap
   * that has closed is told.
   */
  readonly knownGaps?: Readonly<Record<string, string>>;
}

/** Tries all laws on a backend. */
export function describeBackend(tested: BackendUnderTest): void {
  const gaps = tested.knownGaps ?? {};
  for (const title of Object.keys(gaps)) {
    if (!Object.hasOwn(LAWS, title)) throw new Error(`There is no law "${title}".`);
  }
  describe(`storage laws: ${tested.name}`, () => {
    for (const [title, law] of Object.entries(LAWS)) {
      const link = gaps[title];
      if (link === undefined) test(title, () => tryLaw(law, tested.open));
      else {
        test(`known gap (${link}): ${title}`, () => assert.rejects(tryLaw(law, tested.open)));
      }
    }
  });
}

/** Opens a backend, tries one law on it and closes everything. */
export async function tryLaw(law: Law, open: BackendUnderTest['open']): Promise<void> {
  await using opened = await open();
  const { backend } = opened;
  await law({ backend, bucket: new Bucket(backend), base: `laws/${randomUUID()}/` });
}
