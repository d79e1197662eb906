import { StowageError } from '../../core/errors.ts';
import { translateCredentialsFault } from './errors.ts';
import type { S3Credentials } from './sign.ts';

/** Where credentials come from now. */
export interface CredentialSource {
  /**
   * The credentials to sign with. Temporary ones are renewed before they end while the old ones go on signing; however
   * many calls ask, the provider is asked once.
   *
   * @throws StowageError `storage_denied` without any, `storage_unavailable` when their provider is down.
   */
  current(): Promise<S3Credentials>;
  /**
   * Asks for others than those that the store refused as expired.
   *
   * @returns whether there are others, so that a call may be made again.
   */
  replace(refused: S3Credentials): Promise<boolean>;
}

/** What we call of the official chain: it renews in the background from 5 minutes before the end. */
type Provider = (options?: { readonly forceRefresh?: boolean }) => Promise<S3Credentials>;

/** Keys that the settings hold: the store's refusal of them is final. */
export function fixedCredentials(credentials: S3Credentials): CredentialSource {
  return { current: async () => credentials, replace: async () => false };
}

/**
 * The machine's own credentials by the official chain: environment, shared profile, web identity (IRSA), container,
 * instance role. The chain is loaded at the first use.
 */
export function machineCredentials(load: () => Promise<Provider> = loadChain): CredentialSource {
  let provider: Promise<Provider> | undefined;
  let replacement: Promise<S3Credentials> | undefined;
  const ask = async (forceRefresh: boolean): Promise<S3Credentials> => {
    try {
      provider ??= load();
      return await (await provider)(forceRefresh ? { forceRefresh } : {});
    } catch (error) {
      throw translateCredentialsFault(error);
    }
  };
  return {
    current: () => ask(false),
    async replace(refused) {
      const known = await ask(false);
      if (known.accessKeyId !== refused.accessKeyId || known.sessionToken !== refused.sessionToken)
        return true;
      // Long-lived keys of the environment or a profile stay what they are.
      if (refused.sessionToken === undefined) return false;
      replacement ??= ask(true).finally(() => {
        replacement = undefined;
      });
      const fresh = await replacement;
      return fresh.sessionToken !== refused.sessionToken;
    },
  };
}

async function loadChain(): Promise<Provider> {
  const { defaultProvider } = await import('@aws-sdk/credential-provider-node');
  const provider = defaultProvider();
  return async (options) => {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider(options);
    if (accessKeyId === '' || secretAccessKey === '')
      throw new StowageError('storage_denied', 'The credentials of this machine are empty.');
    return {
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      ...(expiration === undefined ? {} : { expiresAtMs: expiration.getTime() }),
    };
  };
}
