import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { answerAcm, type RecordedCertificate } from './acm.ts';
import { type Exchange, header, Refusal, sendXml } from './answers.ts';
import { answerCloudFront, type CloudFrontState } from './cloudfront.ts';
import { answerIam, type RecordedIdentity } from './iam.ts';
import { answerS3, type RecordedBucket } from './s3.ts';
import { type AwsUser, checkSignature } from './sigv4.ts';
import { escapeXml } from './xml.ts';

/** One request that was answered. */
export interface Recorded {
  readonly service: string;
  readonly method: string;
  /** Path and query as they were sent. */
  readonly target: string;
  /** Action of IAM and ACM; empty elsewhere. */
  readonly action: string;
  readonly user: string | null;
  readonly status: number;
}

/** AWS on two ports of this machine. */
export interface AwsRecorder extends AsyncDisposable {
  /** Plays TLS: policies take requests to it for secure ones. */
  readonly origin: string;
  /** The same without. */
  readonly plainOrigin: string;
  readonly buckets: Map<string, RecordedBucket>;
  readonly identities: Map<string, RecordedIdentity>;
  readonly cloudFront: CloudFrontState;
  readonly certificates: RecordedCertificate[];
  readonly requests: Recorded[];
}

export interface AwsRecorderOptions {
  /** May do everything. */
  readonly operator: AwsUser;
  /** May do what the policies of an identity allow. */
  readonly backend: AwsUser & { readonly identity: string };
  readonly now?: () => number;
}

export const ACCOUNT_ID = '111122223333';
/** Largest body that is read, in bytes. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Starts the recorder; see its README for what it checks and what it does not know. */
export async function startAwsRecorder(options: AwsRecorderOptions): Promise<AwsRecorder> {
  const state: State = {
    ...options,
    now: options.now ?? Date.now,
    buckets: new Map(),
    identities: new Map(),
    cloudFront: new Map(),
    certificates: [],
    requests: [],
  };
  const [secure, plain] = [await listen(state, true), await listen(state, false)];
  return {
    origin: secure.origin,
    plainOrigin: plain.origin,
    buckets: state.buckets,
    identities: state.identities,
    cloudFront: state.cloudFront,
    certificates: state.certificates,
    requests: state.requests,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([secure.close(), plain.close()]);
    },
  };
}

interface State extends AwsRecorderOptions {
  readonly now: () => number;
  readonly buckets: Map<string, RecordedBucket>;
  readonly identities: Map<string, RecordedIdentity>;
  readonly cloudFront: CloudFrontState;
  readonly certificates: RecordedCertificate[];
  readonly requests: Recorded[];
}

async function listen(state: State, isSecure: boolean): Promise<{ origin: string; close(): Promise<void> }> {
  const server: Server = createServer((request, response) => {
    void answer(request, response, state, isSecure);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: State,
  isSecure: boolean,
): Promise<void> {
  const [path = '/', rawQuery = ''] = (request.url ?? '/').split(/\?(.*)/s);
  const query = new Map(new URLSearchParams(rawQuery));
  let service = 's3';
  let user: string | null = null;
  let action = '';
  try {
    const body = await readBody(request);
    const exchange: Exchange = {
      request,
      response,
      method: request.method ?? '',
      path,
      query,
      body,
      isSecure,
    };
    const signed = checkSignature(exchange, [state.operator, state.backend], state.now());
    service = signed?.service ?? 's3';
    user = signed?.user.name ?? null;
    if (service !== 's3' && user !== state.operator.name)
      throw new Refusal(403, 'AccessDenied', 'The backend may not do this.');
    if (service === 'iam') action = new URLSearchParams(body.toString()).get('Action') ?? '';
    if (service === 'acm') action = header(exchange, 'x-amz-target') ?? '';
    dispatch(exchange, service, signed, state);
  } catch (error) {
    const refusal = error instanceof Refusal ? error : new Refusal(500, 'InternalError', String(error));
    refuse(request, response, service, refusal);
  } finally {
    state.requests.push({
      ...{ service, method: request.method ?? '', target: request.url ?? '', action, user },
      status: response.statusCode,
    });
  }
}

function dispatch(
  exchange: Exchange,
  service: string,
  signed: ReturnType<typeof checkSignature>,
  state: State,
): void {
  if (service === 's3')
    answerS3(exchange, signed, {
      buckets: state.buckets,
      accountId: ACCOUNT_ID,
      arnOf: (name) =>
        name === state.backend.name
          ? `arn:aws:iam::${ACCOUNT_ID}:${state.backend.identity}`
          : `arn:aws:iam::${ACCOUNT_ID}:user/${name}`,
      identityPolicy: (name) =>
        name === state.operator.name
          ? null
          : ([...(state.identities.get(state.backend.identity)?.policies.values() ?? [])][0] ??
            '{"Version":"2012-10-17","Statement":[]}'),
    });
  else if (service === 'iam') answerIam(exchange, state.identities, ACCOUNT_ID);
  else if (service === 'cloudfront') answerCloudFront(exchange, state.cloudFront, ACCOUNT_ID);
  else if (service === 'acm') answerAcm(exchange, state.certificates, ACCOUNT_ID);
  else throw new Refusal(501, 'NotImplemented', `${service} is not known here.`);
}

function refuse(request: IncomingMessage, response: ServerResponse, service: string, refusal: Refusal): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, code, message, headers } = refusal;
  const inside = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>`;
  if (request.method === 'HEAD') response.writeHead(status, headers).end();
  else if (service === 'acm')
    response
      .writeHead(status, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify({ __type: code, message }));
  else {
    const exchange = { response } as Exchange;
    const xml =
      service === 's3'
        ? `<Error>${inside}<RequestId>recorded</RequestId></Error>`
        : `<ErrorResponse><Error><Type>Sender</Type>${inside}</Error><RequestId>recorded</RequestId></ErrorResponse>`;
    sendXml(exchange, xml, status, headers);
  }
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let seenBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    seenBytes += chunk.byteLength;
    if (seenBytes > BODY_BYTES_MAX) throw new Refusal(400, 'EntityTooLarge', 'Too large.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
