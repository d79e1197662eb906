import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapBounded } from '../map-bounded.ts';
import { MemoryBackend } from '../memory/backend.ts';
import type { MemoryBackendOptions } from '../memory/options.ts';
import * as broken from './broken-drivers.ts';
import { tryLaw } from './describe-backend.ts';
import { LAWS } from './laws.ts';
import { openServedMemory } from './served-memory.ts';

type Driver = new (options: MemoryBackendOptions) => MemoryBackend;

/** Which laws must fail for each way of being broken: these and no others. */
const EXPECTED: readonly (readonly [string, Driver, readonly string[]])[] = [
  [
    'a store that ignores create is noticed',
    broken.IgnoresCreate,
    ['create refuses a taken key and leaves its object alone', 'of eight creators exactly one wins'],
  ],
  [
    'a store that looks before it creates is noticed',
    broken.ChecksThenCreates,
    ['of eight creators exactly one wins'],
  ],
  [
    'a store that keeps part of a failed put is noticed',
    broken.StoresPartOnFailure,
    [
      'a failed put leaves nothing, and its error is the body’s',
      'a failed put leaves the previous object untouched',
    ],
  ],
  [
    'a store that hides the error of the body is noticed',
    broken.TranslatesTheBodysError,
    ['a failed put leaves nothing, and its error is the body’s'],
  ],
  [
    'a store that cannot be aborted is noticed',
    broken.IgnoresSignalWhilePutting,
    ['an aborted put ends at once and leaves nothing'],
  ],
  [
    'a store that begins what was aborted is noticed',
    broken.BeginsAfterTheSignal,
    [
      'a copy whose signal has fired already does not begin',
      'a batch delete whose signal has fired already does not begin',
      'an upload in parts whose signal has fired already goes no further',
      'a check whose signal has fired already does not begin',
    ],
  ],
  [
    'a store that drops metadata is noticed',
    broken.DropsMetadata,
    [
      'readers among writers each see one version whole',
      'type, cache control and metadata come back',
      'replacing an object replaces its metadata',
      'late metadata is asked for once, after the whole body',
      'late metadata that fails stores nothing',
      'two KiB of metadata fit',
      'bad metadata and headers are refused before anything is stored',
      'whoever has a write URL stores the object',
    ],
  ],
  [
    'a store that asks for metadata too early is noticed',
    broken.AsksMetadataTooEarly,
    ['late metadata is asked for once, after the whole body'],
  ],
  [
    'a store that says too early that a body is whole is noticed',
    broken.SaysWholeTooEarly,
    ['a put says at most once that its body is whole, after the body and before its end'],
  ],
  [
    'a range that ends one byte short is noticed',
    broken.RangeEndsOneShort,
    ['a range is exact at both ends', 'a range across a large object is exact', 'a read URL answers a range'],
  ],
  [
    'a range beyond the end answered with nothing is noticed',
    broken.AnswersEmptyBeyondTheEnd,
    [
      'a range that starts at the end or after it cannot be satisfied',
      'no range of an empty object can be satisfied',
    ],
  ],
  [
    'a body that mixes versions is noticed',
    broken.ReadsLate,
    ['a reader keeps its version while the object is replaced and deleted'],
  ],
  [
    'a listing that counts instead of naming is noticed',
    broken.ListsByOffset,
    ['deletes during a listing hide no other object', 'puts during a listing repeat and hide no object'],
  ],
  ['a prefix that matches half a name is noticed', broken.PrefixIsNoFolder, ['a prefix ends at a slash']],
  [
    'a store that folds case is noticed',
    broken.ForgetsCase,
    ['keys that differ only in case are different keys'],
  ],
  ['a delete that cannot be repeated is noticed', broken.DeleteOfMissingFails, ['a delete can be repeated']],
  [
    'a batch delete that stops early is noticed',
    broken.BatchDeleteStopsAtMissing,
    ['a batch delete removes all, missing ones or not'],
  ],
  [
    'a copy that keeps the headers of its source is noticed',
    broken.CopyKeepsHeaders,
    ['a copy has the bytes of its source and the headers it is given'],
  ],
  [
    'a copy that ignores create is noticed',
    broken.CopyIgnoresCreate,
    ['a copy in mode create refuses a taken key, in mode replace it replaces'],
  ],
  [
    'parts joined in the wrong order are noticed',
    broken.JoinsPartsAsTheyCame,
    ['parts in any order make one object'],
  ],
  [
    'an abort that keeps the parts is noticed',
    broken.AbortKeepsParts,
    ['an aborted upload leaves nothing, and can be aborted again'],
  ],
  [
    'URLs that change with every question are noticed',
    broken.SignsForTheMoment,
    ['the same question within a window has the same answer'],
  ],
  ['a read URL that writes is noticed', broken.ReadUrlWrites, ['a read URL can do nothing but read']],
  ['a read URL that never expires is noticed', broken.NeverExpires, ['an expired read URL is refused']],
  [
    'a read URL that reads another key is noticed',
    broken.IgnoresTheSignedKey,
    ['a read URL of one key does not read another'],
  ],
  [
    'a write URL that takes another size is noticed',
    broken.TakesAnySignedSize,
    ['another size than signed is refused where the store enforces it'],
  ],
  [
    'a server that answers without a signature is noticed',
    broken.ServesWithoutSignature,
    ['nothing is public'],
  ],
];

test('the memory backend itself breaks no law', async () => {
  assert.deepEqual(await failingLaws(MemoryBackend), []);
});

for (const [title, Driver, expected] of EXPECTED) {
  test(title, async () => assert.deepEqual((await failingLaws(Driver)).sort(), [...expected].sort()));
}

/** Titles of the laws that a driver breaks. */
async function failingLaws(Driver: Driver): Promise<string[]> {
  const open = () => openServedMemory((options) => new Driver(options));
  const outcomes = await mapBounded(Object.entries(LAWS), 8, async ([title, law]) =>
    tryLaw(law, open).then(
      () => null,
      () => title,
    ),
  );
  return outcomes.filter((title) => title !== null);
}
