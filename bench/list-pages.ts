// Question: does a page of one's assets cost more at 1,000,000 assets than at 10,000?
// Method: one embedded database, durable as in service; 100 users share 10,000 assets, then 1,000,000. Each round reads 400
// pages of 50, one after the other: first pages, pages in the middle, and both of one type. Loading is not counted. The plan
// of the deep page must be an index scan whose condition holds the cursor.
import { Client } from 'pg';
import { openCatalog } from '../src/catalog/open-catalog.ts';
import { silentLog } from '../src/core/log.ts';
import { type Answer, median, ratios, scratch } from './harness.ts';

const PAGE = 50;
const PAGES_PER_ROUND = 400;
const USERS = 100;
const SMALL = 10_000;
const LARGE = 1_000_000;

export async function listPages(rounds: number): Promise<Answer> {
  const directory = scratch();
  const dataDir = `${directory}/stowage`;
  const opened = await openCatalog({ url: null, dataDir, log: silentLog, clock: { now: () => Date.now() } });
  const owner = new Client(opened.ownerConnection);
  await owner.connect();
  try {
    const figures: Record<string, number[]> = {};
    for (const [from, to] of [
      [0, SMALL],
      [SMALL, LARGE],
    ] as const) {
      await load(owner, from, to);
      const cursors = await middleCursors(opened.catalog, to);
      const costs: number[] = [];
      figures[`page at ${to.toLocaleString('en')}`] = costs;
      for (let round = -1; round < rounds; round += 1) {
        const cost = await measure(opened.catalog, cursors);
        if (round >= 0) costs.push(cost);
      }
    }
    await assertIndexOnly(owner);
    const [small = '', large = ''] = Object.keys(figures);
    return {
      question: 'A page of 50 assets',
      unit: 'ms',
      figures,
      targets: [
        {
          title: 'cost at 1,000,000 over cost at 10,000',
          values: ratios(figures, large, small),
          atMost: 1.5,
        },
      ],
    };
  } finally {
    await owner.end();
    await opened.close();
  }
}

type Catalog = Awaited<ReturnType<typeof openCatalog>>['catalog'];
type Cursors = readonly (string | null)[];

async function load(owner: Client, from: number, to: number): Promise<void> {
  await owner.query(
    `insert into assets (id, tenant_id, user_id, s3_key, original_filename, file_size, mime_type, asset_type, content_hash,
                         backend, created_at, updated_at)
     select gen_random_uuid(), 'default', 'user-' || n % ${USERS}, 'images/' || n || '/' || md5(n::text), 'photo.jpg', n,
            'image/jpeg', (array['image', 'invoice', 'brand_image'])[1 + n % 3], repeat(md5(n::text), 2), 'local',
            timestamptz '2026-01-01' + make_interval(secs => n), now()
     from generate_series($1::integer, $2::integer - 1) as n`,
    [from, to],
  );
  await owner.query('vacuum analyze assets');
}

/** Cursors from the middle of each user's list: found by walking there. */
async function middleCursors(catalog: Catalog, total: number): Promise<Cursors> {
  const pagesToMiddle = Math.min(20, Math.floor(total / USERS / PAGE / 2));
  const cursors: (string | null)[] = [];
  for (let user = 0; user < USERS; user += 1) {
    let cursor: string | null = null;
    for (let page = 0; page < pagesToMiddle; page += 1)
      cursor = (await list(catalog, user, null, cursor)).nextCursor;
    cursors.push(cursor);
  }
  return cursors;
}

/** @returns the median milliseconds of a page. */
async function measure(catalog: Catalog, cursors: Cursors): Promise<number> {
  const times: number[] = [];
  for (let page = 0; page < PAGES_PER_ROUND; page += 1) {
    const user = (page * 37) % USERS;
    const cursor = page % 2 === 0 ? null : (cursors[user] ?? null);
    const started = performance.now();
    await list(catalog, user, page % 4 < 2 ? null : 'image', cursor);
    times.push(performance.now() - started);
  }
  return median(times);
}

function list(catalog: Catalog, user: number, assetType: string | null, cursor: string | null) {
  return catalog.listAssets({ tenantId: 'default', userId: `user-${user}`, assetType, limit: PAGE, cursor });
}

async function assertIndexOnly(owner: Client): Promise<void> {
  const answer = await owner.query<{ 'QUERY PLAN': string }>(
    `explain (costs off) select * from assets where tenant_id = 'default' and user_id = 'user-1'
       and (created_at, id) < ('2026-01-05', '00000000-0000-4000-8000-000000000000') and state = 'stored'
     order by created_at desc, id desc limit 51`,
  );
  const plan = answer.rows.map((row) => row['QUERY PLAN']).join('\n');
  if (
    !/Index Scan using assets_owner .*\n.*Index Cond: .*ROW\(created_at, id\) </.test(plan) ||
    plan.includes('Sort')
  ) {
    throw new Error(`The page is not read from its index:\n${plan}`);
  }
}
