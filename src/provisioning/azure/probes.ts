import { randomUUID } from 'node:crypto';
import { openAzureBackend } from '../../storage/azure/backend.ts';
import type { StorageBackend } from '../../storage/backend.ts';
import { expectRefusal, preflightFindings, statusOf } from '../outside.ts';
import { type Finding, fail, ok, type Probe, QUESTION_PREFIX, warn } from '../provider.ts';
import { signedUrlFindings, writeFindings } from '../store-questions.ts';
import type { AzureProvisioningParts } from './parts.ts';
import type { AzureCalls } from './settings.ts';

const AS_BLOB = { 'x-ms-blob-type': 'BlockBlob' } as const;

/** Questions that a stranger, the backend and the operator ask. */
export function azureProbes(parts: AzureProvisioningParts, calls: AzureCalls): readonly Probe[] {
  const { url } = calls.container;
  const open = (): Promise<StorageBackend> => openAzureBackend(parts);
  return [
    {
      check: 'anonymous_list',
      asker: 'stranger',
      ask: (signal) =>
        closed('anonymous_list', 'lists the container', `${url}?restype=container&comp=list`, { signal }),
    },
    {
      check: 'anonymous_write',
      asker: 'stranger',
      ask: (signal) =>
        closed('anonymous_write', 'writes blobs', `${url}/${QUESTION_PREFIX}${randomUUID()}`, {
          ...{ signal, method: 'PUT', body: Buffer.from('a question'), headers: AS_BLOB },
        }),
    },
    {
      check: 'preflight',
      asker: 'stranger',
      ask: (signal) =>
        preflightFindings(`${url}/${QUESTION_PREFIX}x`, parts.provisioning.corsOrigins, signal),
    },
    { check: 'plain_http', asker: 'stranger', ask: (signal) => plainHttp(url, signal) },
    {
      check: 'write_and_read',
      asker: 'backend',
      ask: (signal) => writeFindings({ open, urlOf: (key) => `${url}/${key}`, closed, signal }),
    },
    {
      check: 'signed_url',
      asker: 'backend',
      ask: (signal) => signedUrlFindings({ open, clock: parts.clock, putHeaders: AS_BLOB, signal }),
    },
    ...(calls.management !== null && parts.provisioning.versioning ? [restore(calls)] : []),
  ];
}

/** Azure tells a stranger that a blob is not found, whether it is there or not: that tells nothing. */
async function closed(
  check: string,
  what: string,
  url: string,
  question: Parameters<typeof statusOf>[1],
): Promise<readonly Finding[]> {
  const status = await statusOf(url, question);
  return status === 404 || status === 409
    ? [ok(check, `A stranger is refused (${status}).`)]
    : expectRefusal(check, what, url, question);
}

async function plainHttp(url: string, signal: AbortSignal): Promise<readonly Finding[]> {
  if (url.startsWith('http:'))
    return [
      warn(
        'plain_http',
        'The store is reached without TLS: everybody on the way reads along.',
        'Use the https address of the account.',
      ),
    ];
  // The account answers 400 AccountRequiresHttps before it looks at who asks.
  const status = await statusOf(`http:${url.slice('https:'.length)}?restype=container&comp=list`, { signal });
  return [
    status === 400 || status === 301
      ? ok('plain_http', `Requests without TLS are refused (${status}).`)
      : fail('plain_http', `The account answers requests without TLS (${status}).`, MEND_ACCOUNT),
  ];
}

const MEND_ACCOUNT =
  'az storage account update --https-only true, or name the subscription in provisioning.azure and apply.';

/** Overwrites a blob of its own, and reads the first version again. */
function restore({ container }: AzureCalls): Probe {
  return {
    check: 'old_version',
    asker: 'operator',
    async ask(abortSignal) {
      const blob = container.getBlockBlobClient(`${QUESTION_PREFIX}${randomUUID()}`);
      try {
        const { versionId } = await blob.upload('first', 5, { abortSignal });
        await blob.upload('second', 6, { abortSignal });
        if (versionId === undefined)
          return [
            fail(
              'old_version',
              'The store keeps no old versions.',
              'stowage provision apply (setting versioning).',
            ),
          ];
        const bytes = await blob.withVersion(versionId).downloadToBuffer(0, undefined, { abortSignal });
        return bytes.toString() === 'first'
          ? [ok('old_version', 'What was overwritten can be read and restored.')]
          : [fail('old_version', 'The old version holds other bytes.', 'Ask whoever runs the store.')];
      } finally {
        await blob.deleteIfExists().catch(() => undefined);
      }
    },
  };
}
