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

/** Answers a GET or HEAD with an asset's content, a part of it, or the news that the client has it already. */
export async function deliver(
  deps: Deps,
  request: FastifyRequest,
  reply: FastifyReply,
  asset: Asset,
  delivery: Delivery,
): Promise<FastifyReply> {
  const plan = planFor(request, reply, asset, delivery);
  if (plan.range === null) {
    if (request.method !== 'HEAD') await delivery.beforeRead();
    // Past Fastify, which would say that a HEAD without a body has the length 0.
    const head = { ...plainHeaders(reply.getHeaders()), ...plan.headers };
    reply.hijack();
    reply.raw.writeHead(plan.status, head).end();
    return reply;
  }
  const signal = clientGoneSignal(reply);
  const { range } = plan;
  const body = await openWhile(asset, delivery.beforeRead(), (at) => openAsset(deps, at, range, signal));
  const contentBytes = plan.range.last - plan.range.first + 1;
  const headers: HeaderFields = { ...plainHeaders(reply.getHeaders()), ...plan.headers };
  reply.hijack();
  deps.metrics.countBytes('out', contentBytes);
  try {
    await sendBody(reply.raw, { status: plan.status, headers, contentBytes }, body);
  } catch (error) {
    // The head is out: all that can be done is to cut the connection, which is done, and to say so here.
    if (!signal.aborted) deps.log.error({ request_id: request.id, err: error }, 'A delivery broke off.');
  }
  return reply;
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

function planFor(
  request: FastifyRequest,
  reply: FastifyReply,
  asset: Asset,
  delivery: Delivery,
): DeliveryPlan {
  const { range, 'if-range': ifRange, 'if-none-match': ifNoneMatch } = request.headers;
  try {
    return planDelivery(
      { method: request.method, range, ifRange: ifRange?.toString(), ifNoneMatch },
      {
        mediaType: asset.mediaType,
        etag: entityTag(asset.contentHash),
        sizeBytes: asset.sizeBytes,
        ...delivery,
      },
    );
  } catch (error) {
    if (isStowageError(error, 'range_not_satisfiable')) {
      reply.header('content-range', unsatisfiedRange(asset.sizeBytes));
    }
    throw error;
  }
}
