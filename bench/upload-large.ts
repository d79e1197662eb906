// Question: what does one large upload cost with everything on (token, gate, SHA-256, fsync, rows)?
// Method: one connection sends the same 200 MB to each server in turn; MB/s from the first byte to the answer.
// Targets: at least 0.8 of a bare `req.pipe(createWriteStream)`, at least 1.2 of multer on Express, which do none of it.
import { formPost, RawClient } from './client.ts';
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
import { mp4Head } from './samples.ts';

const FILE_BYTES = 200_000_000;
const CHUNK = Buffer.alloc(1 << 20, 0x5a);

/** The bytes of a 200 MB film without holding them. */
export function* film(totalBytes: number): Generator<Uint8Array> {
  const head = mp4Head(totalBytes);
  yield head;
  for (let left = totalBytes - head.length; left > 0; left -= CHUNK.length)
    yield left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left);
}

/** Uploads one film. @returns MB/s. */
export async function uploadFilm(contender: Contender, totalBytes: number): Promise<number> {
  const file = {
    name: 'film.mp4',
    type: 'video/mp4',
    sizeBytes: totalBytes,
    assetType: 'generated_video',
    fields: { project_id: 'p1' },
  };
  const { head, tail } = formPost(contender.name === 'stowage' ? '/api/upload' : '/upload', file, token());
  const client = new RawClient(contender.origin);
  const started = performance.now();
  const answer = await client.send(
    (function* () {
      yield head;
      yield* film(totalBytes);
      yield tail;
    })(),
  );
  client.close();
  if (answer.status !== 200) throw new Error(`${contender.name}: ${answer.status} ${answer.body}`);
  return totalBytes / 1e6 / ((performance.now() - started) / 1000);
}

export async function uploadLarge(rounds: number): Promise<Answer> {
  const directory = scratch();
  const contenders = [
    await startStowage(`${directory}/stowage`),
    await startBaseline('pipe', 'upload.ts', ['pipe', directory]),
    await startBaseline('multer', 'upload.ts', ['multer', directory]),
  ];
  try {
    const figures = await interleave(contenders, rounds, (contender) => uploadFilm(contender, FILE_BYTES));
    return {
      question: 'One 200 MB upload, everything on',
      unit: 'MB/s',
      figures,
      targets: [
        { title: 'stowage / bare pipe', values: ratios(figures, 'stowage', 'pipe'), atLeast: 0.8 },
        { title: 'stowage / multer + Express', values: ratios(figures, 'stowage', 'multer'), atLeast: 1.2 },
      ],
    };
  } finally {
    await Promise.all(contenders.map((contender) => contender.stop()));
  }
}
