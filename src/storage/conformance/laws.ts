import { COPY_LAWS } from './copy-laws.ts';
import { DELETE_LAWS } from './delete-laws.ts';
import { KEY_LAWS } from './key-laws.ts';
import type { Laws } from './law.ts';
import { LIFE_LAWS } from './life-laws.ts';
import { LIST_LAWS } from './list-laws.ts';
import { METADATA_LAWS } from './metadata-laws.ts';
import { MULTIPART_LAWS } from './multipart-laws.ts';
import { READ_LAWS } from './read-laws.ts';
import { SIGNED_READ_LAWS } from './signed-read-laws.ts';
import { SIGNED_WRITE_LAWS } from './signed-write-laws.ts';
import { WRITE_LAWS } from './write-laws.ts';

/** The law book: what every backend owes, by what it says. Backends cannot pick among them. */
export const LAWS: Laws = {
  ...WRITE_LAWS,
  ...READ_LAWS,
  ...METADATA_LAWS,
  ...KEY_LAWS,
  ...LIST_LAWS,
  ...DELETE_LAWS,
  ...COPY_LAWS,
  ...MULTIPART_LAWS,
  ...SIGNED_READ_LAWS,
  ...SIGNED_WRITE_LAWS,
  ...LIFE_LAWS,
};
