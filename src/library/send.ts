import type { Asset } from '../catalog/catalog.ts';
import { contentDisposition } from '../delivery/disposition.ts';
import { DOWNLOAD_CACHE_CONTROL } from '../delivery/headers.ts';
import { deliverTo, type Exchange } from '../http/deliver.ts';
import type { Deps } from '../http/deps.ts';
import type { Reach } from './assets.ts';
import type { Caller } from './callers.ts';
import { type HostRequest, type HostResponse, hostOrigin, rawRequest, takeOver } from './host-request.ts';

/** How an asset is sent. */
export interface SendOptions {
  readonly assetId: string;
  /** Who reads. Default: who the request says it is, see `authenticate`. */
  readonly user?: Caller;
  /** `inline` is granted to images, video, audio and PDF; the rest stays an attachment. Default: `attachment`. */
  readonly disposition?: 'attachment' | 'inline';
}

/** Answers a GET or HEAD of the application's own route with an asset; see `Stowage.send`. */
export type Send = (request: HostRequest, response: HostResponse, options: SendOptions) => Promise<void>;

export function createSend(
  deps: Deps,
  reach: Reach,
  authenticate: (request: HostRequest) => Promise<Caller>,
): Send {
  return async (request, response, { assetId, user, disposition = 'attachment' }) => {
    const raw = rawRequest(request);
    const origin = hostOrigin(raw, deps.isTrustedProxy);
    const reader: Caller = { origin, ...(user ?? (await authenticate(request))) };
    const asset = await reach.asset(assetId, reader, 'download');
    await deliverTo(deps, exchangeOf(request, response, origin.requestId), asset, {
      disposition: contentDisposition(asset.filename, asset.mediaType, disposition),
      cacheControl: DOWNLOAD_CACHE_CONTROL,
      embeddable: false,
      beforeRead: (): Promise<Asset> => reach.record('download', asset, reader),
    });
  };
}

function exchangeOf(request: HostRequest, response: HostResponse, requestId: string): Exchange {
  const answer = 'raw' in response ? response.raw : response;
  return {
    request: rawRequest(request),
    response: answer,
    requestId,
    // What the application has set on the response goes out with it.
    headersSet: () => ({ 'x-request-id': requestId }),
    setHeader: (name, value) => answer.setHeader(name, value),
    takeOver: () => takeOver(response),
  };
}
