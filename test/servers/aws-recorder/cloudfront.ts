import { type Exchange, header, Refusal, sendEmpty, sendXml } from './answers.ts';
import { type CloudFrontKind, KINDS } from './cloudfront-shapes.ts';
import { type Element, element, find, group, misfit, parseXml, textAt, writeXml } from './xml.ts';

/** One thing of CloudFront. */
export interface RecordedThing {
  readonly id: string;
  config: Element;
  version: number;
  /** Answers until a change has reached every place. */
  answersToWait: number;
}

/** Things by `kind/id`. */
export type CloudFrontState = Map<string, RecordedThing>;

const NAMESPACE = ' xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"';
/** How often a changed distribution says that it is still on its way. */
const ANSWERS_TO_WAIT = 1;

/** Answers one request of CloudFront's REST API. */
export function answerCloudFront(exchange: Exchange, state: CloudFrontState, accountId: string): void {
  const [, version, place = '', id, rest] = exchange.path.split('/');
  const kind = KINDS[place];
  if (version !== '2020-05-31' || kind === undefined || (rest !== undefined && rest !== 'config'))
    throw new Refusal(404, 'NoSuchResource', `${exchange.path} is not known here.`);
  const { method } = exchange;
  if (id === undefined) {
    if (method === 'GET') list(exchange, place, kind, state, accountId);
    else if (method === 'POST') create(exchange, place, kind, state, accountId);
    else throw new Refusal(405, 'MethodNotAllowed', 'Not here.');
    return;
  }
  const thing = state.get(`${place}/${id}`);
  if (thing === undefined) throw new Refusal(404, kind.missingCode, `${id} does not exist.`);
  if (method === 'GET') {
    sendXml(exchange, describe(kind, thing, accountId, NAMESPACE), 200, { etag: etagOf(thing) });
    if (thing.answersToWait > 0) thing.answersToWait -= 1;
    return;
  }
  if (header(exchange, 'if-match') !== etagOf(thing))
    throw new Refusal(412, 'PreconditionFailed', 'The If-Match version is not the one there is.');
  if (method === 'DELETE') remove(exchange, place, kind, thing, state);
  else if (method === 'PUT' && kind.hasConfigPath === (rest === 'config')) {
    const config = read(exchange.body.toString(), kind);
    requireReferences(config, state);
    Object.assign(thing, { config, version: thing.version + 1, answersToWait: ANSWERS_TO_WAIT });
    sendXml(exchange, describe(kind, thing, accountId, NAMESPACE), 200, { etag: etagOf(thing) });
  } else throw new Refusal(405, 'MethodNotAllowed', 'Not here.');
}

function create(
  exchange: Exchange,
  place: string,
  kind: CloudFrontKind,
  state: CloudFrontState,
  accountId: string,
): void {
  const config = read(exchange.body.toString(), kind, exchange.query.has('WithTags'));
  requireReferences(config, state);
  const unique = place === 'distribution' ? 'CallerReference' : 'Name';
  const own = [...state].filter(([key]) => key.startsWith(`${place}/`)).map(([, thing]) => thing);
  if (own.some((thing) => directText(thing.config, unique) === directText(config, unique)))
    throw new Refusal(409, `${kind.name}AlreadyExists`, 'There is one of that name.');
  const id = `${kind.prefix}RECORDED${state.size + 1}`;
  const thing = { id, config, version: 1, answersToWait: ANSWERS_TO_WAIT };
  state.set(`${place}/${id}`, thing);
  sendXml(exchange, describe(kind, thing, accountId, NAMESPACE), 201, {
    etag: etagOf(thing),
    location: `https://cloudfront.amazonaws.com${exchange.path}/${id}`,
  });
}

function remove(
  exchange: Exchange,
  place: string,
  kind: CloudFrontKind,
  thing: RecordedThing,
  state: CloudFrontState,
): void {
  if (place === 'distribution') {
    if (directText(thing.config, 'Enabled') === 'true')
      throw new Refusal(409, 'DistributionNotDisabled', 'Disable it first.');
    if (thing.answersToWait > 0) throw new Refusal(409, 'DistributionNotDisabled', 'It is on its way.');
  }
  const isUsed = [...state.values()].some(
    (other) => other !== thing && JSON.stringify(other.config).includes(`"${thing.id}"`),
  );
  if (isUsed) throw new Refusal(409, `${kind.name}InUse`, 'Something refers to it.');
  state.delete(`${place}/${thing.id}`);
  sendEmpty(exchange, 204);
}

function list(
  exchange: Exchange,
  place: string,
  kind: CloudFrontKind,
  state: CloudFrontState,
  accountId: string,
): void {
  const things = [...state].filter(([key]) => key.startsWith(`${place}/`)).map(([, thing]) => thing);
  const isNested = ['key-group', 'cache-policy', 'response-headers-policy'].includes(place);
  const rows = things.map((thing) => {
    if (isNested) return `<${kind.name}Summary>${describe(kind, thing, accountId)}</${kind.name}Summary>`;
    const inside = thing.config.children.map((child) => writeXml(child)).join('');
    return `<${kind.name}Summary><Id>${thing.id}</Id>${inside}</${kind.name}Summary>`;
  });
  sendXml(
    exchange,
    `<${kind.name}List${NAMESPACE}><MaxItems>100</MaxItems><Quantity>${rows.length}</Quantity><Items>${rows.join('')}</Items></${kind.name}List>`,
  );
}

function describe(kind: CloudFrontKind, thing: RecordedThing, accountId: string, attributes = ''): string {
  const facts =
    kind.name === 'Distribution'
      ? [
          element('ARN', `arn:aws:cloudfront::${accountId}:distribution/${thing.id}`),
          element('Status', thing.answersToWait > 0 ? 'InProgress' : 'Deployed'),
          element('DomainName', `${thing.id.toLowerCase()}.cloudfront.net`),
        ]
      : [];
  return writeXml(group(kind.name, element('Id', thing.id), ...facts, thing.config), attributes);
}

function etagOf({ id, version }: RecordedThing): string {
  return `${id}V${version}`;
}

function directText(config: Element, name: string): string | undefined {
  return config.children.find((child) => child.name === name)?.text;
}

function read(text: string, kind: CloudFrontKind, hasTags = false): Element {
  let root: Element;
  try {
    root = parseXml(text);
  } catch (error) {
    throw new Refusal(400, 'MalformedXML', String(error));
  }
  const config = hasTags ? find(root, kind.config) : root;
  const wrong =
    config?.name === kind.config
      ? (misfit(config, kind.shape) ?? miscount(config))
      : `${root.name} is not ${kind.config}`;
  if (wrong !== null || config === undefined) throw new Refusal(400, 'MalformedXML', wrong ?? 'nothing');
  return config;
}

/** Lists say how long they are, and must be right. */
function miscount(root: Element): string | null {
  const quantity = root.children.find(({ name }) => name === 'Quantity')?.text;
  const items = root.children.find(({ name }) => name === 'Items')?.children.length ?? 0;
  if (quantity !== undefined && Number(quantity) !== items)
    return `${root.name} has ${items} items, not ${quantity}`;
  for (const child of root.children) {
    const inside = miscount(child);
    if (inside !== null) return inside;
  }
  return null;
}

const REFERENCES: Readonly<Record<string, string>> = {
  OriginAccessControlId: 'origin-access-control',
  CachePolicyId: 'cache-policy',
  ResponseHeadersPolicyId: 'response-headers-policy',
  KeyGroup: 'key-group',
  PublicKey: 'public-key',
};

function requireReferences(config: Element, state: CloudFrontState): void {
  const kind = REFERENCES[config.name];
  if (kind !== undefined && config.text !== '' && !state.has(`${kind}/${config.text}`))
    throw new Refusal(400, 'InvalidArgument', `${config.name} ${config.text} does not exist.`);
  if (config.name === 'ViewerCertificate') {
    const arn = textAt(config, 'ACMCertificateArn');
    if (arn !== undefined && !arn.startsWith('arn:aws:acm:us-east-1:'))
      throw new Refusal(400, 'InvalidViewerCertificate', 'The certificate must be in us-east-1.');
  }
  for (const child of config.children) requireReferences(child, state);
}
