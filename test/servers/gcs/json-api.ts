import { type Exchange, onlyParameters, refusals, sendJson } from './answers.ts';
import {
  archiveObject,
  type BucketState,
  findObject,
  mustBeAbsent,
  readDescription,
  sortedNames,
  storeObject,
} from './store.ts';

/** `/storage/v1/b/{bucket}/o…`: everything but uploads and bytes. */
export function answerJson(exchange: Exchange, bucket: BucketState, rest: string): void {
  if (rest === '') {
    list(exchange, bucket);
    return;
  }
  const rewrite = /^\/([^/]+)\/rewriteTo\/b\/([^/]+)\/o\/([^/]+)$/.exec(rest);
  if (rewrite !== null) {
    const [, source = '', targetBucket = '', target = ''] = rewrite.map(decodeURIComponent);
    if (targetBucket !== bucket.name) throw refusals.noBucket();
    rewriteTo(exchange, bucket, source, target);
    return;
  }
  const name = /^\/([^/]+)$/.exec(rest)?.[1];
  if (name === undefined) throw refusals.invalid('There is no such method.');
  answerObject(exchange, bucket, decodeURIComponent(name));
}

function answerObject(exchange: Exchange, bucket: BucketState, name: string): void {
  const query = onlyParameters(exchange, 'generation', 'alt');
  const [generation, alt] = [query.get('generation'), query.get('alt')];
  const object = findObject(bucket, name, generation);
  if (exchange.method === 'GET') {
    if (alt === 'media') exchange.response.writeHead(200).end(object.bytes);
    else sendJson(exchange.response, object.resource);
    return;
  }
  if (exchange.method === 'DELETE') {
    if (generation === null) archiveObject(bucket, name);
    if (generation === null || object === bucket.objects.get(name)) bucket.objects.delete(name);
    bucket.archive = bucket.archive.filter((each) => generation === null || each !== object);
    exchange.response.writeHead(204).end();
    return;
  }
  if (exchange.method !== 'PATCH') throw refusals.notAllowed();
  const { metadata, ...changes } = readDescription(exchange.body.toString());
  const resource = {
    ...object.resource,
    ...changes,
    metadata: { ...object.resource.metadata, ...metadata },
    metageneration: String(Number(object.resource.metageneration) + 1),
    updated: new Date(bucket.now()).toISOString(),
  };
  bucket.objects.set(name, { ...object, resource });
  sendJson(exchange.response, resource);
}

function list(exchange: Exchange, bucket: BucketState): void {
  if (exchange.method !== 'GET') throw refusals.notAllowed();
  const query = onlyParameters(exchange, 'prefix', 'maxResults', 'pageToken', 'fields', 'versions');
  const resultsMax = Math.min(Number(query.get('maxResults') ?? 1000), 1000);
  if (!Number.isInteger(resultsMax) || resultsMax < 1) throw refusals.invalid('maxResults is wrong.');
  const token = query.get('pageToken');
  const after = token === null ? null : Buffer.from(token, 'base64url');
  const names = sortedNames(bucket, query.get('prefix') ?? '').filter(
    (name) => after === null || Buffer.compare(Buffer.from(name), after) > 0,
  );
  const page = names.slice(0, resultsMax);
  const resources = page.map((name) => findObject(bucket, name).resource);
  // Old versions come on the first page, whatever their number.
  if (query.get('versions') === 'true' && token === null)
    for (const { resource } of bucket.archive)
      if (resource.name.startsWith(query.get('prefix') ?? '')) resources.push(resource);
  const last = page.at(-1);
  sendJson(
    exchange.response,
    selected(query.get('fields'), {
      kind: 'storage#objects',
      ...(resources.length > 0 ? { items: resources } : {}),
      ...(names.length > page.length && last !== undefined
        ? { nextPageToken: Buffer.from(last).toString('base64url') }
        : {}),
    }),
  );
}

interface Listing {
  readonly kind: string;
  readonly items?: readonly Readonly<Record<string, unknown>>[];
  readonly nextPageToken?: string;
}

/** A partial answer, in the one shape that is known here: `items(a,b),nextPageToken`. */
function selected(fields: string | null, listing: Listing): object {
  if (fields === null) return listing;
  const wanted = /^items\(([a-zA-Z0-9,]+)\),nextPageToken$/.exec(fields)?.[1]?.split(',');
  if (wanted === undefined) throw refusals.invalid('Invalid field selection.');
  const { items, nextPageToken } = listing;
  const picked = items?.map((item) => Object.fromEntries(wanted.map((field) => [field, item[field]])));
  return { ...(picked && { items: picked }), ...(nextPageToken && { nextPageToken }) };
}

/** Objects above this size are rewritten in two calls, so that the way on is tried. */
const REWRITE_STEP_BYTES = 2 * 1024 * 1024;

function rewriteTo(exchange: Exchange, bucket: BucketState, source: string, target: string): void {
  if (exchange.method !== 'POST') throw refusals.notAllowed();
  const query = onlyParameters(exchange, 'ifGenerationMatch', 'rewriteToken');
  const { bytes, resource } = findObject(bucket, source);
  const token = Buffer.from(`${resource.generation}/${target}`).toString('base64url');
  const given = query.get('rewriteToken');
  if (given !== null && given !== token) throw refusals.invalid('Invalid rewrite token.');
  const text = exchange.body.toString();
  const description = text === '' ? resource : readDescription(text);
  const objectSize = resource.size;
  if (bytes.byteLength > REWRITE_STEP_BYTES && given === null) {
    const totalBytesRewritten = String(REWRITE_STEP_BYTES);
    sendJson(exchange.response, { done: false, objectSize, totalBytesRewritten, rewriteToken: token });
    return;
  }
  const made = storeObject(bucket, target, bytes, {
    description: { ...description, ...(resource.md5Hash === undefined ? {} : { md5Hash: resource.md5Hash }) },
    absent: mustBeAbsent(query),
    isJoined: resource.md5Hash === undefined,
  });
  sendJson(exchange.response, {
    done: true,
    objectSize,
    totalBytesRewritten: objectSize,
    resource: made.resource,
  });
}
