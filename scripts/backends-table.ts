// Writes the table of docs/reference/backends.md from what each backend declares: `node scripts/backends-table.ts`.
// `npm test` compares the two.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GIB, MIB } from '../src/core/bytes.ts';
import { systemClock } from '../src/core/clock.ts';
import { silentLog } from '../src/core/log.ts';
import { openAzureBackend } from '../src/storage/azure/backend.ts';
import type { BackendCapabilities, StorageBackend } from '../src/storage/backend.ts';
import { openGcsBackend } from '../src/storage/gcs/backend.ts';
import { openLocalBackend } from '../src/storage/local/backend.ts';
import { openS3Backend } from '../src/storage/s3/backend.ts';

const PAGE = join(import.meta.dirname, '../docs/reference/backends.md');
const MARKED = /(<!-- made by scripts\/backends-table\.ts -->\n)[\s\S]*?(<!-- end -->)/;

const ENFORCER = { store: 'the store', completion: 'Stowage, when it is completed' };

/** A line of the table: what is asked, and how a capability answers it. */
const LINES: Readonly<Record<string, (has: BackendCapabilities) => string>> = {
  'a client writes straight to the store by': ({ signedWrite }) =>
    ({ put: 'signed PUT', post: 'form POST with a signed policy', none: 'no' })[signedWrite],
  'a direct upload of another size is refused by': ({ signedWriteSizeEnforcedBy }) =>
    ENFORCER[signedWriteSizeEnforcedBy],
  'and one with other bytes than its `sha256` by': ({ signedWriteDigestEnforcedBy }) =>
    ENFORCER[signedWriteDigestEnforcedBy],
  'largest single request': ({ singlePutBytesMax }) => size(singlePutBytesMax),
  'uploads in parts': ({ multipart }) => yesOrNo(multipart),
  'smallest part but the last': ({ partBytesMin }) => size(partBytesMin),
  'largest part': ({ partBytesMax }) => size(partBytesMax),
  'most parts': ({ partsMax }) => partsMax.toLocaleString('en'),
  'parts by signed URLs': ({ signedParts }) => yesOrNo(signedParts),
  'longest life of a signed URL': ({ signedUrlSecondsMax }) => `${signedUrlSecondsMax / 86_400} days`,
  'keeps a SHA-256 that it verified': ({ storesSha256 }) => yesOrNo(storesSha256),
};

/** What each backend declares, opened without a request. */
export async function declaredCapabilities(): Promise<Readonly<Record<string, BackendCapabilities>>> {
  const root = mkdtempSync(join(tmpdir(), 'stowage-table-'));
  const parts = { clock: systemClock, log: silentLog };
  const s3 = (signedWrite: 'post' | 'put') =>
    openS3Backend({
      bucket: 'files',
      region: 'eu-central-1',
      credentials: { accessKeyId: 'none', secretAccessKey: 'none' },
      endpoint: null,
      publicEndpoint: null,
      forcePathStyle: false,
      sse: 'AES256',
      kmsKeyId: null,
      signedWrite,
      ...parts,
    });
  const account = `DefaultEndpointsProtocol=https;AccountName=files;AccountKey=${btoa('none')};EndpointSuffix=core.windows.net`;
  const backends: Readonly<Record<string, StorageBackend>> = {
    'local disk': await openLocalBackend({
      root,
      publicUrl: 'http://127.0.0.1',
      signingSecrets: ['-'.repeat(32)],
    }),
    S3: s3('post'),
    'Cloudflare R2': s3('put'),
    'Azure Blob': await openAzureBackend({
      container: 'files',
      connectionString: account,
      accountUrl: null,
      ...parts,
    }),
    'Google Cloud': openGcsBackend({ bucket: 'files', credentialsPath: null, endpoint: null, ...parts }),
  };
  const declared = Object.entries(backends).map(([name, { capabilities }]) => [name, capabilities] as const);
  await Promise.all(Object.values(backends).map((backend) => backend.close()));
  rmSync(root, { recursive: true, force: true });
  return Object.fromEntries(declared);
}

/** The table as Markdown. */
export async function backendsTable(): Promise<string> {
  const declared = await declaredCapabilities();
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    row(['', ...Object.keys(declared)]),
    row(Array.from({ length: Object.keys(declared).length + 1 }, () => '---')),
    ...Object.entries(LINES).map(([title, tell]) => row([title, ...Object.values(declared).map(tell)])),
    '',
  ].join('\n');
}

/** The page with the table as it has to be. */
export async function pageWithTable(page: string): Promise<string> {
  const table = await backendsTable();
  return page.replace(MARKED, (_, begin: string, end: string) => `${begin}${table}${end}`);
}

function size(bytes: number): string {
  if (bytes >= GIB && bytes % GIB === 0) return `${(bytes / GIB).toLocaleString('en')} GiB`;
  if (bytes >= MIB && bytes % MIB === 0) return `${(bytes / MIB).toLocaleString('en')} MiB`;
  return `${bytes.toLocaleString('en')} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

function yesOrNo(is: boolean): string {
  return is ? 'yes' : 'no';
}

if (import.meta.main) writeFileSync(PAGE, await pageWithTable(readFileSync(PAGE, 'utf8')));
