/** Who may read what, and when, as CloudFront understands it. */
export interface ReadPolicy {
  /** The URL as the client will ask for it, without the parameters of the signature; a custom policy may hold `*`. */
  readonly resource: string;
  /** Seconds since the epoch. */
  readonly endSeconds: number;
  /** Seconds since the epoch; null: from the beginning. */
  readonly startSeconds: number | null;
  /** IPv4 address or CIDR range of the reader; null: from anywhere. */
  readonly ipRange: string | null;
}

/** Whether a policy needs to travel with the URL: one that says no more than the URL itself is put together again there. */
export function isCanned(policy: ReadPolicy): boolean {
  return policy.startSeconds === null && policy.ipRange === null && !policy.resource.endsWith('*');
}

/** The text that is signed. No blank anywhere: CloudFront puts a canned policy together itself and compares bytes. */
export function policyText({ resource, endSeconds, startSeconds, ipRange }: ReadPolicy): string {
  const condition = {
    DateLessThan: { 'AWS:EpochTime': endSeconds },
    ...(startSeconds !== null && { DateGreaterThan: { 'AWS:EpochTime': startSeconds } }),
    ...(ipRange !== null && {
      IpAddress: { 'AWS:SourceIp': ipRange.includes('/') ? ipRange : `${ipRange}/32` },
    }),
  };
  return JSON.stringify({ Statement: [{ Resource: resource, Condition: condition }] });
}

/** A policy that came with a request; undefined when it is none that we would have made. */
export function parsePolicy(text: string): ReadPolicy | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const statements = field(value, 'Statement');
  if (!Array.isArray(statements) || statements.length !== 1) return undefined;
  const [statement] = statements as unknown[];
  const resource = field(statement, 'Resource');
  const condition = field(statement, 'Condition');
  const endSeconds = field(field(condition, 'DateLessThan'), 'AWS:EpochTime');
  const startSeconds = field(field(condition, 'DateGreaterThan'), 'AWS:EpochTime') ?? null;
  const ipRange = field(field(condition, 'IpAddress'), 'AWS:SourceIp') ?? null;
  if (typeof resource !== 'string' || !Number.isSafeInteger(endSeconds)) return undefined;
  if (startSeconds !== null && !Number.isSafeInteger(startSeconds)) return undefined;
  if (ipRange !== null && typeof ipRange !== 'string') return undefined;
  return {
    resource,
    endSeconds: Number(endSeconds),
    startSeconds: startSeconds === null ? null : Number(startSeconds),
    ipRange,
  };
}

function field(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;
}
