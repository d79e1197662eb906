import { type Asset, type Caller, StowageError, type Transaction } from 'stowage';
import type { Storage } from './storage.ts';

export interface Task {
  readonly id: number;
  readonly title: string;
}

export interface Attachment {
  readonly id: string;
  readonly filename: string;
  readonly media_type: string;
  readonly size_bytes: number;
  readonly attached_by: string;
  readonly attached_at: string;
}

/** Everybody of a tenant sees its tasks. */
export function openTasks({ database }: Pick<Storage, 'database'>) {
  const COLUMNS = 'id, filename, media_type, size_bytes::float8 as size_bytes, attached_by, attached_at';
  return {
    async create(title: unknown, { tenantId, userId }: Caller): Promise<Task> {
      if (typeof title !== 'string' || title.trim() === '' || title.length > 200) {
        const fields = { parameter: 'title' };
        throw new StowageError('invalid_parameter', 'A task has a title of 1 to 200 characters.', { fields });
      }
      const insert =
        'insert into tasks (tenant_id, title, created_by) values ($1, $2, $3) returning id, title';
      const { rows } = await database.query<Task>(insert, [tenantId, title.trim(), userId]);
      return one(rows);
    },
    async list({ tenantId }: Caller): Promise<readonly Task[]> {
      const select = 'select id, title from tasks where tenant_id = $1 order by id desc limit 100';
      return (await database.query<Task>(select, [tenantId])).rows;
    },
    /** @throws StowageError `not_found`, also for a task of another tenant. */
    async find(id: string, { tenantId }: Caller): Promise<Task> {
      const select = 'select id, title from tasks where id::text = $1 and tenant_id = $2';
      return one((await database.query<Task>(select, [id, tenantId])).rows);
    },
    /** Its attachments go first; one that came meanwhile keeps the task. */
    async remove({ id }: Task): Promise<void> {
      const remove =
        'delete from tasks where id = $1 and not exists (select from attachments where task_id = $1)';
      const { rowCount } = await database.query(remove, [id]);
      if (rowCount === 0) throw new StowageError('conflict', 'The task has got an attachment meanwhile.');
    },
    /** @throws StowageError `not_found` when the task is gone meanwhile: then nothing is kept of the file. */
    async attach(tx: Transaction, asset: Asset): Promise<void> {
      // The task that the key was made for: `tasks/{task_id}/{uuid}_{filename}`.
      const taskId = asset.key.split('/')[1];
      const { rows } = await tx.query(
        `insert into attachments (id, task_id, s3_key, filename, media_type, size_bytes, attached_by)
         select $1, id, $3, $4, $5, $6, $7 from tasks where id = $2 for key share returning id`,
        [asset.assetId, taskId, asset.key, asset.filename, asset.mediaType, asset.sizeBytes, asset.userId],
      );
      one(rows);
    },
    async detach(tx: Transaction, { assetId }: Asset): Promise<void> {
      await tx.query('delete from attachments where id = $1', [assetId]);
    },
    async attachments({ id }: Task): Promise<readonly Attachment[]> {
      const select = `select ${COLUMNS} from attachments where task_id = $1 order by attached_at, id`;
      return (await database.query<Attachment>(select, [id])).rows;
    },
    /** @throws StowageError `not_found`. */
    async attachment({ id }: Task, attachmentId: string): Promise<Attachment> {
      const select = `select ${COLUMNS} from attachments where task_id = $1 and id::text = $2`;
      return one((await database.query<Attachment>(select, [id, attachmentId])).rows);
    },
  };
}

function one<Row>([row]: readonly Row[]): Row {
  if (row !== undefined) return row;
  throw new StowageError('not_found', 'There is no such task or attachment.');
}
