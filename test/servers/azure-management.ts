import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/** Azure's management API for one storage account, on loopback. */
export interface AzureManagement extends AsyncDisposable {
  readonly origin: string;
  /** What is at each place below the account. */
  readonly resources: Map<string, Record<string, unknown>>;
  /** Requests so far, as `METHOD place`. */
  readonly requests: string[];
}

/** What may be in the properties of each place, by the API's reference of 2023-05-01. */
const PROPERTIES: Readonly<Record<string, readonly string[]>> = {
  '': [
    ...['allowBlobPublicAccess', 'minimumTlsVersion', 'supportsHttpsTrafficOnly', 'allowSharedKeyAccess'],
    ...['allowCrossTenantReplication', 'encryption', 'networkAcls', 'publicNetworkAccess', 'accessTier'],
  ],
  '/blobServices/default': [
    ...['cors', 'defaultServiceVersion', 'deleteRetentionPolicy', 'isVersioningEnabled', 'changeFeed'],
    ...['restorePolicy', 'containerDeleteRetentionPolicy', 'lastAccessTimeTrackingPolicy'],
  ],
  '/managementPolicies/default': ['policy'],
};
const METHODS: Readonly<Record<string, readonly string[]>> = {
  '': ['GET', 'PATCH'],
  '/blobServices/default': ['GET', 'PUT'],
  '/managementPolicies/default': ['GET', 'PUT', 'DELETE'],
};

/** Starts the API. It takes one token, knows one account, and refuses what the reference does not have. */
export async function startAzureManagement(options: {
  readonly token: string;
  readonly account: string;
}): Promise<AzureManagement> {
  const resources = new Map<string, Record<string, unknown>>([
    ['', { name: options.account, properties: { minimumTlsVersion: 'TLS1_0', allowBlobPublicAccess: true } }],
    ['/blobServices/default', { properties: {} }],
  ]);
  const requests: string[] = [];
  const server = createServer((request, response) => {
    void answer(request, response, { ...options, resources, requests });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('The server has no port.');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    resources,
    requests,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

interface State {
  readonly token: string;
  readonly account: string;
  readonly resources: Map<string, Record<string, unknown>>;
  readonly requests: string[];
}

async function answer(request: IncomingMessage, response: ServerResponse, state: State): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const url = new URL(request.url ?? '/', 'http://management');
  const refuse = (status: number, code: string): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code, message: `Refused: ${code}` } }));
  };
  const path =
    /^\/subscriptions\/[0-9a-f-]{36}\/resourceGroups\/[\w.()-]+\/providers\/Microsoft\.Storage\/storageAccounts\/([a-z0-9]+)(\/.*)?$/.exec(
      url.pathname,
    );
  const [, account, place = ''] = path ?? [];
  state.requests.push(`${request.method} ${place}`);
  if (request.headers.authorization !== `Bearer ${state.token}`)
    return refuse(401, 'InvalidAuthenticationToken');
  if (url.search !== '?api-version=2023-05-01') return refuse(400, 'InvalidApiVersionParameter');
  if (account !== state.account) return refuse(404, 'ResourceNotFound');
  const known = PROPERTIES[place];
  const { method = '' } = request;
  if (known === undefined || !METHODS[place]?.includes(method)) return refuse(405, 'MethodNotAllowed');
  const current = state.resources.get(place);
  if (method === 'GET') {
    if (current === undefined) return refuse(404, 'ManagementPolicyNotFound');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(current));
    return;
  }
  if (method === 'DELETE') {
    state.resources.delete(place);
    response.writeHead(200).end();
    return;
  }
  const body = JSON.parse(Buffer.concat(chunks).toString()) as { properties?: Record<string, unknown> };
  const unknown = Object.keys(body.properties ?? {}).find((name) => !known.includes(name));
  if (unknown !== undefined || Object.keys(body).some((name) => name !== 'properties'))
    return refuse(400, 'InvalidRequestPropertyName');
  const properties =
    method === 'PATCH' ? { ...(current?.properties as object), ...body.properties } : body.properties;
  const changed = { ...current, properties };
  state.resources.set(place, changed);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(changed));
}
