import { readFileSync, readlinkSync } from 'node:fs';
import { isRunning, newTemporaryName, temporaryPrefix } from './temporary-files.ts';

/** A file of the journal's directory, by what its name says. */
export interface JournalName {
  readonly name: string;
  /** The journal that it belongs to; stays the same when the journal is taken over. */
  readonly base: string;
  /** `log`: written by its owner. `replay`: taken over by another. `settled`: notes of other processes. */
  readonly kind: 'log' | 'replay' | 'settled';
  /** The process that writes or replays it; null for notes. */
  readonly owner: string | null;
}

const OWNER = String.raw`[0-9a-f]{8}-\d{1,20}-\d{1,10}-\d{1,20}-[0-9a-z]{1,12}-[0-9a-z]{1,12}`;
const NAME = new RegExp(`^(${OWNER})\\.(?:(log)|(settled)|(?:(${OWNER})\\.replay))$`);

let ownMachine: string | undefined;

/** A name of this process that it gives once: boot of the machine, space of process ids, process, start, number. */
export function newOwnerName(): string {
  return `${machine()}-${newTemporaryName()}`;
}

/** Whether this process gave the name. */
export function isOwnName(owner: string): boolean {
  return owner.startsWith(`${machine()}-${temporaryPrefix()}-`);
}

/** What a file in the journal's directory is; null when it is not ours. */
export function parseJournalName(name: string): JournalName | null {
  const match = NAME.exec(name);
  if (match === null) return null;
  const [, base = '', isLog, isNotes, claimant = null] = match;
  if (isNotes !== undefined) return { name, base, kind: 'settled', owner: null };
  return isLog !== undefined
    ? { name, base, kind: 'log', owner: base }
    : { name, base, kind: 'replay', owner: claimant };
}

/**
 * Whether the process behind an owner's name still runs. `unknown` for one whose process id is not for us to judge: another
 * container on this machine. Of a machine that was started anew since, nothing runs.
 */
export function ownerState(owner: string): 'running' | 'gone' | 'unknown' {
  const [boot, space, pid, start = ''] = owner.split('-');
  const [ownBoot, ownSpace] = machine().split('-');
  if (boot !== ownBoot) return 'gone';
  if (space !== ownSpace) return 'unknown';
  return isRunning(Number(pid), start) ? 'running' : 'gone';
}

/** First digits of the boot id and the number of the PID namespace (Linux); zeros elsewhere. */
function machine(): string {
  ownMachine ??= `${bootId()}-${processSpace()}`;
  return ownMachine;
}

function bootId(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    return /^[0-9a-f]{8}$/.test(id) ? id : '00000000';
  } catch {
    return '00000000';
  }
}

function processSpace(): string {
  try {
    return /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '0';
  } catch {
    return '0';
  }
}
