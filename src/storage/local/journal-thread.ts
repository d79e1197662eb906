import type { Worker } from 'node:worker_threads';
import { MIB } from '../../core/bytes.ts';
import { startHelperThread, threadFile } from '../../core/helper-thread.ts';
import { commitGroup, type Failure, fromFailure, type RecordGroup, type Refusal } from './journal-group.ts';
import { encodeRecord, type RecordDraft, writeDraft } from './journal-record.ts';
import { syncFiles } from './sync-files.ts';

/** Most bytes that the records of one group have together. */
export const GROUP_BYTES_MAX = 2 * MIB;

/** Records that are to become durable together, not yet written anywhere. */
export interface DraftGroup extends Pick<RecordGroup, 'fd' | 'layout'> {
  readonly records: readonly RecordDraft[];
}

/**
 * What the thread is asked to do. The bytes of a group's records stand in the shared memory, one behind the other; their
 * checksums are left to the thread.
 */
export type ThreadTask =
  | (Omit<RecordGroup, 'records'> & { readonly does: 'commit'; readonly sizes: readonly number[] })
  | { readonly does: 'sync'; readonly paths: readonly string[]; readonly atOnce: number };

export interface ThreadMessage {
  readonly number: number;
  readonly task: ThreadTask;
}

/** What the thread answers: once that it is there, then for each task its end, and that nothing is left to do for it. */
export type ThreadReply =
  | { readonly does: 'start' }
  | {
      readonly does: 'end';
      readonly number: number;
      readonly refusals: readonly Refusal[];
      readonly failure: Failure | null;
    }
  | { readonly does: 'rest'; readonly number: number };

interface Waiting {
  readonly resolve: (refusals: readonly Refusal[]) => void;
  readonly reject: (error: unknown) => void;
}

const WORKER_URL = threadFile(import.meta.url, 'journal-worker');

let shared: JournalThread | undefined;

/** The thread of this process, for all its stores. It starts with the first group. */
export function journalThread(): JournalThread {
  shared ??= new JournalThread();
  return shared;
}

/**
 * Commits groups of records in a thread of its own. Making small files takes longer than all else that a small upload
 * asks of the system; here it costs one message per group, and a disk that stalls holds up nothing but puts.
 *
 * Where no thread can be had (a bundle without its file, say) the work is done in this one.
 */
export class JournalThread {
  readonly #url: URL;
  readonly #memory = new SharedArrayBuffer(GROUP_BYTES_MAX);
  readonly #arena = Buffer.from(this.#memory);
  readonly #waiting = new Map<number, Waiting>();
  /** Numbers of the tasks of which the thread has not said that nothing is left to do. */
  readonly #unrested = new Set<number>();
  #onRest: (() => void)[] = [];
  #worker: Worker | null = null;
  #number = 0;
  #groups: Promise<unknown> = Promise.resolve();
  #isMissing = false;

  constructor(url: URL = WORKER_URL) {
    this.#url = url;
  }

  /**
   * Commits a group as {@link commitGroup} does, one after the other.
   *
   * @throws the failure of the group's write or sync; that the thread has ended: what it has done is then not known.
   */
  commit(group: DraftGroup): Promise<readonly Refusal[]> {
    const turn = this.#groups.then(() =>
      this.#run(
        () => this.#commitTask(group),
        () => commitHere(encodeGroup(group)),
      ),
    );
    this.#groups = turn.catch(() => {});
    return turn;
  }

  /** Waits until files have reached the disk, as {@link syncFiles} does. */
  async sync(paths: readonly string[], atOnce: number): Promise<void> {
    await this.#run(
      () => ({ does: 'sync', paths, atOnce }),
      () => syncFiles(paths, atOnce).then(() => []),
    );
  }

  /** Waits until nothing is left to do for earlier tasks, the removal of temporary names included. */
  async rest(): Promise<void> {
    await this.#groups;
    const last = this.#number;
    while ([...this.#unrested].some((number) => number <= last))
      await new Promise<void>((resolve) => this.#onRest.push(resolve));
  }

  /** Ends the thread when nothing is left to do; the next task starts another. */
  async close(): Promise<void> {
    await this.rest();
    await this.#worker?.terminate();
  }

  async #run(task: () => ThreadTask, here: () => Promise<readonly Refusal[]>): Promise<readonly Refusal[]> {
    if (this.#isMissing) return here();
    try {
      return await this.#ask(task());
    } catch (error) {
      if (!this.#isMissing) throw error;
      return here();
    }
  }

  #commitTask({ fd, layout, records }: DraftGroup): ThreadTask {
    let at = 0;
    for (const record of records) at += writeDraft(record, this.#arena, at);
    const { objects, temporary } = layout;
    return {
      does: 'commit',
      fd,
      layout: { objects, temporary },
      sizes: records.map(({ byteLength }) => byteLength),
    };
  }

  #ask(task: ThreadTask): Promise<readonly Refusal[]> {
    const message: ThreadMessage = { number: ++this.#number, task };
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#startOrMiss();
      this.#waiting.set(message.number, { resolve, reject });
      // A process must not end in the middle of a task; one that has none may.
      if (this.#unrested.size === 0) this.#worker.ref();
      this.#unrested.add(message.number);
      this.#worker.postMessage(message);
    });
  }

  #startOrMiss(): Worker {
    try {
      return this.#start();
    } catch (error) {
      this.#isMissing = true;
      throw error;
    }
  }

  #start(): Worker {
    const worker = startHelperThread(this.#url, 'stowage-journal', this.#memory);
    let isThere = false;
    let failure: unknown = new Error('The thread of the journal has ended.');
    worker.on('message', (reply: ThreadReply) => {
      isThere = true;
      if (reply.does === 'end') this.#end(reply);
      if (reply.does === 'rest') this.#rest(worker, reply.number);
    });
    worker.on('error', (error) => {
      failure = error;
    });
    // Not at the error already: until the exit a call may still read the shared memory, or write to a journal.
    worker.on('exit', () => {
      this.#worker = null;
      // One that was there may have begun: doing its group again would write the records twice.
      this.#isMissing = !isThere;
      const waiting = [...this.#waiting.values()];
      this.#waiting.clear();
      for (const { reject } of waiting) reject(failure);
      this.#unrested.clear();
      for (const resolve of this.#onRest.splice(0)) resolve();
    });
    return worker;
  }

  #end({ number, refusals, failure }: ThreadReply & { does: 'end' }): void {
    const waiting = this.#waiting.get(number);
    this.#waiting.delete(number);
    if (failure === null) waiting?.resolve(refusals);
    else waiting?.reject(fromFailure(failure));
  }

  #rest(worker: Worker, number: number): void {
    this.#unrested.delete(number);
    if (this.#unrested.size === 0) worker.unref();
    for (const resolve of this.#onRest.splice(0)) resolve();
  }
}

async function commitHere(group: RecordGroup): Promise<readonly Refusal[]> {
  const { refusals, tidy } = await commitGroup(group);
  await tidy();
  return refusals;
}

/** The group as {@link commitGroup} takes it. */
export function encodeGroup({ fd, layout, records }: DraftGroup): RecordGroup {
  return { fd, layout, records: records.map(encodeRecord) };
}
