import { type Exchange, header, Refusal } from './answers.ts';

/** A certificate; a test says when it is issued. */
export interface RecordedCertificate {
  readonly arn: string;
  readonly domain: string;
  status: 'PENDING_VALIDATION' | 'ISSUED';
}

const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  ListCertificates: ['CertificateStatuses', 'Includes', 'NextToken', 'MaxItems'],
  DescribeCertificate: ['CertificateArn!'],
  RequestCertificate: ['DomainName!', 'ValidationMethod', 'IdempotencyToken', 'Tags', 'KeyAlgorithm'],
};

/** Answers one request of ACM's JSON protocol. */
export function answerAcm(exchange: Exchange, certificates: RecordedCertificate[], accountId: string): void {
  const action = (header(exchange, 'x-amz-target') ?? '').replace('CertificateManager.', '');
  const known = PARAMETERS[action];
  if (known === undefined) throw new Refusal(400, 'UnknownOperationException', action);
  const input = JSON.parse(exchange.body.toString()) as Record<string, string>;
  const unknown = Object.keys(input).find((name) => !known.includes(name) && !known.includes(`${name}!`));
  const missing = known.find((name) => name.endsWith('!') && !(name.slice(0, -1) in input));
  if (unknown !== undefined || missing !== undefined)
    throw new Refusal(400, 'ValidationException', `${unknown ?? missing} is wrong.`);
  const answer = (value: object): void => {
    exchange.response
      .writeHead(200, { 'content-type': 'application/x-amz-json-1.1' })
      .end(JSON.stringify(value));
  };
  if (action === 'RequestCertificate') {
    if (!/^\w{1,32}$/.test(input.IdempotencyToken ?? 'x'))
      throw new Refusal(400, 'ValidationException', 'Token.');
    const domain = input.DomainName ?? '';
    const arn = `arn:aws:acm:us-east-1:${accountId}:certificate/${certificates.length + 1}`;
    certificates.push({ arn, domain, status: 'PENDING_VALIDATION' });
    answer({ CertificateArn: arn });
  } else if (action === 'ListCertificates') {
    const CertificateSummaryList = certificates.map(({ arn, domain, status }) => ({
      ...{ CertificateArn: arn, DomainName: domain, Status: status },
    }));
    answer({ CertificateSummaryList });
  } else {
    const found = certificates.find(({ arn }) => arn === input.CertificateArn);
    if (found === undefined) throw new Refusal(400, 'ResourceNotFoundException', 'No such certificate.');
    const { arn, domain, status } = found;
    const ResourceRecord = { Name: `_recorded.${domain}.`, Type: 'CNAME', Value: '_x.acm-validations.aws.' };
    const validation = {
      DomainName: domain,
      ValidationMethod: 'DNS',
      ValidationStatus: status,
      ResourceRecord,
    };
    answer({
      Certificate: {
        CertificateArn: arn,
        DomainName: domain,
        Status: status,
        DomainValidationOptions: [validation],
      },
    });
  }
}
