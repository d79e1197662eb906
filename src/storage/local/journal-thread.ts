import { Worker } from 'node:worker_threads';
import { MIB } from '../../core/bytes.ts';
import { commitGroup, type RecordGroup, type Refusal } from './journal-group.ts';

/** Most bytes that the records of one group have together. */
export const GROUP_BYTES_MAX = 2 * MIB;

/** What the thread is asked: the records' bytes stand in the shared memory, one behind the other. */
export interface GroupMessage extends Omit<RecordGroup, 'records'> {
  readonly sizes: readonly number[];
}

/** What the thread answers. */
export type GroupReply =
  | { readonly refusals: readonly Refusal[]; readonly failure?: undefined }
  | { readonly failure: { readonly code: string; readonly message: string } };

interface Waiting {
  readonly resolve: (reply: GroupReply) => void;
  readonly reject: (error: unknown) => void;
}

const WORKER_URL = new URL(
  import.meta.url.endsWith('.ts') ? './journal-worker.ts' : './journal-worker.js',
  import.meta.url,
);

let shared: JournalThread | undefined;

/** The thread of this process, for all its stores. It starts with the first group. */
export function journalThread(): JournalThread {
  shared ??= new JournalThread();
  return shared;
}

/**
 * Commits groups of records in a thread of its own. Making small files takes longer than all else that a small upload
 * asks of the system; here it costs one message per group, and a disk that stalls holds up nothing but puts.
 */
export class JournalThread {
  readonly #url: URL;
  readonly #memory = new SharedArrayBuffer(GROUP_BYTES_MAX);
  readonly #arena = Buffer.from(this.#memory);
  #worker: Worker | null = null;
  #waiting: Waiting | null = null;
  #tail: Promise<unknown> = Promise.resolve();
  #hasAnswered = false;
  #isMissing = false;

  constructor(url: URL = WORKER_URL) {
    this.#url = url;
  }

  /**
   * Commits a group as {@link commitGroup} does, one after the other. Where no thread can be had (a bundle without
   * its file, say) it is done in this one.
   *
   * @throws the failure of the group's write or sync; that the thread has ended: what it has done is then not known.
   */
  commit(group: RecordGroup): Promise<readonly Refusal[]> {
    const turn = this.#tail.then(() => this.#commit(group));
    this.#tail = turn.catch(() => {});
    return turn;
  }

  /** Ends the thread; the next group starts another. */
  async close(): Promise<void> {
    await this.#tail;
    await this.#worker?.terminate();
  }

  async #commit(group: RecordGroup): Promise<readonly Refusal[]> {
    if (this.#isMissing) return commitGroup(group);
    try {
      const reply = await this.#ask(group);
      if (reply.failure === undefined) return reply.refusals;
      throw Object.assign(new Error(reply.failure.message), { code: reply.failure.code });
    } catch (error) {
      if (!this.#isMissing) throw error;
      return commitGroup(group);
    }
  }

  #ask({ fd, layout, records }: RecordGroup): Promise<GroupReply> {
    let at = 0;
    for (const record of records) at += record.copy(this.#arena, at);
    const message: GroupMessage = {
      fd,
      layout: { objects: layout.objects, temporary: layout.temporary },
      sizes: records.map(({ byteLength }) => byteLength),
    };
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#worker ??= this.#start();
      // A process that waits for a put must not end; one that has none may.
      this.#worker.ref();
      this.#worker.postMessage(message);
    });
  }

  #start(): Worker {
    const worker = new Worker(this.#url, {
      name: 'stowage-journal',
      workerData: this.#memory,
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 2 },
    });
    worker.on('message', (reply: GroupReply) => {
      this.#hasAnswered = true;
      worker.unref();
      this.#waiting?.resolve(reply);
      this.#waiting = null;
    });
    const end = (error: unknown): void => {
      if (this.#worker !== worker) return;
      this.#worker = null;
      this.#isMissing = !this.#hasAnswered;
      this.#waiting?.reject(error);
      this.#waiting = null;
    };
    worker.on('error', end);
    worker.on('exit', () => end(new Error('The thread of the journal has ended.')));
    return worker;
  }
}
