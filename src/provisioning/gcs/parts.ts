import type { ProvisioningConfig } from '../../config/provisioning-config.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';

/** What a bucket of Google should be, and who makes it so. */
export interface GcsProvisioningParts {
  readonly bucket: string;
  readonly projectId: string | null;
  /** Key file of the service's own account; null: application default credentials. */
  readonly credentialsPath: string | null;
  /** Key file of whoever may change buckets; null: application default credentials. */
  readonly operatorCredentialsPath: string | null;
  /** Whether the service's account is another one than the operator's, as far as is known here. */
  readonly backendIsOther: boolean;
  /** Null: Google's. */
  readonly endpoint: string | null;
  readonly provisioning: ProvisioningConfig;
  readonly clock: Clock;
  readonly log: Log;
}
