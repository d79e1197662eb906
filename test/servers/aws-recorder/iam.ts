import { type Exchange, Refusal, sendXml } from './answers.ts';
import { policyMisfit } from './policies.ts';
import { escapeXml } from './xml.ts';

/** A role or user with its inline policies. */
export interface RecordedIdentity {
  readonly kind: 'role' | 'user';
  readonly name: string;
  trust: string | null;
  readonly policies: Map<string, string>;
}

/** What each action takes, as the API reference has it; `!` marks what it must have. */
const PARAMETERS: Readonly<Record<string, readonly string[]>> = {
  GetRole: ['RoleName!'],
  GetUser: ['UserName!'],
  CreateRole: ['RoleName!', 'AssumeRolePolicyDocument!', 'Description', 'Path'],
  CreateUser: ['UserName!', 'Path'],
  UpdateAssumeRolePolicy: ['RoleName!', 'PolicyDocument!'],
  GetRolePolicy: ['RoleName!', 'PolicyName!'],
  GetUserPolicy: ['UserName!', 'PolicyName!'],
  PutRolePolicy: ['RoleName!', 'PolicyName!', 'PolicyDocument!'],
  PutUserPolicy: ['UserName!', 'PolicyName!', 'PolicyDocument!'],
  DeleteRolePolicy: ['RoleName!', 'PolicyName!'],
  DeleteUserPolicy: ['UserName!', 'PolicyName!'],
  DeleteRole: ['RoleName!'],
  DeleteUser: ['UserName!'],
};

/** Answers one request of IAM's query protocol. */
export function answerIam(
  exchange: Exchange,
  identities: Map<string, RecordedIdentity>,
  accountId: string,
): void {
  const form = new URLSearchParams(exchange.body.toString());
  const action = form.get('Action') ?? '';
  const known = PARAMETERS[action];
  if (form.get('Version') !== '2010-05-08' || known === undefined)
    throw new Refusal(400, 'InvalidAction', `Could not find operation ${action}`);
  for (const name of form.keys()) {
    if (!['Action', 'Version', ...known.map((each) => each.replace('!', ''))].includes(name))
      throw new Refusal(400, 'ValidationError', `${name} is not known.`);
  }
  const missing = known.find((each) => each.endsWith('!') && !form.get(each.slice(0, -1)));
  if (missing !== undefined) throw new Refusal(400, 'ValidationError', `${missing} is missing.`);
  const inside = act(action, form, identities, accountId);
  sendXml(
    exchange,
    `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><${action}Result>${inside}</${action}Result><ResponseMetadata><RequestId>recorded</RequestId></ResponseMetadata></${action}Response>`,
  );
}

function act(
  action: string,
  form: URLSearchParams,
  identities: Map<string, RecordedIdentity>,
  accountId: string,
): string {
  const kind = form.has('RoleName') ? 'role' : 'user';
  const name = form.get('RoleName') ?? form.get('UserName') ?? '';
  const identity = identities.get(`${kind}/${name}`);
  const document = form.get('PolicyDocument') ?? form.get('AssumeRolePolicyDocument');
  if (document !== null) {
    const isTrust = action === 'CreateRole' || action === 'UpdateAssumeRolePolicy';
    const wrong = policyMisfit(document, isTrust ? 'trust' : 'identity');
    if (wrong !== null) throw new Refusal(400, 'MalformedPolicyDocument', wrong);
  }
  if (action.startsWith('Create')) {
    if (identity !== undefined) throw new Refusal(409, 'EntityAlreadyExists', `${name} exists.`);
    const made: RecordedIdentity = { kind, name, trust: document, policies: new Map() };
    identities.set(`${kind}/${name}`, made);
    return describe(made, accountId);
  }
  if (identity === undefined) throw new Refusal(404, 'NoSuchEntity', `${name} cannot be found.`);
  const policyName = form.get('PolicyName') ?? '';
  if (action === 'UpdateAssumeRolePolicy') identity.trust = document;
  else if (/^Put.*Policy$/.test(action)) identity.policies.set(policyName, document ?? '');
  else if (action === 'DeleteRole' || action === 'DeleteUser') {
    if (identity.policies.size > 0)
      throw new Refusal(409, 'DeleteConflict', 'Cannot delete entity, must delete policies first.');
    identities.delete(`${kind}/${name}`);
  } else if (/Policy$/.test(action)) {
    const text = identity.policies.get(policyName);
    if (text === undefined) throw new Refusal(404, 'NoSuchEntity', `${policyName} cannot be found.`);
    if (action.startsWith('Delete')) identity.policies.delete(policyName);
    else {
      const owner = kind === 'role' ? 'RoleName' : 'UserName';
      return `<${owner}>${name}</${owner}><PolicyName>${policyName}</PolicyName><PolicyDocument>${encodeURIComponent(text)}</PolicyDocument>`;
    }
  } else return describe(identity, accountId);
  return '';
}

function describe({ kind, name, trust }: RecordedIdentity, accountId: string): string {
  const tag = kind === 'role' ? 'Role' : 'User';
  const document =
    trust === null
      ? ''
      : `<AssumeRolePolicyDocument>${escapeXml(encodeURIComponent(trust))}</AssumeRolePolicyDocument>`;
  return `<${tag}><Path>/</Path><${tag}Name>${name}</${tag}Name><${tag}Id>AIDARECORDED</${tag}Id><Arn>arn:aws:iam::${accountId}:${kind}/${name}</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate>${document}</${tag}>`;
}
