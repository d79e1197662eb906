import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { type Realm, timeOf, verifiedUser } from './access.ts';
import { type Exchange, element, header, refusals, sendEmpty, sendXml } from './answers.ts';
import { describedBy, requireKey, writtenHeaders } from './objects.ts';
import { obeyPolicy } from './policy.ts';
import { checkDigests, hashStretch, type Received } from './receive.ts';
import type { BucketState, StoredObject } from './store.ts';

/** Fields of a form together, in bytes; the file comes after them. */
const FIELDS_BYTES_MAX = 64 * 1024;
/** Fields that the policy need not name. */
const UNNAMED = new Set(['policy', 'x-amz-signature', 'file']);

/**
 * Stores the file of a form, if the policy that its fields carry allows it.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
 */
export async function postForm(
  exchange: Exchange,
  bucket: BucketState,
  realm: Realm,
  directory: string,
): Promise<void> {
  const { fields, file } = await readForm(exchange, directory);
  const read = (name: string): string => {
    const value = fields.get(name);
    if (value === undefined) throw refusals.denied(`Bucket POST must contain a field named '${name}'.`);
    return value;
  };
  const policy = read('policy');
  if (read('x-amz-algorithm') !== 'AWS4-HMAC-SHA256') throw refusals.invalid('The algorithm is not known.');
  const time = read('x-amz-date');
  timeOf(time);
  const user = verifiedUser(
    {
      ...{ credential: read('x-amz-credential'), time, signature: read('x-amz-signature') },
      token: fields.get('x-amz-security-token'),
      textOf: () => policy,
    },
    realm,
  );
  if (user.name !== bucket.owner) throw refusals.denied();
  obeyPostPolicy(policy, { fields, bucket: bucket.name, sizeBytes: file.sizeBytes, nowMs: realm.now() });

  const key = read('key');
  requireKey(key);
  obeyPolicy(bucket, (name) => fields.get(name));
  checkDigests((name) => fields.get(name), file);
  const object: StoredObject = {
    ...{ pieces: file.pieces, sizeBytes: file.sizeBytes, modifiedAtMs: realm.now() },
    etag: `"${file.md5.toString('hex')}"`,
    described: describedBy(Object.fromEntries(fields)),
    checksumSha256: fields.has('x-amz-checksum-sha256') ? file.sha256.toString('base64') : null,
  };
  bucket.objects.set(key, object);
  const headers = { etag: object.etag, ...writtenHeaders(object) };
  if (fields.get('success_action_status') !== '201') {
    sendEmpty(exchange, fields.get('success_action_status') === '200' ? 200 : 204, headers);
    return;
  }
  for (const [name, value] of Object.entries(headers)) exchange.response.setHeader(name, value);
  const inside = `${element('Bucket', bucket.name)}${element('Key', key)}${element('ETag', object.etag)}`;
  sendXml(exchange, `<PostResponse>${inside}</PostResponse>`, 201);
}

/** Every field must be allowed by a condition, and every condition must hold. */
function obeyPostPolicy(
  encoded: string,
  given: {
    readonly fields: ReadonlyMap<string, string>;
    readonly bucket: string;
    readonly sizeBytes: number;
    readonly nowMs: number;
  },
): void {
  const policy = JSON.parse(Buffer.from(encoded, 'base64').toString()) as {
    expiration: string;
    conditions: readonly (readonly [string, unknown, unknown] | Record<string, string>)[];
  };
  if (!(Date.parse(policy.expiration) > given.nowMs))
    throw refusals.denied('Invalid according to Policy: Policy expired.');
  const allowed = new Set<string>();
  const fieldNamed = (name: string) => (name === 'bucket' ? given.bucket : given.fields.get(name));
  for (const condition of policy.conditions) {
    const rows: readonly (readonly [string, unknown, unknown])[] = Array.isArray(condition)
      ? [condition as readonly [string, unknown, unknown]]
      : Object.entries(condition).map(([name, value]) => ['eq', `$${name}`, value] as const);
    for (const [operator, subject, value] of rows) {
      if (operator === 'content-length-range') {
        if (given.sizeBytes < Number(subject)) throw refusals.tooSmall();
        if (given.sizeBytes > Number(value)) throw refusals.tooLarge();
        continue;
      }
      const name = String(subject).replace(/^\$/, '').toLowerCase();
      const found = fieldNamed(name);
      const holds =
        operator === 'eq'
          ? found === value
          : operator === 'starts-with' && found?.startsWith(String(value)) === true;
      if (!holds)
        throw refusals.denied(
          `Invalid according to Policy: Policy Condition failed: ["${operator}", "$${name}"]`,
        );
      allowed.add(name);
    }
  }
  for (const name of given.fields.keys()) {
    if (!allowed.has(name) && !UNNAMED.has(name) && !name.startsWith('x-ignore-'))
      throw refusals.denied(`Invalid according to Policy: Extra input fields: ${name}`);
  }
}

/** The fields of a form, names in lower case, and its file, which must be its last part. */
async function readForm(
  exchange: Exchange,
  directory: string,
): Promise<{ fields: ReadonlyMap<string, string>; file: Received }> {
  const boundary = /^multipart\/form-data;.*boundary="?([^";]+)"?/i.exec(
    header(exchange, 'content-type') ?? '',
  )?.[1];
  if (boundary === undefined) throw refusals.malformedForm('is no multipart/form-data');
  const spool = path.join(directory, randomUUID());
  await pipeline(exchange.request, createWriteStream(spool)).catch(() => {
    throw refusals.incomplete();
  });
  await using handle = await open(spool, 'r');
  const { size } = await handle.stat();
  const head = Buffer.alloc(Math.min(size, FIELDS_BYTES_MAX));
  await handle.read(head, 0, head.length, 0);
  const fields = new Map<string, string>();
  for (let at = 0; ; ) {
    const start = `--${boundary}\r\n`;
    if (head.subarray(at, at + start.length).toString('latin1') !== start)
      throw refusals.malformedForm('has no file');
    const headersEnd = head.indexOf('\r\n\r\n', at);
    if (headersEnd === -1) throw refusals.malformedForm('has fields that are too long');
    const headers = head.subarray(at + start.length, headersEnd).toString();
    const name = /\bname="([^"]*)"/i.exec(headers)?.[1]?.toLowerCase();
    if (name === undefined || fields.has(name))
      throw refusals.malformedForm('has a part of no name, or of a name twice');
    const first = headersEnd + 4;
    if (name === 'file') {
      const end = Buffer.from(`\r\n--${boundary}--`);
      const tail = Buffer.alloc(Math.min(size - first, end.length + 2));
      await handle.read(tail, 0, tail.length, size - tail.length);
      const endsAt = tail.lastIndexOf(end);
      if (endsAt === -1) throw refusals.malformedForm('does not end with its file');
      return { fields, file: await hashStretch(spool, first, size - tail.length + endsAt - first) };
    }
    const last = head.indexOf(`\r\n--${boundary}`, first);
    if (last === -1) throw refusals.malformedForm('has fields that are too long');
    fields.set(name, head.subarray(first, last).toString());
    at = last + 2;
  }
}
