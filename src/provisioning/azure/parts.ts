import type { TokenCredential } from '@azure/identity';
import type { ProvisioningConfig } from '../../config/provisioning-config.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';

/** What a container should be, and who makes it so. */
export interface AzureProvisioningParts {
  readonly container: string;
  /** Account and its key in one text; null: a token for `accountUrl`. */
  readonly connectionString: string | null;
  readonly accountUrl: string | null;
  readonly provisioning: ProvisioningConfig;
  /** Tokens of whoever may change the account; absent: the environment, the machine, the developer's login. */
  readonly operator?: TokenCredential;
  /** Base URL of the management API; absent: Azure's. */
  readonly managementEndpoint?: string;
  readonly clock: Clock;
  readonly log: Log;
}

export const MANAGEMENT_ENDPOINT = 'https://management.azure.com';

/** The account's name, from its address or the connection string; null when neither tells. */
export function accountNameOf(
  parts: Pick<AzureProvisioningParts, 'connectionString' | 'accountUrl'>,
): string | null {
  const named = /(?:^|;)\s*AccountName=([^;]+)/i.exec(parts.connectionString ?? '')?.[1];
  return named ?? /^https?:\/\/([^./]+)\./.exec(parts.accountUrl ?? '')?.[1] ?? null;
}
