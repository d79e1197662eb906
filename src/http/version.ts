import { readFileSync } from 'node:fs';

/** The version of this package, from its package.json, which lies two folders up in `src` and in `dist` alike. */
export function packageVersion(): string {
  const record: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  const isRecord = typeof record === 'object' && record !== null && 'version' in record;
  return isRecord ? String(record.version) : '0.0.0';
}
