import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { getSystemErrorMessage } from 'node:util';
import { newUuid } from '../core/ids.ts';

/**
 * Opens a file and hands it to a reader.
 *
 * @throws Error naming the path when the file can't be opened or read; otherwise what the reader throws.
 */
export async function readFrom<Result>(
  path: string,
  read: (input: Readable) => Promise<Result>,
): Promise<Result> {
  const input = createReadStream(path);
  try {
    await once(input, 'open');
    return await read(input);
  } catch (error) {
    throw input.errored === null ? error : fileError(path, 'read', input.errored);
  } finally {
    input.destroy();
  }
}

/**
 * Hands a writer a file that gets its name when all of it is on disk, and is gone when anything fails. It is for its
 * owner only.
 *
 * @throws Error naming the path when the file can't be made or written; otherwise what the writer throws.
 */
export async function writeWhole<Result>(
  path: string,
  write: (output: Writable) => Promise<Result>,
): Promise<Result> {
  const draftPath = `${path}.${newUuid()}`;
  // What commands write names users and addresses: for its owner only.
  const output = createWriteStream(draftPath, { flags: 'wx', mode: 0o600, flush: true });
  await once(output, 'open').catch((error: unknown) => {
    throw fileError(path, 'written', error);
  });
  // Between two writes nobody else listens, and an error that nobody hears ends the process.
  output.on('error', () => undefined);
  try {
    const result = await writeThrough(output, path, write);
    await finished(output.end())
      .then(() => rename(draftPath, path))
      .catch((error: unknown) => {
        throw fileError(path, 'written', error);
      });
    return result;
  } finally {
    output.destroy();
    await rm(draftPath, { force: true });
  }
}

/**
 * Hands a writer a stream that somebody else opened and ends.
 *
 * @throws Error naming the stream when it can't be written; otherwise what the writer throws.
 */
export async function writeThrough<Result>(
  output: Writable,
  name: string,
  write: (output: Writable) => Promise<Result>,
): Promise<Result> {
  let failure: Error | undefined;
  // Heard here as well: standard output forgets its errors.
  const keep = (error: Error): void => {
    failure ??= error;
  };
  output.on('error', keep);
  try {
    return await write(output);
  } catch (error) {
    const reason = output.errored ?? failure;
    throw reason === undefined ? error : fileError(name, 'written', reason);
  } finally {
    output.off('error', keep);
  }
}

function fileError(name: string, done: 'read' | 'written', cause: unknown): Error {
  return new Error(`${name} can't be ${done}: ${reasonOf(cause)}.`);
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { errno } = error as NodeJS.ErrnoException;
  return errno === undefined ? error.message : getSystemErrorMessage(errno);
}
