/** One question to the policies. */
export interface Ask {
  readonly action: string;
  readonly resource: string;
  /** ARN of who asks; null for a stranger. */
  readonly principalArn: string | null;
  readonly context: Readonly<Record<string, string | undefined>>;
}

interface Statement {
  readonly Effect?: string;
  readonly Principal?: unknown;
  readonly Action?: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

const KNOWN = ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'];

/** The first thing that is wrong with a policy; null when it is in the documented form. */
export function policyMisfit(text: string, kind: 'bucket' | 'identity' | 'trust'): string | null {
  let document: { Version?: unknown; Statement?: unknown };
  try {
    document = JSON.parse(text);
  } catch {
    return 'it is no JSON';
  }
  if (document.Version !== '2012-10-17') return 'Version is not 2012-10-17';
  if (Object.keys(document).some((name) => !['Version', 'Id', 'Statement'].includes(name)))
    return 'an unknown element';
  const sids = new Set<unknown>();
  for (const statement of statementsOf(text) as readonly (Statement & { Sid?: string })[]) {
    const unknown = Object.keys(statement).find((name) => !KNOWN.includes(name));
    if (unknown !== undefined) return `${unknown} is not known`;
    if (statement.Sid !== undefined && (!/^[A-Za-z0-9]+$/.test(statement.Sid) || sids.has(statement.Sid)))
      return `the Sid ${statement.Sid} is repeated or has other characters`;
    sids.add(statement.Sid);
    if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') return 'Effect is neither';
    if (statement.Action === undefined) return 'Action is missing';
    if ((kind === 'identity') !== (statement.Principal === undefined)) return 'Principal does not belong';
    if ((kind === 'trust') !== (statement.Resource === undefined)) return 'Resource does not belong';
    for (const operator of Object.keys(statement.Condition ?? {})) {
      if (compareBy(operator) === undefined) return `the operator ${operator} is not known`;
    }
  }
  return null;
}

/** Whether a statement of the effect fits the question. */
export function fits(text: string | null, effect: 'Allow' | 'Deny', ask: Ask): boolean {
  return statementsOf(text).some(
    (statement) =>
      statement.Effect === effect &&
      (statement.Principal === undefined || isPrincipal(statement.Principal, ask.principalArn)) &&
      listOf(statement.Action).some((pattern) => like(pattern, ask.action)) &&
      listOf(statement.Resource).some((pattern) => like(pattern, ask.resource)) &&
      conditionHolds(statement.Condition ?? {}, ask.context),
  );
}

/** Whether a bucket policy lets strangers in. */
export function isPublic(text: string): boolean {
  return statementsOf(text).some(
    ({ Effect, Principal, Condition }) =>
      Effect === 'Allow' && isPrincipal(Principal, null) && Condition === undefined,
  );
}

function statementsOf(text: string | null): readonly Statement[] {
  if (text === null) return [];
  const { Statement = [] } = JSON.parse(text) as { Statement?: Statement | readonly Statement[] };
  return Array.isArray(Statement) ? Statement : [Statement as Statement];
}

function isPrincipal(principal: unknown, arn: string | null): boolean {
  if (principal === '*') return true;
  if (typeof principal !== 'object' || principal === null) return false;
  const named = listOf((principal as { AWS?: string | readonly string[] }).AWS);
  return named.some((name) => name === '*' || (arn !== null && name === arn));
}

function conditionHolds(condition: NonNullable<Statement['Condition']>, context: Ask['context']): boolean {
  return Object.entries(condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const value = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
      return compareBy(operator)?.(value, listOf(wanted)) ?? false;
    }),
  );
}

type Compare = (value: string | undefined, wanted: readonly string[]) => boolean;

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html */
function compareBy(operator: string): Compare | undefined {
  if (operator.endsWith('IfExists')) {
    const inner = compareBy(operator.slice(0, -'IfExists'.length));
    return inner && ((value, wanted) => value === undefined || inner(value, wanted));
  }
  const is: Compare = (value, wanted) => value !== undefined && wanted.some((each) => like(each, value));
  switch (operator) {
    case 'Bool':
    case 'StringEquals':
    case 'StringLike':
    case 'ArnEquals':
    case 'ArnLike':
    case 'ForAnyValue:StringEquals':
      return is;
    case 'StringNotEquals':
    case 'StringNotLike':
    case 'ArnNotEquals':
    case 'ArnNotLike':
      return (value, wanted) => !is(value, wanted);
    case 'Null':
      return (value, wanted) => wanted.includes(String(value === undefined));
    default:
      return undefined;
  }
}

function listOf(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === 'string' ? [value] : value;
}

function like(pattern: string, text: string): boolean {
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`).test(text);
}
