import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';

/** Temporary keys as AWS's services give them out. */
export interface GivenKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** The services of AWS that give keys to a machine, on loopback: container, instance metadata (version 2) and STS. */
export interface CredentialServices extends AsyncDisposable {
  readonly origin: string;
  /** Requests so far, as `METHOD /path`. */
  readonly requests: string[];
  /** Asked for each gift of keys; a status refuses. */
  give: () => GivenKeys | number | Promise<GivenKeys | number>;
}

const IMDS_TOKEN = 'session-of-the-metadata-service';
const ROLE = 'stowage-role';
/** What a container presents to get its keys. */
export const CONTAINER_TOKEN = 'Bearer of-the-container';

/** Starts the services. They are as strict as the real ones where a client could be sloppy: a token first, the right role. */
export async function startCredentialServices(): Promise<CredentialServices> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    void (async () => {
      const body = await textOf(request);
      const { status, text } = await answerTo(request, body, () => services.give());
      response.writeHead(status, { 'content-type': text.startsWith('<') ? 'text/xml' : 'application/json' });
      response.end(text);
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  const services: CredentialServices = {
    origin: `http://127.0.0.1:${address.port}`,
    requests,
    give: () => 500,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
  return services;
}

interface Told {
  readonly status: number;
  readonly text: string;
}

async function answerTo(
  request: IncomingMessage,
  body: string,
  give: CredentialServices['give'],
): Promise<Told> {
  const { headers } = request;
  switch (`${request.method} ${request.url}`) {
    case 'GET /container':
      return headers.authorization === CONTAINER_TOKEN ? asJson(await give()) : { status: 401, text: '{}' };
    case 'PUT /latest/api/token':
      return headers['x-aws-ec2-metadata-token-ttl-seconds'] === undefined
        ? { status: 400, text: '' }
        : { status: 200, text: IMDS_TOKEN };
    case 'GET /latest/meta-data/iam/security-credentials/':
      return headers['x-aws-ec2-metadata-token'] === IMDS_TOKEN
        ? { status: 200, text: ROLE }
        : { status: 401, text: '' };
    case `GET /latest/meta-data/iam/security-credentials/${ROLE}`:
      return headers['x-aws-ec2-metadata-token'] === IMDS_TOKEN
        ? asJson(await give())
        : { status: 401, text: '' };
    case 'POST /':
      return assumeRole(new URLSearchParams(body), await give());
    default:
      return { status: 404, text: '' };
  }
}

function asJson(given: GivenKeys | number): Told {
  if (typeof given === 'number') return { status: given, text: '{}' };
  const text = JSON.stringify({
    ...{ Code: 'Success', Type: 'AWS-HMAC', LastUpdated: '2026-01-01T00:00:00Z' },
    ...{ AccessKeyId: given.accessKeyId, SecretAccessKey: given.secretAccessKey, Token: given.sessionToken },
    Expiration: given.expiration.toISOString(),
  });
  return { status: 200, text };
}

function assumeRole(form: URLSearchParams, given: GivenKeys | number): Told {
  const refusal = (status: number, code: string): Told => ({
    status,
    text: `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>No.</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  });
  if (typeof given === 'number') return refusal(given, given >= 500 ? 'InternalFailure' : 'AccessDenied');
  if (form.get('Action') !== 'AssumeRoleWithWebIdentity') return refusal(400, 'InvalidAction');
  if (form.get('WebIdentityToken') !== 'token-of-the-cluster') return refusal(400, 'InvalidIdentityToken');
  return {
    status: 200,
    text: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><AssumedRoleUser><Arn>arn:aws:sts::000000000000:assumed-role/stowage/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser><Credentials><AccessKeyId>${given.accessKeyId}</AccessKeyId><SecretAccessKey>${given.secretAccessKey}</SecretAccessKey><SessionToken>${given.sessionToken}</SessionToken><Expiration>${given.expiration.toISOString()}</Expiration></Credentials></AssumeRoleWithWebIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>`,
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}
