import { statfs } from 'node:fs/promises';

/** The file systems of Linux that we rely on for more than what every one promises. */
export type KnownFileSystem = 'btrfs' | 'ext' | 'overlay' | 'xfs';

/** By the numbers in `include/uapi/linux/magic.h`; `ext` is ext2 to ext4. */
const TYPES: ReadonlyMap<number, KnownFileSystem> = new Map([
  [0xef53, 'ext'],
  [0x58465342, 'xfs'],
  [0x9123683e, 'btrfs'],
  [0x794c7630, 'overlay'],
]);

/** What a directory lies on; null when it is none of those, or can't be told. */
export async function fileSystemOf(directory: string): Promise<KnownFileSystem | null> {
  if (process.platform !== 'linux') return null;
  const told = await statfs(directory).catch(() => null);
  return told === null ? null : (TYPES.get(told.type) ?? null);
}
