import { mintToken } from '../../access/mint-token.ts';
import { type Command, EXIT, UsageError } from '../command.ts';
import { parseDurationSeconds } from '../duration.ts';

/** Longest life of a token made here, in seconds: a year. */
const LIFETIME_SECONDS_MAX = 366 * 86_400;

/** Makes a token, for trying out and for machines. */
export const tokenCommand: Command = {
  name: 'token',
  summary: 'Make a token that this service accepts.',
  flags: {
    user: {
      type: 'string',
      value: 'ID',
      required: true,
      summary: 'The user: owner of what is uploaded with it.',
    },
    tenant: { type: 'string', value: 'T', summary: 'The tenant. Default: default.' },
    role: { type: 'string', value: 'ROLE', summary: 'user or admin. Default: user.' },
    expires: {
      type: 'string',
      value: '1h',
      summary: 'Life of the token, for example 15m, 1h, 30d. Default: 1h.',
    },
  },
  secrets: ['JWT_SECRET'],
  positionals: [],
  async run(context, args) {
    const userId = args.text('user') ?? '';
    const tenantId = args.text('tenant') ?? 'default';
    const role = args.text('role') ?? 'user';
    if (role !== 'user' && role !== 'admin') throw new UsageError('--role must be user or admin');
    const lifetimeSeconds = parseDurationSeconds('expires', args.text('expires') ?? '1h');
    if (lifetimeSeconds < 1 || lifetimeSeconds > LIFETIME_SECONDS_MAX) {
      throw new UsageError('--expires must be from 1s to 366d');
    }
    const { access } = await context.loadConfig();
    if (access.jwtSecrets.length === 0) {
      throw new UsageError('Tokens come from JWKS_URL here: ask its identity provider for one');
    }
    const nowMs = Date.now();
    const token = await mint(access, { userId, tenantId, role, lifetimeSeconds, nowMs });
    await context.terminal.print(
      context.json
        ? JSON.stringify({
            token,
            user_id: userId,
            tenant_id: tenantId,
            role,
            expires_at: new Date((Math.floor(nowMs / 1000) + lifetimeSeconds) * 1000).toISOString(),
          })
        : token,
    );
    return EXIT.done;
  },
};

async function mint(...[settings, options]: Parameters<typeof mintToken>): Promise<string> {
  try {
    return await mintToken(settings, options);
  } catch (error) {
    if (error instanceof TypeError) throw new UsageError(error.message);
    throw error;
  }
}
