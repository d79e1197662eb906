// Answers the questions of this folder in one run: `npm run bench -- [--rounds 5] [name …]`.
// Exit code 3 when a target is missed.
import { parseArgs } from 'node:util';
import { catalogWrites } from './catalog-writes.ts';
import { type Answer, report, settleDisk } from './harness.ts';
import { latency } from './latency.ts';
import { listPages } from './list-pages.ts';
import { downloadLarge, downloadSmall, presigned } from './read.ts';
import { s3Presign, s3Put, s3PutParts } from './s3.ts';
import { s3List } from './s3-list.ts';
import { s3Memory } from './s3-memory.ts';
import { signLocal } from './sign-local.ts';
import { start } from './start.ts';
import { uploadLarge } from './upload-large.ts';
import { uploadMemory } from './upload-memory.ts';
import { uploadMedium, uploadSmall } from './upload-small.ts';

const QUESTIONS: Readonly<Record<string, (rounds: number) => Promise<Answer>>> = {
  'upload-large': uploadLarge,
  'upload-small': uploadSmall,
  'upload-medium': uploadMedium,
  'upload-memory': () => uploadMemory(),
  latency,
  presigned,
  'sign-local': signLocal,
  'download-large': downloadLarge,
  'download-small': downloadSmall,
  start,
  'catalog-writes': catalogWrites,
  'list-pages': listPages,
  's3-put': s3Put,
  's3-put-parts': s3PutParts,
  's3-presign': s3Presign,
  's3-list': s3List,
  's3-memory': () => s3Memory(),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
});
const names = positionals.length > 0 ? positionals : Object.keys(QUESTIONS);
let kept = true;
await settleDisk();
for (const name of names) {
  const ask = QUESTIONS[name];
  if (ask === undefined)
    throw new Error(`Unknown question ${name}; there are: ${Object.keys(QUESTIONS).join(', ')}.`);
  kept = report(await ask(Number(values.rounds))) && kept;
}
process.exitCode = kept ? 0 : 3;
