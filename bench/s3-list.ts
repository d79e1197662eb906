// Question: what does a page of 100 assets with their URLs cost on S3, against the same with Amazon's presigner?
// Method: the page as `GET /api/assets?limit=100` makes it: read from a real catalog, a URL for each asset, JSON; the only
// difference between the two is who signs. One page after the other; the URLs count as issued before, so nothing is logged.
import { GetObjectCommand, S3Client as OfficialClient } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { Client } from 'pg';
import type { Catalog } from '../src/catalog/catalog.ts';
import { openCatalog } from '../src/catalog/open-catalog.ts';
import { systemClock } from '../src/core/clock.ts';
import { silentLog } from '../src/core/log.ts';
import { createAssetUrls } from '../src/delivery/asset-urls.ts';
import { renderAsset } from '../src/http/render.ts';
import type { StorageBackend } from '../src/storage/backend.ts';
import { openS3Backend } from '../src/storage/s3/backend.ts';
import { type Answer, inTurn, ratios, scratch } from './harness.ts';
import { s3OptionsFor } from './s3.ts';

const PAGE = 100;
const READER = { userId: 'user-1', tenantId: 'default', role: 'user' } as const;

export async function s3List(rounds: number): Promise<Answer> {
  const directory = scratch();
  const opened = await openCatalog({
    url: null,
    dataDir: `${directory}/stowage`,
    log: silentLog,
    clock: systemClock,
  });
  const own = openS3Backend({ ...s3OptionsFor('https://s3.us-east-1.amazonaws.com', 'bench') });
  try {
    await load(opened.ownerConnection);
    const figures = await inTurn(rounds, {
      stowage: () => pagesPerSecond(200, opened.catalog, own),
      'official presigner': () => pagesPerSecond(10, opened.catalog, officially(own)),
    });
    const values = ratios(figures, 'stowage', 'official presigner');
    return {
      question: `A page of ${PAGE} assets with their URLs, on S3`,
      unit: 'pages/s',
      figures,
      targets: [{ title: 'page, stowage / official presigner', values, atLeast: 10 }],
    };
  } finally {
    await own.close();
    await opened.close();
  }
}

async function load(connection: ConstructorParameters<typeof Client>[0]): Promise<void> {
  const owner = new Client(connection);
  await owner.connect();
  await owner.query(
    `insert into assets (id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type, content_hash,
                         backend, created_at, updated_at)
     select gen_random_uuid(), 'default', 'user-1', 'images/' || n || '/' || md5(n::text), 'photo ' || n || '.jpg', n,
            'image/jpeg', 'image', repeat(md5(n::text), 2), 's3',
            timestamptz '2026-01-01' + make_interval(secs => n), now()
     from generate_series(1, $1::integer) as n`,
    [PAGE],
  );
  await owner.end();
}

/** The same store, its URLs signed by Amazon's presigner. */
function officially(own: StorageBackend): StorageBackend {
  const credentials = {
    accessKeyId: 'TESTSTOWAGEKEY',
    secretAccessKey: 'test-secret-of-stowage-on-loopback',
  };
  const client = new OfficialClient({ region: 'us-east-1', forcePathStyle: true, credentials });
  return Object.create(own, {
    name: { value: own.name },
    capabilities: { value: own.capabilities },
    storageUrlBase: { value: own.storageUrlBase },
    signRead: {
      value: async (...[key, asked]: Parameters<StorageBackend['signRead']>) => {
        const command = new GetObjectCommand({
          Bucket: 'bench',
          Key: key,
          ResponseContentDisposition: asked.contentDisposition,
          ResponseContentType: asked.contentType,
        });
        const url = await getSignedUrl(client, command, { expiresIn: asked.lifetimeSeconds });
        return { url, expiresAtMs: asked.nowMs + asked.lifetimeSeconds * 1000 };
      },
    },
  }) as StorageBackend;
}

async function pagesPerSecond(pages: number, catalog: Catalog, store: StorageBackend): Promise<number> {
  const urls = createAssetUrls({
    stores: { main: store, of: async () => store },
    assetTypes: new Map(),
    recordUrlSeconds: 3600,
    publicUrl: () => 'http://127.0.0.1',
    cdn: null,
    clock: systemClock,
  });
  const started = performance.now();
  for (let page = 0; page < pages; page += 1) {
    const { items } = await catalog.listAssets({
      tenantId: READER.tenantId,
      userId: READER.userId,
      assetType: null,
      limit: PAGE,
      cursor: null,
    });
    const assets = await Promise.all(
      items.map(async (asset) => renderAsset(asset, await urls.forRecord(asset, READER))),
    );
    if (assets.length !== PAGE || JSON.stringify({ assets }).length < 10_000)
      throw new Error('The page is not whole.');
  }
  return (pages * 1000) / (performance.now() - started);
}
