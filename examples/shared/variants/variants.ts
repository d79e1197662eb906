import type { AppDatabase, Asset, Caller, Log, Stowage, Transaction } from 'stowage';
import { isStowageError } from 'stowage';
import { RenderError, Renderer } from './renderer.ts';
import type { VariantSpec } from './worker.ts';

export { VARIANTS_MIGRATION } from './migrations.ts';

export interface VariantsOptions {
  readonly stowage: Pick<Stowage, 'download' | 'on'> & {
    readonly database: AppDatabase;
    delete(assetId: string, user: Caller): Promise<void>;
  };
  /** Asset types whose pictures have variants. */
  readonly assetTypes: readonly string[];
  /** The variants there are, by name. */
  readonly specs: Readonly<Record<string, VariantSpec>>;
  /** Uploads a variant: `(file) => stowage.upload({ ...file, assetType: 'image_variant' })`. */
  readonly store: (file: VariantFile) => Promise<unknown>;
  readonly log: Log;
}

/** A variant on its way into the store. */
export interface VariantFile {
  readonly user: Caller;
  readonly body: AsyncIterable<Uint8Array>;
  readonly filename: string;
  readonly fields: { readonly image_id: string };
  readonly inTransaction: (tx: Pick<Transaction, 'query'>, variant: Asset) => Promise<unknown>;
}

export interface Variants {
  /** Asset ids of the variants by the picture's id and the variant's name: null when there will be none, absent until it is made. */
  of(imageIds: readonly string[]): Promise<ReadonlyMap<string, Readonly<Record<string, string | null>>>>;
  close(): Promise<void>;
}

interface Job {
  readonly id: string;
  readonly image_id: string | null;
  readonly variant_id: string | null;
  readonly name: string;
  readonly tenant_id: string;
  readonly user_id: string | null;
  readonly attempts: number;
}

/** Ten minutes apart in the end: a store that is away for hours delays thumbnails and loses none. */
const ATTEMPTS_MAX = 50;
/** Pictures that came another way than through this process are found this often. */
const LOOK_MS = 60_000;

/**
 * Makes the variants of every picture that is stored, by whatever way it came, and removes them after the picture. What is
 * to be done is read from the tables, so a crash or a missed event delays it and loses nothing; of several processes one
 * takes each.
 */
export async function openVariants(options: VariantsOptions): Promise<Variants> {
  const { stowage, log } = options;
  const { database } = stowage;
  const renderer = new Renderer();
  const closing = new AbortController();
  let running: Promise<void> | undefined;
  let isWanted = false;
  const work = async (): Promise<void> => {
    while (isWanted && !closing.signal.aborted) {
      isWanted = false;
      await plan(database, options);
      for (
        let job = await claim(database, options);
        job !== undefined;
        job = await claim(database, options)
      ) {
        await carryOut(job, options, renderer);
        if (closing.signal.aborted) return;
      }
    }
  };
  const wake = (): void => {
    isWanted = true;
    running ??= work()
      .catch((error: unknown) => {
        // The next look tries again.
        isWanted = false;
        log.error({ err: error }, 'Variants of pictures have to wait.');
      })
      .finally(() => {
        running = undefined;
        if (isWanted && !closing.signal.aborted) wake();
      });
  };
  const look = ({ asset }: { readonly asset: Asset }): void => {
    if (options.assetTypes.includes(asset.assetType)) wake();
  };
  const stops = [stowage.on('stored', look), stowage.on('deleted', look)];
  const timer = setInterval(wake, LOOK_MS).unref();
  wake();
  return {
    of: (imageIds) => variantsOf(database, imageIds),
    async close() {
      closing.abort();
      clearInterval(timer);
      for (const stop of stops) stop();
      await running;
      await renderer.close();
    },
  };
}

/** Rows for the pictures that have none yet. */
async function plan(database: AppDatabase, { assetTypes, specs }: VariantsOptions): Promise<void> {
  await database.query(
    `insert into image_variants (image_id, name, tenant_id)
       select assets.id, spec.name, assets.tenant_id
       from public.assets cross join unnest($2::text[]) as spec (name)
       where assets.asset_type = any ($1) and assets.state = 'stored' and not exists (
         select from image_variants made where made.image_id = assets.id and made.name = spec.name)
     on conflict do nothing`,
    [assetTypes, Object.keys(specs)],
  );
}

/** Takes what is due. If this process says no more of it, others have it minutes later. */
async function claim(database: AppDatabase, { specs }: VariantsOptions): Promise<Job | undefined> {
  const { rows } = await database.query<Job>(
    `update image_variants job
       set attempts = attempts + 1, due_at = now() + interval '2 minutes' * least(attempts + 1, 5)
     from (
       select waiting.id, assets.user_id from image_variants waiting
       left join public.assets on assets.id = waiting.image_id
       where waiting.due_at <= now() and waiting.attempts < $1 and waiting.problem is null
         and (waiting.image_id is null or assets.state <> 'stored'
           or (waiting.variant_id is null and waiting.name = any ($2)))
       order by waiting.due_at limit 1 for update of waiting skip locked
     ) next
     where job.id = next.id
     returning job.id, image_id, variant_id, name, tenant_id, attempts, next.user_id`,
    [ATTEMPTS_MAX, Object.keys(specs)],
  );
  return rows[0];
}

async function carryOut(job: Job, options: VariantsOptions, renderer: Renderer): Promise<void> {
  const { stowage, log } = options;
  const { database } = stowage;
  const facts = { image_id: job.image_id, variant: job.name };
  try {
    await makeOrClear(job, options, renderer);
  } catch (error) {
    if (isStowageError(error, 'not_found')) {
      // The picture is gone, or its variant is: so is the row.
      await clear(job, options);
    } else if (error instanceof RenderError) {
      log.warn({ ...facts, err: error }, 'A picture has no variant: it can not be decoded.');
      await database.query('update image_variants set problem = $2 where id = $1', [job.id, error.message]);
    } else {
      log.error({ ...facts, err: error }, 'A variant is tried again later.');
    }
  }
}

async function makeOrClear(job: Job, options: VariantsOptions, renderer: Renderer): Promise<void> {
  const { stowage, specs } = options;
  const spec = specs[job.name];
  if (job.image_id === null || job.user_id === null || spec === undefined) return await clear(job, options);
  const { body } = await stowage.download(job.image_id, maker(job));
  const bytes = await renderer.render(await bytesOf(body), spec);
  await options.store({
    // A user of its own for each owner: what is made of a picture does not count against the owner's hourly limit. Nobody who
    // signs in may have such an id; here names have no slash.
    user: { userId: `variants/${job.user_id}`, tenantId: job.tenant_id },
    body: (async function* () {
      yield bytes;
    })(),
    filename: `${job.name}.${spec.format}`,
    fields: { image_id: job.image_id },
    inTransaction: (tx, { assetId }) =>
      tx.query('update image_variants set variant_id = $2, attempts = 0, due_at = now() where id = $1', [
        job.id,
        assetId,
      ]),
  });
}

async function clear(job: Job, { stowage }: VariantsOptions): Promise<void> {
  if (job.variant_id !== null) {
    await stowage.delete(job.variant_id, maker(job)).catch((error: unknown) => {
      if (!isStowageError(error, 'not_found')) throw error;
    });
  }
  await stowage.database.query('delete from image_variants where id = $1', [job.id]);
}

/** Reads and removes in the name of the application; the access log says so. */
function maker({ tenant_id: tenantId }: Job): Caller {
  return { userId: 'variants', tenantId, role: 'admin' };
}

async function variantsOf(
  database: AppDatabase,
  imageIds: readonly string[],
): Promise<ReadonlyMap<string, Readonly<Record<string, string | null>>>> {
  const { rows } = await database.query<{ image_id: string; names: Record<string, string | null> }>(
    `select image_id, json_object_agg(name, variant_id) as names from image_variants
     where image_id = any ($1) and (variant_id is not null or problem is not null or attempts >= $2)
     group by image_id`,
    [imageIds, ATTEMPTS_MAX],
  );
  return new Map(rows.map(({ image_id, names }) => [image_id, names]));
}

/** A picture as a whole: as large as its asset type allows. */
async function bytesOf(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk.slice());
  return Buffer.concat(chunks);
}
