import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapBounded } from '../map-bounded.ts';
import { MemoryBackend } from '../memory/backend.ts';
import type { MemoryBackendOptions } from '../memory/options.ts';
import * as deletes from './broken-delete-drivers.ts';
import * as broken from './broken-drivers.ts';
import * as parts from './broken-multipart-drivers.ts';
import * as reads from './broken-read-drivers.ts';
import * as signed from './broken-signed-drivers.ts';
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
      'a put whose signal has fired already does not begin',
      'a read whose signal has fired already does not begin',
      'a listing whose signal has fired already does not begin',
      'a delete whose signal has fired already does not begin',
      'a copy whose signal has fired already does not begin',
      'a batch delete whose signal has fired already does not begin',
      'an upload in parts whose signal has fired already goes no further',
      'a check whose signal has fired already does not begin',
    ],
  ],
  [
    'a store that takes an aborted call for a breakdown is noticed',
    broken.AbortIsABreakdown,
    [
      'asking for facts is aborted on its way, or was done already',
      'a listing that is aborted on its way is aborted, or was done already',
      'a delete that is aborted on its way is aborted, or was done already',
      'a batch delete that is aborted on its way is aborted, or was done already',
      'a copy that is aborted on its way is whole or not there',
    ],
  ],
  [
    'a store that takes a body of any size is noticed',
    broken.TakesAnySize,
    [
      'a body of another size than announced is refused',
      'other bytes than those of a signed digest are refused where the store enforces it',
    ],
  ],
  [
    'a size that is the last chunk’s is noticed',
    broken.TellsTheLastChunksSize,
    ['what was put can be read', 'a large body comes back byte for byte'],
  ],
  ['a body that is cut is noticed', broken.CutsAtItsBuffer, ['a large body comes back byte for byte']],
  ['puts that share a buffer are noticed', broken.RunsOutOfBuffers, ['thirty-two puts at once all arrive']],
  [
    'a version that never changes is noticed',
    broken.VersionStaysTheSame,
    [
      'replace replaces',
      'a copy has the bytes of its source and the headers it is given',
      'parts in any order make one object',
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
    'a store that makes up a cache control is noticed',
    broken.CachesByDefault,
    ['no metadata and no cache control come back as none'],
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
    reads.RangeEndsOneShort,
    ['a range is exact at both ends', 'a range across a large object is exact', 'a read URL answers a range'],
  ],
  [
    'a range beyond the end answered with nothing is noticed',
    reads.AnswersEmptyBeyondTheEnd,
    [
      'a range that starts at the end or after it cannot be satisfied',
      'no range of an empty object can be satisfied',
    ],
  ],
  [
    'a range that may not reach beyond the end is noticed',
    reads.RefusesRangesBeyondTheEnd,
    ['a range that reaches beyond the end means up to the end'],
  ],
  [
    'a missing object taken for an empty one is noticed',
    reads.NoRangeOfTheMissing,
    ['what is missing is object_not_found'],
  ],
  ['a range of an empty object is noticed', reads.AnswersRangeOfNothing, ['an empty object is an object']],
  [
    'a get that forgets the cache control is noticed',
    reads.GetForgetsCacheControl,
    ['head and get tell what put told', 'a range comes with the facts of the whole object'],
  ],
  [
    'a body that must be read to its end is noticed',
    reads.BodiesCannotBeLeft,
    ['a body left early, or never begun, can be ended'],
  ],
  [
    'a body that cannot be aborted is noticed',
    reads.IgnoresSignalWhileReading,
    ['a body that is aborted on its way ends as aborted'],
  ],
  [
    'a body that mixes versions is noticed',
    reads.ReadsLate,
    ['a reader keeps its version while the object is replaced and deleted'],
  ],
  [
    'a listing that counts instead of naming is noticed',
    reads.ListsByOffset,
    ['deletes during a listing hide no other object', 'puts during a listing repeat and hide no object'],
  ],
  [
    'a listing that ends with its first page is noticed',
    reads.ListsTheFirstPageOnly,
    [
      'a listing has every object below the prefix once',
      'deletes during a listing hide no other object',
      'puts during a listing repeat and hide no object',
    ],
  ],
  [
    'a listing that tells seconds for milliseconds is noticed',
    reads.ListsTimesInSeconds,
    ['a listing tells size and time'],
  ],
  [
    'a listing that fails without a folder is noticed',
    reads.NoFolderIsAnError,
    ['a prefix without objects is an empty listing'],
  ],
  [
    'a listing that decodes its keys is noticed',
    reads.ListsPlusAsSpace,
    ['odd keys come back exactly as they are'],
  ],
  ['a prefix that matches half a name is noticed', reads.PrefixIsNoFolder, ['a prefix ends at a slash']],
  [
    'a store that folds case is noticed',
    reads.ForgetsCase,
    ['keys that differ only in case are different keys'],
  ],
  ['a delete that cannot be repeated is noticed', deletes.DeleteOfMissingFails, ['a delete can be repeated']],
  [
    'a batch delete that stops early is noticed',
    deletes.BatchDeleteStopsAtMissing,
    ['a batch delete removes all, missing ones or not'],
  ],
  [
    'a batch delete that must have keys is noticed',
    deletes.EmptyBatchIsMalformed,
    ['a batch delete of nothing succeeds'],
  ],
  [
    'a head that does not hear of deletes is noticed',
    deletes.HeadAnswersFromTheCache,
    ['a deleted object is gone, and others are not', 'a delete can be repeated'],
  ],
  [
    'a delete of all that is below is noticed',
    deletes.DeletesWhatIsBelow,
    ['a key can be the beginning of another'],
  ],
  [
    'a delete that keeps the key taken is noticed',
    deletes.DeletedKeysStayTaken,
    ['a deleted key is free again'],
  ],
  [
    'a copy that keeps the headers of its source is noticed',
    deletes.CopyKeepsHeaders,
    ['a copy has the bytes of its source and the headers it is given'],
  ],
  [
    'a copy that ignores create is noticed',
    deletes.CopyIgnoresCreate,
    ['a copy in mode create refuses a taken key, in mode replace it replaces'],
  ],
  ['a copy that is a link is noticed', deletes.CopyIsALink, ['a copy outlives its source']],
  [
    'a copy that begins with its target is noticed',
    deletes.CopyMakesTheTargetFirst,
    ['a copy of what is missing is object_not_found and makes nothing'],
  ],
  [
    'parts joined in the wrong order are noticed',
    parts.JoinsPartsAsTheyCame,
    ['parts in any order make one object'],
  ],
  [
    'a store that wants a large last part is noticed',
    parts.LastPartMustBeLarge,
    [
      'parts in any order make one object',
      'one part is enough, and it may be small',
      'a part sent again replaces the earlier one',
      'an upload can be taken up again by its id',
      'an aborted upload leaves nothing, and can be aborted again',
      'completing in mode create refuses a taken key',
      'a part that is aborted on its way ends at once and is none',
      'completing that is aborted on its way makes the object or nothing',
      'an upload in parts whose signal has fired already goes no further',
      'whoever has a part URL stores the part and nothing else',
    ],
  ],
  [
    'a part whose first try stays is noticed',
    parts.FirstTryWins,
    ['a part sent again replaces the earlier one'],
  ],
  [
    'an upload id that is cut is noticed',
    parts.TellsHalfTheUploadId,
    ['an upload can be taken up again by its id'],
  ],
  [
    'an upload that does not miss a part is noticed',
    parts.JoinsWhatIsThere,
    ['a missing part is a conflict, and the upload goes on'],
  ],
  [
    'a completion that ignores create is noticed',
    parts.CompleteIgnoresCreate,
    ['completing in mode create refuses a taken key'],
  ],
  [
    'a digest that is signed nowhere is noticed',
    signed.SignsNoDigest,
    ['other bytes than those of a signed digest are refused where the store enforces it'],
  ],
  [
    'a part of any size is noticed',
    parts.TakesAnyPartSize,
    ['a part of another size than announced is refused'],
  ],
  [
    'a part that cannot be aborted is noticed',
    parts.IgnoresSignalWhilePuttingParts,
    ['a part that is aborted on its way ends at once and is none'],
  ],
  [
    'an aborted completion taken for a breakdown is noticed',
    parts.AbortedCompleteIsABreakdown,
    ['completing that is aborted on its way makes the object or nothing'],
  ],
  [
    'an abort that keeps the parts is noticed',
    parts.AbortKeepsParts,
    ['an aborted upload leaves nothing, and can be aborted again'],
  ],
  [
    'URLs that change with every question are noticed',
    signed.SignsForTheMoment,
    ['the same question within a window has the same answer'],
  ],
  [
    'a read URL signed for writing is noticed',
    signed.SignsForTheWrongPurpose,
    [
      'signed URLs carry odd keys',
      'whoever has a read URL reads the object',
      'a read URL decides type and disposition of the answer',
      'a read URL answers a range',
      'a read URL altered in any parameter is refused',
      'a read URL of what is missing answers 404',
    ],
  ],
  [
    'a read URL with delimiters in its path is noticed',
    signed.LeavesDelimitersInThePath,
    ['signed URLs carry odd keys'],
  ],
  ['a read URL that writes is noticed', signed.ReadUrlWrites, ['a read URL can do nothing but read']],
  ['a write URL that reads is noticed', signed.WriteUrlReads, ['a write URL can do nothing but write']],
  [
    'a URL that never expires is noticed',
    signed.NeverExpires,
    [
      'an expired read URL is refused',
      'an expired write URL is refused',
      'an expired or altered part URL is refused',
    ],
  ],
  [
    'a URL that is good for another key is noticed',
    signed.IgnoresTheSignedKey,
    ['a read URL of one key does not read another', 'a write URL of one key does not write another'],
  ],
  [
    'a parameter that is not signed is noticed',
    signed.LeavesParametersUnsigned,
    ['a read URL altered in any parameter is refused', 'a write URL altered in any parameter is refused'],
  ],
  [
    'a server that forgets the disposition is noticed',
    signed.ForgetsTheDisposition,
    ['a read URL decides type and disposition of the answer'],
  ],
  [
    'a server that forbids what is missing is noticed',
    signed.MissingIsForbidden,
    ['a read URL of what is missing answers 404'],
  ],
  [
    'a signed digest that nobody compares is noticed',
    signed.ForgetsTheSignedDigest,
    ['other bytes than those of a signed digest are refused where the store enforces it'],
  ],
  [
    'a part of any size is noticed',
    signed.TakesAnyPartSize,
    ['a part of another size than signed is refused where the store enforces it'],
  ],
  [
    'a write URL that takes another size is noticed',
    signed.TakesAnySignedSize,
    [
      'another size than signed is refused where the store enforces it',
      'other bytes than those of a signed digest are refused where the store enforces it',
    ],
  ],
  [
    'a write URL that takes another type is noticed',
    signed.TakesAnySignedType,
    ['another type than signed is refused where the store enforces it'],
  ],
  [
    'a digest taken in the wrong form is noticed',
    signed.ComparesTheDigestsText,
    [
      'a write URL with a digest takes the right bytes',
      'other bytes than those of a signed digest are refused where the store enforces it',
    ],
  ],
  [
    'parts that are counted from zero are noticed',
    signed.CountsPartsFromZero,
    ['whoever has a part URL stores the part and nothing else'],
  ],
  [
    'a server that answers without a signature is noticed',
    signed.ServesWithoutSignature,
    ['nothing is public'],
  ],
  [
    'a check that fails on an empty bucket is noticed',
    broken.CheckNeedsAnObject,
    ['a store that answers passes its check'],
  ],
  [
    'a store whose URLs live too short is noticed',
    broken.SignsForAnHourAtMost,
    ['capabilities are consistent'],
  ],
  [
    'a store that signs when it is closed is noticed',
    broken.SignsWhenClosed,
    ['a closed store refuses every call'],
  ],
];

/** What is refused here is refused before a backend is called. */
const KEPT_BY_BUCKET = [
  'hostile keys are refused everywhere',
  'a limit outside 1 to 1,000 is refused',
  'a batch delete of more than 1,000 keys is refused',
  'part numbers outside the plan are refused',
  'a lifetime outside what the store can sign is refused',
  'nothing is signed for whom has left already',
];

test('the memory backend itself breaks no law', async () => {
  assert.deepEqual(await failingLaws(MemoryBackend), []);
});

for (const [title, Driver, expected] of EXPECTED) {
  test(title, async () => assert.deepEqual((await failingLaws(Driver)).sort(), [...expected].sort()));
}

test('each law is broken by some driver, but those that the bucket keeps for all', () => {
  const broken = new Set(EXPECTED.flatMap(([, , laws]) => laws));
  assert.deepEqual(
    Object.keys(LAWS).filter((title) => !broken.has(title)),
    KEPT_BY_BUCKET,
  );
});

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
