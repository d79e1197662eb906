// Questions: what does a signed URL cost, with its durable log entry? What does a download by signed URL cost, with the
// signature checked and the read logged?
// Method: 64 connections ask /presigned, against a Fastify route that only verifies the same token. A 200 MB file by one
// connection and a 10 KB file by 32, against @fastify/static serving the same bytes.
import { writeFileSync } from 'node:fs';
import { formPost, get, hammer, RawClient } from './client.ts';
import {
  type Answer,
  type Contender,
  interleave,
  JWT_SECRET,
  ratios,
  scratch,
  startBaseline,
  startStowage,
  token,
} from './harness.ts';
import { mp4, text } from './samples.ts';

interface Uploaded {
  readonly asset_id: string;
  readonly presigned_url: string;
}

async function upload(
  stowage: Contender,
  name: string,
  type: string,
  assetType: string,
  bytes: Buffer,
): Promise<Uploaded> {
  const file = { name, type, sizeBytes: bytes.length, assetType, fields: { project_id: 'p1' } };
  const { head, tail } = formPost('/api/upload', file, token());
  const client = new RawClient(stowage.origin);
  const answer = await client.send([head, bytes, tail]);
  client.close();
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.body}`);
  const [asset] = JSON.parse(answer.body).uploads as Uploaded[];
  if (asset === undefined) throw new Error('No asset in the answer.');
  return asset;
}

export async function presigned(rounds: number): Promise<Answer> {
  const directory = scratch();
  const stowage = await startStowage(`${directory}/stowage`);
  const verify = await startBaseline('verify', 'read.ts', ['token', '', JWT_SECRET]);
  try {
    const { asset_id } = await upload(stowage, 'notes.txt', 'text/plain', 'study_material', text(10_240));
    const figures = await interleave([stowage, verify], rounds, (contender) => {
      const path = contender.name === 'stowage' ? `/api/assets/${asset_id}/presigned` : '/token';
      return hammer(contender.origin, [get(path, token())], { clients: 64, seconds: 3, expected: [200] });
    });
    return {
      question: '/presigned with its durable log entry, 64 clients',
      unit: 'req/s',
      figures,
      targets: [
        {
          title: 'stowage / a route that only verifies the token',
          values: ratios(figures, 'stowage', 'verify'),
          atLeast: 0.25,
        },
      ],
    };
  } finally {
    await Promise.all([stowage.stop(), verify.stop()]);
  }
}

async function download(
  rounds: number,
  file: { name: string; type: string; assetType: string; bytes: Buffer },
  clients: number,
  atLeast: number,
): Promise<Answer> {
  const directory = scratch();
  writeFileSync(`${directory}/${file.name}`, file.bytes);
  const stowage = await startStowage(`${directory}/stowage`);
  const fastify = await startBaseline('@fastify/static', 'read.ts', ['static', directory]);
  try {
    const asset = await upload(stowage, file.name, file.type, file.assetType, file.bytes);
    const url = new URL(asset.presigned_url);
    const figures = await interleave([stowage, fastify], rounds, (contender) => {
      const path = contender.name === 'stowage' ? url.pathname + url.search : `/${file.name}`;
      return hammer(contender.origin, [get(path)], { clients, seconds: 3, expected: [200] });
    });
    return {
      question: `${(file.bytes.length / 1000).toFixed(0)} KB download by local signed URL, ${clients} client${clients > 1 ? 's' : ''}`,
      unit: 'req/s',
      figures,
      targets: [
        {
          title: 'stowage / @fastify/static',
          values: ratios(figures, 'stowage', '@fastify/static'),
          atLeast,
        },
      ],
    };
  } finally {
    await Promise.all([stowage.stop(), fastify.stop()]);
  }
}

export const downloadLarge = (rounds: number): Promise<Answer> =>
  download(
    rounds,
    { name: 'film.mp4', type: 'video/mp4', assetType: 'generated_video', bytes: mp4(200_000_000) },
    1,
    2,
  );

export const downloadSmall = (rounds: number): Promise<Answer> =>
  download(
    rounds,
    { name: 'notes.txt', type: 'text/plain', assetType: 'study_material', bytes: text(10_240) },
    32,
    1,
  );
