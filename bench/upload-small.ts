// Question: what does a small upload cost with everything on and durable?
// Method: 16 connections post the same 10 KB form, then 4 connections the same 1 MB form, for a few seconds a round,
// after ten seconds that warm up: until V8 has compiled what some ten thousand requests run, they cost up to twice as much.
// Targets: 10 KB: at least 0.5 of multer on Express (no fsync, no hash, no row) and 1.0 of @tus/server with its file
// store (creation-with-upload); 1 MB: at least 0.9 of multer.
import { formPost, hammer } from './client.ts';
import {
  type Answer,
  type Contender,
  interleave,
  ratios,
  scratch,
  startBaseline,
  startStowage,
  token,
} from './harness.ts';
import { text } from './samples.ts';

const WARM_UP_SECONDS = 10;

function requestFor(contender: Contender, sizeBytes: number): { request: Buffer[]; expected: number[] } {
  const body = text(sizeBytes);
  if (contender.name === 'tus') {
    const head = `POST /files HTTP/1.1\r\nHost: bench\r\nTus-Resumable: 1.0.0\r\nUpload-Length: ${sizeBytes}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: ${sizeBytes}\r\n\r\n`;
    return { request: [Buffer.concat([Buffer.from(head), body])], expected: [201] };
  }
  const file = { name: 'notes.txt', type: 'text/plain', sizeBytes, assetType: 'study_material' };
  const { head, tail } = formPost(contender.name === 'stowage' ? '/api/upload' : '/upload', file, token());
  return { request: [Buffer.concat([head, body, tail])], expected: [200] };
}

async function measure(
  sizeBytes: number,
  clients: number,
  rounds: number,
  withTus: boolean,
): Promise<Record<string, number[]>> {
  const directory = scratch();
  const contenders = [
    await startStowage(`${directory}/stowage`),
    await startBaseline('multer', 'upload.ts', ['multer', directory]),
    ...(withTus ? [await startBaseline('tus', 'upload.ts', ['tus', directory])] : []),
  ];
  try {
    const post = (contender: Contender, seconds: number): Promise<number> => {
      const { request, expected } = requestFor(contender, sizeBytes);
      return hammer(contender.origin, request, { clients, seconds, expected });
    };
    return await interleave(
      contenders,
      rounds,
      (contender) => post(contender, 3),
      (contender) => post(contender, WARM_UP_SECONDS),
    );
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
}

export async function uploadSmall(rounds: number): Promise<Answer> {
  const figures = await measure(10_240, 16, rounds, true);
  return {
    question: '10 KB form uploads, 16 clients, everything on and durable',
    unit: 'req/s',
    figures,
    targets: [
      { title: 'stowage / multer + Express', values: ratios(figures, 'stowage', 'multer'), atLeast: 0.5 },
      { title: 'stowage / @tus/server', values: ratios(figures, 'stowage', 'tus'), atLeast: 1 },
    ],
  };
}

export async function uploadMedium(rounds: number): Promise<Answer> {
  const figures = await measure(1_000_000, 4, rounds, false);
  return {
    question: '1 MB form uploads, 4 clients, everything on and durable',
    unit: 'req/s',
    figures,
    targets: [
      { title: 'stowage / multer + Express', values: ratios(figures, 'stowage', 'multer'), atLeast: 0.9 },
    ],
  };
}
