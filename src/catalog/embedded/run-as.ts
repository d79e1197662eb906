import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** The account that the server runs as when Stowage itself is root; PostgreSQL refuses to run as root. */
export interface RunAs {
  readonly uid: number;
  readonly gid: number;
  readonly name: string;
}

/** The unprivileged account for a root process: the dedicated `postgres` when the machine has one, else `nobody`. */
export async function unprivilegedAccount(): Promise<RunAs | null> {
  if (process.getuid?.() !== 0) return null;
  const accounts = await readAccounts();
  return (
    accounts.find((account) => account.name === 'postgres' && account.uid !== 0) ??
    accounts.find((account) => account.name === 'nobody' && account.uid !== 0) ?? {
      uid: 65534,
      gid: 65534,
      name: 'nobody',
    }
  );
}

/**
 * The account that an existing cluster belongs to, which it must go on running as.
 *
 * @returns undefined when the directory does not exist.
 */
export async function ownerAccount(directory: string): Promise<RunAs | undefined> {
  const info = await stat(directory).catch(() => undefined);
  if (info === undefined) return undefined;
  const account = (await readAccounts()).find((known) => known.uid === info.uid);
  return { uid: info.uid, gid: account?.gid ?? info.gid, name: account?.name ?? String(info.uid) };
}

/** The nearest directory on the way to `path` (itself included) that the account may not pass through; null: none. */
export async function closedDirectory(path: string, account: RunAs | null): Promise<string | null> {
  if (account === null) return null;
  let closed: string | null = null;
  for (let directory = path; ; directory = dirname(directory)) {
    const info = await stat(directory);
    const searchBit = info.uid === account.uid ? 0o100 : info.gid === account.gid ? 0o010 : 0o001;
    if ((info.mode & searchBit) === 0) closed ??= directory;
    if (directory === dirname(directory)) return closed;
  }
}

async function readAccounts(): Promise<RunAs[]> {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    return name !== undefined && uid !== undefined && gid !== undefined && /^\d+$/.test(uid)
      ? [{ name, uid: Number(uid), gid: Number(gid) }]
      : [];
  });
}
