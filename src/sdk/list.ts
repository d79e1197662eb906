import type { AssetJson, AssetPageJson } from '../protocol/index.ts';
import { callService } from './api.ts';
import type { Settings } from './options.ts';
import type { CallOptions } from './upload.ts';

/** Which assets are listed. */
export interface ListOptions extends CallOptions {
  /** Only assets of this type. */
  readonly assetType?: string;
  /** Most assets of one page, 1 to 200; 50. */
  readonly pageSize?: number;
  /** `next_cursor` of the page to go on after. */
  readonly cursor?: string;
}

/** The caller's assets one by one, newest first. Pages are asked for as they are needed. */
export async function* listAssets(settings: Settings, options: ListOptions): AsyncGenerator<AssetJson, void> {
  for await (const page of listPages(settings, options)) yield* page.assets;
}

/** The same page by page. */
export async function* listPages(
  settings: Settings,
  { assetType, pageSize, cursor, signal = new AbortController().signal }: ListOptions,
): AsyncGenerator<AssetPageJson, void> {
  let next: string | null = cursor ?? '';
  while (next !== null) {
    const query = new URLSearchParams();
    if (assetType !== undefined) query.set('asset_type', assetType);
    if (pageSize !== undefined) query.set('limit', String(pageSize));
    if (next !== '') query.set('cursor', next);
    const path = query.size === 0 ? '/api/assets' : `/api/assets?${query}`;
    const page: AssetPageJson = await callService<AssetPageJson>(settings, { method: 'GET', path, signal });
    yield page;
    next = page.next_cursor;
  }
}
