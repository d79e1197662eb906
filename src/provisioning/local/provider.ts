import { chmod, mkdir, readdir, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ProvisioningConfig } from '../../config/provisioning-config.ts';
import { formatByteSize } from '../../core/bytes.ts';
import { newUuid } from '../../core/ids.ts';
import type { Json } from '../json.ts';
import { fail, ok, type Probe, type Provider, ProvisioningError, type Setting, warn } from '../provider.ts';

export interface LocalProvisioningParts {
  /** Directory of the store, absolute. */
  readonly path: string;
  readonly provisioning: ProvisioningConfig;
}

/** Written when the store is opened for the first time; the one file of an empty store. */
const FORMAT_FILE = 'format.json';
/** Entries that are counted before it is said that there are more. */
const COUNT_MAX = 1000;

/** Opens a directory for provisioning. */
export function openLocalProvider({ path, provisioning }: LocalProvisioningParts): Provider {
  const { freeBytesMin, mountPoint } = provisioning.local;
  return {
    name: 'local',
    bucket: path,
    // The mount comes first: a directory beside the disk would hide that it is missing.
    settings: [...(mountPoint === null ? [] : [mount(mountPoint, path)]), directory(path), mode(path)],
    storeSetting: 'directory',
    probes: [freeSpace(path, freeBytesMin), writable(path)],
    warnings: [],
    variables: { path, free_space_min_bytes: freeBytesMin, mount_point: mountPoint },
    contents: () => countFiles(path),
    destroy: () => removeStore(path),
    documents: async (): Promise<Readonly<Record<string, Json>>> => ({
      tmpfiles: `d ${tmpfilesPath(path)} 0700 stowage stowage -`,
    }),
    notes: async () => ['Back this directory up, and run one node only.'],
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Only a store goes, or an empty directory: a wrong path must not cost what lies there. */
async function removeStore(path: string): Promise<readonly string[]> {
  const entries = await readdir(path).catch(missing);
  if (entries === undefined) return [];
  if (entries.length > 0 && !entries.includes(FORMAT_FILE))
    throw new ProvisioningError(`${path} holds files and is no store of Stowage, so nothing was removed.`);
  await rm(path, { recursive: true, force: true });
  return [`directory ${path}`];
}

/** As tmpfiles.d(5) reads it: a blank ends a field that is not quoted, and a percent sign begins a specifier. */
function tmpfilesPath(path: string): string {
  const escaped = path.replaceAll('%', '%%');
  if (/^[\w/.%-]+$/.test(escaped)) return escaped;
  return `"${escaped.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function directory(path: string): Setting {
  return {
    name: 'directory',
    protects: 'Files have a place.',
    async read() {
      const info = await stat(path).catch(missing);
      if (info !== undefined && !info.isDirectory())
        throw new ProvisioningError(`${path} is there and is no directory.`);
      return info === undefined ? undefined : { path };
    },
    desired: async () => ({ path }),
    async apply() {
      await mkdir(path, { recursive: true, mode: 0o700 });
    },
  };
}

function mode(path: string): Setting {
  return {
    name: 'mode',
    protects: 'Other accounts of this machine can neither list nor read files.',
    async read() {
      const info = await stat(path).catch(missing);
      return info === undefined ? undefined : octal(info.mode);
    },
    desired: async () => '0700',
    async apply() {
      await chmod(path, 0o700);
    },
    mend: `chmod 700 ${path}`,
  };
}

function mount(mountPoint: string, path: string): Setting {
  return {
    name: 'mount',
    protects: 'Files go to the disk that was meant for them, not below a mount that is missing.',
    async read() {
      const [own, parent] = [
        await stat(mountPoint).catch(missing),
        await stat(dirname(mountPoint)).catch(missing),
      ];
      if (own === undefined || parent === undefined) return undefined;
      const isInside = path === mountPoint || path.startsWith(join(mountPoint, '/'));
      return { mount_point: mountPoint, is_mounted: own.dev !== parent.dev, holds_the_store: isInside };
    },
    desired: async () => ({ mount_point: mountPoint, is_mounted: true, holds_the_store: true }),
    async apply() {
      throw new ProvisioningError(
        `${mountPoint} is not mounted, or the store is not below it: mount it first.`,
      );
    },
    mend: `mount ${mountPoint}, and set LOCAL_STORAGE_PATH below it`,
  };
}

function freeSpace(path: string, freeBytesMin: number): Probe {
  return {
    check: 'free_space',
    asker: 'backend',
    async ask() {
      const info = await statfs(path);
      const freeBytes = info.bavail * info.bsize;
      const detail = `${formatByteSize(freeBytes)} are free at ${path}, of ${formatByteSize(freeBytesMin)} wanted.`;
      const inodes = info.files > 0 && info.ffree / info.files < 0.05;
      return [
        freeBytes < freeBytesMin ? fail('free_space', detail, 'Free some space.') : ok('free_space', detail),
        ...(inodes
          ? [warn('free_space', 'Fewer than 5 % of the inodes are free.', 'Make room for more files.')]
          : []),
      ];
    },
  };
}

/** Writes, syncs and removes an empty directory: what a read-only or full disk refuses. */
function writable(path: string): Probe {
  return {
    check: 'writable',
    asker: 'backend',
    async ask() {
      const probe = join(path, `.verify-${newUuid()}`);
      try {
        await mkdir(probe, { mode: 0o700 });
        return [ok('writable', 'This account may write here.')];
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
        return [fail('writable', `This account can't write to ${path} (${code}).`, `chown ${path} to it.`)];
      } finally {
        await rm(probe, { recursive: true, force: true });
      }
    },
  };
}

async function countFiles(path: string) {
  const info = await stat(path).catch(missing);
  if (info === undefined) return { exists: false, objects: 0, hasMore: false };
  let objects = 0;
  const pending = [path];
  for (let next = pending.pop(); next !== undefined && objects <= COUNT_MAX; next = pending.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      if (entry.isDirectory()) pending.push(join(next, entry.name));
      else if (entry.name !== FORMAT_FILE) objects += 1;
    }
  }
  return { exists: true, objects: Math.min(objects, COUNT_MAX), hasMore: objects > COUNT_MAX };
}

function octal(bits: number): string {
  return (bits & 0o7777).toString(8).padStart(4, '0');
}

function missing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
