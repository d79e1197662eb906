import { pause } from '../apply.ts';
import { type ApplyContext, ProvisioningError, type Setting } from '../provider.ts';
import { allPages, type CdnCalls } from './calls.ts';

/** Longest wait for somebody to add a DNS record, in milliseconds; apply can be repeated after that. */
const WAIT_MS_MAX = 60 * 60_000;

export interface Certificate {
  readonly arn: string;
  readonly status: string;
  /** The record that proves the domain: name and value of a CNAME; null while it is not known. */
  readonly record: { readonly name: string; readonly value: string } | null;
}

/** The newest certificate of exactly this domain that is issued or may be. */
export async function findCertificate(calls: CdnCalls, domain: string): Promise<Certificate | undefined> {
  if (calls.acm === null) return undefined;
  const { sdk, client } = calls.acm;
  const items = await allPages(async (NextToken) => {
    const answer = await client.send(
      new sdk.ListCertificatesCommand({ CertificateStatuses: ['ISSUED', 'PENDING_VALIDATION'], NextToken }),
    );
    return { items: answer.CertificateSummaryList, next: answer.NextToken };
  });
  const own = items.filter((item) => item.DomainName === domain);
  const arn = (own.find((item) => item.Status === 'ISSUED') ?? own[0])?.CertificateArn;
  if (arn === undefined) return undefined;
  const { Certificate: found } = await client.send(
    new sdk.DescribeCertificateCommand({ CertificateArn: arn }),
  );
  const record = found?.DomainValidationOptions?.[0]?.ResourceRecord;
  return {
    arn,
    status: found?.Status ?? '',
    record: record === undefined ? null : { name: record.Name ?? '', value: record.Value ?? '' },
  };
}

/** The certificate of one's own domain: asked for, then waited for until the DNS record is there. */
export function certificateSetting(
  calls: CdnCalls,
  domain: string,
  options: { readonly waitMs?: number } = {},
): Setting {
  return {
    name: 'cdn_certificate',
    protects: 'The domain answers with a certificate of its own.',
    mend: 'add the DNS record that apply shows, and apply again',
    async read() {
      const found = await findCertificate(calls, domain);
      return found === undefined ? undefined : { domain, status: found.status };
    },
    desired: async () => ({ domain, status: 'ISSUED' }),
    async apply(_current, context) {
      if ((await findCertificate(calls, domain)) === undefined) await request(calls, domain);
      await waitUntilIssued(calls, domain, context, options.waitMs ?? WAIT_MS_MAX);
    },
  };
}

async function request({ acm }: CdnCalls, domain: string): Promise<void> {
  await acm?.client.send(
    new acm.sdk.RequestCertificateCommand({
      DomainName: domain,
      ValidationMethod: 'DNS',
      // The same request within an hour is the same certificate.
      IdempotencyToken: domain.replaceAll(/\W/g, '').slice(0, 32),
      Tags: [{ Key: 'application', Value: 'stowage' }],
    }),
  );
}

async function waitUntilIssued(
  calls: CdnCalls,
  domain: string,
  { signal, progress }: ApplyContext,
  waitMs: number,
): Promise<void> {
  const startMs = performance.now();
  for (let delayMs = 1_000; ; delayMs = Math.min(delayMs * 2, 30_000)) {
    const found = await findCertificate(calls, domain);
    if (found?.status === 'ISSUED') return;
    const record =
      found?.record == null
        ? 'the record is not known yet'
        : `${found.record.name} CNAME ${found.record.value}`;
    const waitedMs = performance.now() - startMs;
    progress(`Waiting ${Math.round(waitedMs / 1000)} s for the certificate of ${domain}. DNS: ${record}`);
    if (waitedMs + delayMs > waitMs)
      throw new ProvisioningError(
        `The certificate of ${domain} is not issued yet. Add this DNS record and apply again: ${record}`,
      );
    await pause(delayMs, signal);
  }
}
