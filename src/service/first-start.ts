import { mintToken } from '../access/mint-token.ts';
import type { Config } from '../config/config.ts';

/** Life of the token that the first start prints, in seconds: long enough to play for a day. */
const TOKEN_SECONDS = 24 * 60 * 60;

/**
 * What a newcomer needs to upload a first file: a token and a line to paste. Never in production, and only when there
 * is a secret of our own to make the token with.
 *
 * @returns the lines to show; empty when there is nothing to show.
 */
export async function firstSteps(
  config: Pick<Config, 'environment' | 'access' | 'assetTypes' | 'dataDir' | 'madeSecrets'>,
  options: { readonly url: string; readonly nowMs: number; readonly isWatched: boolean },
): Promise<readonly string[]> {
  const isWanted =
    config.madeSecrets.length > 0 || (config.environment === 'development' && options.isWatched);
  if (config.environment === 'production' || config.access.jwtSecrets.length === 0 || !isWanted) return [];
  const token = await mintToken(config.access, {
    userId: 'you',
    tenantId: 'default',
    role: 'admin',
    lifetimeSeconds: TOKEN_SECONDS,
    nowMs: options.nowMs,
  });
  const assetType = config.assetTypes.has('image') ? 'image' : [...config.assetTypes.keys()][0];
  return [
    '',
    ...(config.madeSecrets.length > 0
      ? [`Made ${config.madeSecrets.join(' and ')}; kept in ${config.dataDir}.`]
      : []),
    'A token for trying out (admin, valid for a day; make others with "stowage token"):',
    '',
    `  ${token}`,
    '',
    'Upload a picture of yours:',
    '',
    `  curl -H "Authorization: Bearer ${token}" -F asset_type=${assetType} -F files=@photo.jpg ${options.url}/api/upload`,
    '',
    `All that it answers: ${options.url}/api/docs`,
    '',
  ];
}
