// Question: how long does one client wait, when nobody else asks?
// Method: one connection posts a form with a file of 10 KB, asks for a signed URL, and posts a form with ten such files, one after
// the other: 300 times to warm up, then as often in each round. The figures are medians and 95th percentiles in milliseconds.
import { formPost, get, nextFile, RawClient } from './client.ts';
import { type Answer, type Contender, median, scratch, startStowage, token } from './harness.ts';
import { text } from './samples.ts';

const REQUESTS = 300;
const SIZE_BYTES = 10_240;
const FILES = 10;

export async function latency(rounds: number): Promise<Answer> {
  const stowage = await startStowage(`${scratch()}/stowage`);
  try {
    const times = {
      'upload of 10 KB': [] as number[][],
      'signed URL': [] as number[][],
      'ten files of 10 KB': [] as number[][],
    };
    for (let round = -1; round < rounds; round += 1) {
      const { uploads, signedUrls, forms } = await oneAfterTheOther(stowage);
      if (round < 0) continue;
      times['upload of 10 KB'].push(uploads);
      times['signed URL'].push(signedUrls);
      times['ten files of 10 KB'].push(forms);
    }
    const figures = Object.fromEntries(
      Object.entries(times).flatMap(([name, inRounds]) => [
        [name, inRounds.map(median)],
        [`${name}, 95th percentile`, inRounds.map((values) => percentile(values, 0.95))],
      ]),
    );
    return {
      question:
        'One client: an upload of 10 KB, a signed URL with its log entry, a form with ten files of 10 KB',
      unit: 'ms',
      figures,
      targets: [
        { title: 'upload of 10 KB', values: figures['upload of 10 KB'] ?? [], atMost: 10 },
        { title: 'signed URL with its log entry', values: figures['signed URL'] ?? [], atMost: 5 },
        { title: 'a form with ten files of 10 KB', values: figures['ten files of 10 KB'] ?? [], atMost: 20 },
      ],
    };
  } finally {
    await stowage.stop();
  }
}

interface Times {
  readonly uploads: number[];
  readonly signedUrls: number[];
  readonly forms: number[];
}

async function oneAfterTheOther(stowage: Contender): Promise<Times> {
  const form = formOf(1);
  const formOfTen = formOf(FILES);
  const client = new RawClient(stowage.origin);
  const uploads: number[] = [];
  const signedUrls: number[] = [];
  const forms: number[] = [];
  for (let request = 0; request < REQUESTS; request += 1) {
    const uploaded = await timed(client, form, uploads);
    const { asset_id } = (JSON.parse(uploaded) as { uploads: [{ asset_id: string }] }).uploads[0];
    await timed(client, [get(`/api/assets/${asset_id}/presigned`, token())], signedUrls);
    await timed(client, formOfTen, forms);
  }
  client.close();
  return { uploads, signedUrls, forms };
}

function formOf(files: number): Buffer[] {
  const bytes = text(SIZE_BYTES);
  const more = Array.from({ length: files - 1 }, (_, index) =>
    Buffer.concat([nextFile(`notes-${index}.txt`, 'text/plain'), bytes]),
  );
  const content = Buffer.concat([bytes, ...more]);
  const file = {
    name: 'notes.txt',
    type: 'text/plain',
    sizeBytes: content.length,
    assetType: 'study_material',
  };
  const { head, tail } = formPost('/api/upload', file, token());
  return [Buffer.concat([head, content, tail])];
}

async function timed(client: RawClient, request: readonly Uint8Array[], times: number[]): Promise<string> {
  const startedMs = performance.now();
  const answer = await client.send(request);
  times.push(performance.now() - startedMs);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  return answer.body;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}
