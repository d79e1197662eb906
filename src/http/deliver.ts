import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Asset } from '../catalog/catalog.ts';
import { isStowageError } from '../core/errors.ts';
import { entityTag } from '../delivery/conditional.ts';
import type { HeaderFields } from '../delivery/headers.ts';
import { type DeliveryPlan, planDelivery, unsatisfiedRange } from '../delivery/plan.ts';
import { type OpenedBody, openBody, sendBody } from '../delivery/send.ts';
import { bodyInMemory } from '../delivery/small-bodies.ts';
import { openStored } from '../delivery/stored-object.ts';
import type { ByteRange } from '../storage/backend.ts';
import type { Deps } from './deps.ts';
import { plainHeaders } from './errors.ts';
import { clientGoneSignal } from './request-context.ts';

/** How an asset is delivered. */
export interface Delivery {
  readonly disposition: string;
  readonly cacheControl: string;
  /** Whether pages of other origins may embed it. */
  readonly embeddable: boolean;
  /**
   * Called when bytes, or a 304 in their place, are about to be sent; not for HEAD. Answers the asset as it is then: it may
   * have moved. Its failure is the answer.
   */
  readonly beforeRead: () => Promise<Asset>;
}

/** A request and its answer, as far as a delivery has to do with them. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string;
  /** Headers that were set before: they go out with the file's own. */
  readonly headersSet: () => Readonly<Record<string, string>>;
  /** Sets a header of the answer to a failure. */
  readonly setHeader: (name: string, value: string) => void;
  /** Called before the first byte is written: from then on nobody else may write. */
  readonly takeOver: () => void;
}

/** Answers a GET or HEAD with an asset's content, a part of it, or the news that the client has it already. */
export async function deliver(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  asset: Asset,
  delivery: Delivery,
): Promise<FastifyReply> {
  await deliverTo(deps, exchangeOf(request, reply), asset, delivery);
  return reply;
}

function exchangeOf(request: FastifyRequest, reply: FastifyReply): Exchange {
  return {
    request: request.raw,
    response: reply.raw,
    requestId: request.id,
    headersSet: () => plainHeaders(reply.getHeaders()),
    setHeader: (name, value) => reply.header(name, value),
    takeOver: () => reply.hijack(),
  };
}

/**
 * The same on any exchange.
 *
 * @throws StowageError what the plan, `beforeRead` and the store throw; nothing is written then.
 */
export async function deliverTo(
  deps: Deps,
  exchange: Exchange,
  asset: Asset,
  delivery: Delivery,
): Promise<void> {
  const { request, response } = exchange;
  const plan = planFor(exchange, asset, delivery);
  const head = (): HeaderFields => ({ ...exchange.headersSet(), ...plan.headers });
  if (plan.range === null) {
    if (request.method !== 'HEAD') await delivery.beforeRead();
    // Past the framework, which would say that a HEAD without a body has the length 0.
    const headers = head();
    exchange.takeOver();
    response.writeHead(plan.status, headers).end();
    return;
  }
  const signal = clientGoneSignal({ raw: response });
  const { range } = plan;
  const body = await openWhile(asset, delivery.beforeRead(), (at) =>
    openAsset(deps, at, range, signal),
  ).catch((error: unknown) => {
    if (isStowageError(error, 'object_not_found')) logMissing(deps, exchange, asset);
    throw error;
  });
  const contentBytes = range.last - range.first + 1;
  const headers = head();
  exchange.takeOver();
  deps.metrics.countBytes('out', contentBytes);
  try {
    await sendBody(response, { status: plan.status, headers, contentBytes }, body);
  } catch (error) {
    // The head is out: all that can be done is to cut the connection, which is done, and to say so here.
    if (!signal.aborted)
      deps.log.error(
        { request_id: exchange.requestId, asset_id: asset.assetId, err: error },
        'A delivery broke off.',
      );
  }
}

/** A record without its bytes is a loss that somebody should know of, although its reader is told no more than usual. */
function logMissing({ log }: Deps, { requestId }: Exchange, { assetId }: Asset): void {
  log.error({ request_id: requestId, asset_id: assetId }, 'The stored bytes of an asset are missing.');
}

async function openAsset(
  deps: Deps,
  asset: Asset,
  range: ByteRange,
  signal: AbortSignal,
): Promise<OpenedBody> {
  const { bodies } = deps;
  if (bodies.takes(asset.sizeBytes)) {
    const known = bodies.get(asset.key);
    if (known !== undefined) return bodyInMemory(known, range);
    const { body } = await openStored(deps, asset, { signal });
    return bodyInMemory(await bodies.fill(asset, body), range);
  }
  const isWhole = range.first === 0 && range.last === asset.sizeBytes - 1;
  const object = await openStored(deps, asset, isWhole ? { signal } : { range, signal });
  return await openBody(object.body);
}

/** The store opens while the catalog writes; what was opened for nothing is released. */
async function openWhile(
  asset: Asset,
  recording: Promise<Asset>,
  open: (asset: Asset) => Promise<OpenedBody>,
): Promise<OpenedBody> {
  const [recorded, opened] = await Promise.allSettled([recording, open(asset)]);
  if (recorded.status === 'rejected') {
    if (opened.status === 'fulfilled') await opened.value.rest.return?.();
    throw recorded.reason;
  }
  if (opened.status === 'fulfilled') return opened.value;
  // What was remembered was an old place of it.
  if (recorded.value.backend !== asset.backend) return await open(recorded.value);
  throw opened.reason;
}

function planFor({ request, setHeader }: Exchange, asset: Asset, delivery: Delivery): DeliveryPlan {
  const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers;
  try {
    return planDelivery(
      { method: request.method ?? 'GET', range, ifRange: ifRange?.toString(), ifNoneMatch },
      {
        mediaType: asset.mediaType,
        etag: entityTag(asset.contentHash),
        sizeBytes: asset.sizeBytes,
        ...delivery,
      },
    );
  } catch (error) {
    if (isStowageError(error, 'range_not_satisfiable')) {
      setHeader('content-range', unsatisfiedRange(asset.sizeBytes));
    }
    throw error;
  }
}
