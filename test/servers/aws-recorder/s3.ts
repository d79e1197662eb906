import { createHash, randomUUID } from 'node:crypto';
import { type Exchange, header, Refusal, sendEmpty, sendXml } from './answers.ts';
import { type Ask, fits, isPublic, policyMisfit } from './policies.ts';
import { SUBRESOURCES } from './s3-shapes.ts';
import type { Signed } from './sigv4.ts';
import { type Element, element, escapeXml, group, misfit, parseXml, textAt, writeXml } from './xml.ts';

interface Version {
  readonly id: string;
  readonly bytes: Buffer;
  readonly isMarker: boolean;
}

/** One bucket in memory. */
export interface RecordedBucket {
  readonly name: string;
  region: string;
  /** Configurations by the name of their subresource, as they were put. */
  readonly settings: Map<string, Element>;
  policy: string | null;
  /** Canned ACL of the bucket: public ones open it where nothing blocks them. */
  acl: 'private' | 'public-read';
  /** Versions of each key, oldest first. */
  readonly objects: Map<string, Version[]>;
}

/** What S3 is asked within. */
export interface S3Realm {
  readonly buckets: Map<string, RecordedBucket>;
  readonly accountId: string;
  /** Policies that allow a user what it does, by the user's name; null: everything, as the account's owner may. */
  readonly identityPolicy: (userName: string) => string | null;
  readonly arnOf: (userName: string) => string;
}

const NAMESPACE = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** A new bucket as AWS makes them since 2023: closed, owned, encrypted. */
export function newBucket(name: string, region: string): RecordedBucket {
  const settings = new Map<string, Element>();
  const flags = ['BlockPublicAcls', 'IgnorePublicAcls', 'BlockPublicPolicy', 'RestrictPublicBuckets'];
  settings.set(
    'publicAccessBlock',
    group('PublicAccessBlockConfiguration', ...flags.map((flag) => element(flag, 'true'))),
  );
  settings.set(
    'ownershipControls',
    group('OwnershipControls', group('Rule', element('ObjectOwnership', 'BucketOwnerEnforced'))),
  );
  settings.set(
    'encryption',
    group(
      'ServerSideEncryptionConfiguration',
      group('Rule', group('ApplyServerSideEncryptionByDefault', element('SSEAlgorithm', 'AES256'))),
    ),
  );
  return { name, region, settings, policy: null, acl: 'private', objects: new Map() };
}

/** Answers one request to S3, path style. */
export function answerS3(exchange: Exchange, signed: Signed | null, realm: S3Realm): void {
  const [, name = '', rawKey = ''] = /^\/([^/]*)\/?(.*)$/s.exec(exchange.path) ?? [];
  const key = decodeURIComponent(rawKey);
  const bucket = realm.buckets.get(name);
  if (exchange.method === 'OPTIONS') {
    answerPreflight(exchange, bucket);
    return;
  }
  const subresource = [
    ...Object.keys(SUBRESOURCES),
    'policy',
    'policyStatus',
    'location',
    'versions',
    'uploads',
    'delete',
  ].find((each) => exchange.query.has(each));
  authorise(exchange, signed, realm, { bucket, name, key, subresource });
  if (bucket === undefined) {
    if (exchange.method !== 'PUT' || key !== '' || subresource !== undefined)
      throw new Refusal(404, exchange.method === 'HEAD' ? 'NotFound' : 'NoSuchBucket', 'No such bucket.');
    createBucket(exchange, signed, realm, name);
    return;
  }
  if (signed !== null && signed.region !== bucket.region)
    throw new Refusal(301, 'PermanentRedirect', 'The bucket must be addressed using its own endpoint.', {
      'x-amz-bucket-region': bucket.region,
    });
  if (key !== '') answerObject(exchange, bucket, key);
  else answerBucket(exchange, bucket, realm, subresource);
}

interface Target {
  readonly bucket: RecordedBucket | undefined;
  readonly name: string;
  readonly key: string;
  readonly subresource: string | undefined;
}

function authorise(exchange: Exchange, signed: Signed | null, realm: S3Realm, target: Target): void {
  const { bucket, name, key } = target;
  const ask = {
    action: actionOf(exchange, target),
    resource: `arn:aws:s3:::${name}${key === '' ? '' : `/${key}`}`,
    principalArn: signed === null ? null : realm.arnOf(signed.user.name),
    context: {
      'aws:SecureTransport': String(exchange.isSecure),
      's3:x-amz-server-side-encryption': header(exchange, 'x-amz-server-side-encryption'),
      's3:x-amz-server-side-encryption-aws-kms-key-id': header(
        exchange,
        'x-amz-server-side-encryption-aws-kms-key-id',
      ),
      'aws:PrincipalIsAWSService': 'false',
      'aws:PrincipalArn': signed === null ? undefined : realm.arnOf(signed.user.name),
    },
  };
  if (!isAllowed(ask, signed, realm, bucket)) throw new Refusal(403, 'AccessDenied', 'Access Denied');
}

function isAllowed(
  ask: Ask,
  signed: Signed | null,
  realm: S3Realm,
  bucket: RecordedBucket | undefined,
): boolean {
  if (bucket !== undefined && fits(bucket.policy, 'Deny', ask)) return false;
  const own = signed === null ? '{}' : realm.identityPolicy(signed.user.name);
  if (own === null || fits(own, 'Allow', ask)) return true;
  if (bucket === undefined) return false;
  const textOf = (name: string, inside: string): string | undefined =>
    textAt(bucket.settings.get(name) ?? element('', ''), inside);
  const isRestricted = textOf('publicAccessBlock', 'RestrictPublicBuckets') === 'true';
  if (fits(bucket.policy, 'Allow', ask) && !(isRestricted && isPublic(bucket.policy ?? '{}'))) return true;
  const aclCounts =
    textOf('publicAccessBlock', 'IgnorePublicAcls') !== 'true' &&
    textOf('ownershipControls', 'ObjectOwnership') !== 'BucketOwnerEnforced';
  return bucket.acl === 'public-read' && aclCounts && /^s3:(GetObject|ListBucket)$/.test(ask.action);
}

function actionOf({ method, query }: Exchange, { key, subresource }: Target): string {
  if (key !== '') {
    if (method === 'PUT') return 's3:PutObject';
    if (method === 'DELETE') return query.has('versionId') ? 's3:DeleteObjectVersion' : 's3:DeleteObject';
    return query.has('versionId') ? 's3:GetObjectVersion' : 's3:GetObject';
  }
  if (subresource === 'delete') return 's3:DeleteObject';
  if (subresource === 'versions') return 's3:ListBucketVersions';
  if (subresource === 'uploads') return 's3:ListBucketMultipartUploads';
  if (subresource !== undefined)
    return `s3:${method === 'GET' ? 'Get' : 'Put'}Bucket${subresource[0]?.toUpperCase()}${subresource.slice(1)}`;
  if (method === 'PUT') return 's3:CreateBucket';
  return method === 'DELETE' ? 's3:DeleteBucket' : 's3:ListBucket';
}

function createBucket(exchange: Exchange, signed: Signed | null, realm: S3Realm, name: string): void {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name))
    throw new Refusal(400, 'InvalidBucketName', 'The name is not valid.');
  const text = exchange.body.toString();
  const constraint =
    text === ''
      ? undefined
      : textAt(read(text, 'CreateBucketConfiguration', { LocationConstraint: 'text' }), 'LocationConstraint');
  if (constraint === 'us-east-1')
    throw new Refusal(400, 'InvalidLocationConstraint', 'us-east-1 is no constraint.');
  const region = constraint ?? 'us-east-1';
  if (signed !== null && signed.region !== region && signed.region !== 'us-east-1')
    throw new Refusal(400, 'IllegalLocationConstraintException', 'Another region was asked.');
  realm.buckets.set(name, newBucket(name, region));
  sendEmpty(exchange, 200, { location: `/${name}` });
}

function answerBucket(
  exchange: Exchange,
  bucket: RecordedBucket,
  realm: S3Realm,
  subresource: string | undefined,
): void {
  const { method } = exchange;
  if (subresource !== undefined && subresource in SUBRESOURCES) answerSetting(exchange, bucket, subresource);
  else if (subresource === 'policy') answerPolicy(exchange, bucket);
  else if (subresource === 'versions') listVersions(exchange, bucket);
  else if (subresource === 'uploads') sendXml(exchange, `<ListMultipartUploadsResult${NAMESPACE}/>`);
  else if (subresource === 'delete') deleteObjects(exchange, bucket);
  else if (subresource !== undefined)
    throw new Refusal(501, 'NotImplemented', `${subresource} is not known here.`);
  else if (method === 'HEAD') sendEmpty(exchange, 200, { 'x-amz-bucket-region': bucket.region });
  else if (method === 'GET') list(exchange, bucket);
  else if (method === 'DELETE') {
    if (bucket.objects.size > 0) throw new Refusal(409, 'BucketNotEmpty', 'The bucket is not empty.');
    realm.buckets.delete(bucket.name);
    sendEmpty(exchange, 204);
  } else if (method === 'PUT') throw new Refusal(409, 'BucketAlreadyOwnedByYou', 'It is yours.');
  else throw new Refusal(405, 'MethodNotAllowed', 'Not here.');
}

function answerSetting(exchange: Exchange, bucket: RecordedBucket, name: string): void {
  const known = SUBRESOURCES[name];
  if (known === undefined) throw new Refusal(501, 'NotImplemented', name);
  if (exchange.method === 'GET') {
    const value = bucket.settings.get(name);
    if (value === undefined && known.missingCode !== null)
      throw new Refusal(404, known.missingCode, 'There is none.');
    sendXml(exchange, writeXml(value ?? element(known.root, ''), NAMESPACE));
  } else if (exchange.method === 'DELETE') {
    bucket.settings.delete(name);
    sendEmpty(exchange, 204);
  } else {
    const value = read(exchange.body.toString(), known.root, known.shape);
    if (name === 'logging' && value.children.length > 0) requireLogTarget(value);
    bucket.settings.set(name, value);
    sendEmpty(exchange, 200);
  }
}

function requireLogTarget(value: Element): void {
  if ((textAt(value, 'TargetBucket') ?? '') === '')
    throw new Refusal(400, 'InvalidTargetBucketForLogging', 'The target bucket does not exist.');
}

function answerPolicy(exchange: Exchange, bucket: RecordedBucket): void {
  if (exchange.method === 'GET') {
    if (bucket.policy === null)
      throw new Refusal(404, 'NoSuchBucketPolicy', 'The bucket policy does not exist');
    exchange.response.writeHead(200, { 'content-type': 'application/json' }).end(bucket.policy);
    return;
  }
  if (exchange.method === 'DELETE') bucket.policy = null;
  else {
    const text = exchange.body.toString();
    const wrong = policyMisfit(text, 'bucket');
    if (wrong !== null) throw new Refusal(400, 'MalformedPolicy', wrong);
    const block = bucket.settings.get('publicAccessBlock');
    if (block !== undefined && textAt(block, 'BlockPublicPolicy') === 'true' && isPublic(text))
      throw new Refusal(403, 'AccessDenied', 'Public policies are blocked.');
    bucket.policy = text;
  }
  sendEmpty(exchange, 204);
}

function answerPreflight(exchange: Exchange, bucket: RecordedBucket | undefined): void {
  const origin = header(exchange, 'origin') ?? '';
  const method = header(exchange, 'access-control-request-method') ?? '';
  const rules = bucket?.settings.get('cors')?.children ?? [];
  const allows = (rule: Element, name: string, wanted: string): boolean =>
    rule.children.some((each) => each.name === name && (each.text === wanted || each.text === '*'));
  const rule = rules.find(
    (each) => allows(each, 'AllowedOrigin', origin) && allows(each, 'AllowedMethod', method),
  );
  if (rule === undefined) throw new Refusal(403, 'AccessForbidden', 'CORSResponse: not allowed.');
  const isAny = rule.children.some((each) => each.name === 'AllowedOrigin' && each.text === '*');
  sendEmpty(exchange, 200, {
    'access-control-allow-origin': isAny ? '*' : origin,
    'access-control-allow-methods': method,
  });
}

function answerObject(exchange: Exchange, bucket: RecordedBucket, key: string): void {
  const { method, query } = exchange;
  const versions = bucket.objects.get(key) ?? [];
  const isVersioned = textAt(bucket.settings.get('versioning') ?? element('', ''), 'Status') === 'Enabled';
  const keep = (version: Version): void => {
    const older = isVersioned ? versions : versions.filter(({ id }) => id !== 'null');
    bucket.objects.set(key, [...older, version]);
  };
  if (method === 'PUT') {
    const id = isVersioned ? randomUUID() : 'null';
    keep({ id, bytes: exchange.body, isMarker: false });
    const etag = `"${createHash('md5').update(exchange.body).digest('hex')}"`;
    sendEmpty(exchange, 200, { etag, ...(isVersioned && { 'x-amz-version-id': id }) });
    return;
  }
  const versionId = query.get('versionId');
  if (method === 'DELETE') {
    const rest = versions.filter(({ id }) => id !== versionId);
    if (versionId === undefined && isVersioned)
      keep({ id: randomUUID(), bytes: Buffer.of(), isMarker: true });
    else if (versionId === undefined || rest.length === 0) bucket.objects.delete(key);
    else bucket.objects.set(key, rest);
    sendEmpty(exchange, 204);
    return;
  }
  const version = versionId === undefined ? versions.at(-1) : versions.find(({ id }) => id === versionId);
  if (version === undefined || version.isMarker) throw new Refusal(404, 'NoSuchKey', 'No such key.');
  exchange.response.writeHead(200, {
    'content-length': String(version.bytes.byteLength),
    etag: `"${createHash('md5').update(version.bytes).digest('hex')}"`,
    'last-modified': new Date(0).toUTCString(),
  });
  exchange.response.end(method === 'HEAD' ? undefined : version.bytes);
}

function list(exchange: Exchange, bucket: RecordedBucket): void {
  const prefix = exchange.query.get('prefix') ?? '';
  const keys = [...bucket.objects].filter(
    ([key, all]) => key.startsWith(prefix) && all.at(-1)?.isMarker === false,
  );
  const rows = keys.map(
    ([key, all]) =>
      `<Contents><Key>${escapeXml(key)}</Key><Size>${all.at(-1)?.bytes.byteLength ?? 0}</Size></Contents>`,
  );
  sendXml(
    exchange,
    `<ListBucketResult${NAMESPACE}><IsTruncated>false</IsTruncated>${rows.join('')}</ListBucketResult>`,
  );
}

function listVersions(exchange: Exchange, bucket: RecordedBucket): void {
  const prefix = exchange.query.get('prefix') ?? '';
  const rows = [...bucket.objects]
    .filter(([key]) => key.startsWith(prefix))
    .flatMap(([key, all]) =>
      all.map(({ id, bytes, isMarker }) => {
        const name = isMarker ? 'DeleteMarker' : 'Version';
        return `<${name}><Key>${escapeXml(key)}</Key><VersionId>${id}</VersionId><Size>${bytes.byteLength}</Size></${name}>`;
      }),
    );
  sendXml(
    exchange,
    `<ListVersionsResult${NAMESPACE}><IsTruncated>false</IsTruncated>${rows.join('')}</ListVersionsResult>`,
  );
}

function deleteObjects(exchange: Exchange, bucket: RecordedBucket): void {
  const body = read(exchange.body.toString(), 'Delete', {
    Quiet: 'text',
    'Object!*': { 'Key!': 'text', VersionId: 'text' },
  });
  for (const object of body.children.filter(({ name }) => name === 'Object')) {
    const key = textAt(object, 'Key') ?? '';
    const id = textAt(object, 'VersionId');
    const rest = (bucket.objects.get(key) ?? []).filter((version) => id !== undefined && version.id !== id);
    if (rest.length === 0) bucket.objects.delete(key);
    else bucket.objects.set(key, rest);
  }
  sendXml(exchange, `<DeleteResult${NAMESPACE}/>`);
}

function read(text: string, root: string, shape: Parameters<typeof misfit>[1]): Element {
  let value: Element;
  try {
    value = parseXml(text);
  } catch (error) {
    throw new Refusal(400, 'MalformedXML', String(error));
  }
  const wrong = value.name === root ? misfit(value, shape) : `${value.name} is not ${root}`;
  if (wrong !== null) throw new Refusal(400, 'MalformedXML', wrong);
  return value;
}

/** A configuration as a test seeds it. */
export function setting(xml: string): Element {
  return parseXml(xml);
}
