import { isStowageError } from '../../core/errors.ts';
import { StoreFailure } from '../../storage/faults.ts';
import { GcsClient } from '../../storage/gcs/client.ts';
import { ProvisioningError } from '../provider.ts';
import type { GcsProvisioningParts } from './parts.ts';

/** A bucket as the JSON API describes it, as far as we look at it. */
export interface GcsBucket {
  readonly location?: string;
  readonly iamConfiguration?: {
    readonly uniformBucketLevelAccess?: { readonly enabled?: boolean };
    readonly publicAccessPrevention?: string;
  };
  readonly versioning?: { readonly enabled?: boolean };
  readonly cors?: readonly GcsCorsRule[];
  readonly lifecycle?: { readonly rule?: readonly GcsLifecycleRule[] };
  readonly encryption?: { readonly defaultKmsKeyName?: string };
  readonly labels?: Readonly<Record<string, string>>;
}

export interface GcsCorsRule {
  readonly origin?: readonly string[];
  readonly method?: readonly string[];
  readonly responseHeader?: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface GcsLifecycleRule {
  readonly action: { readonly type: string; readonly storageClass?: string };
  readonly condition: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}

export interface GcsPolicy {
  readonly bindings?: readonly { readonly role: string; readonly members: readonly string[] }[];
  readonly etag?: string;
}

export interface GcsObjectVersion {
  readonly name: string;
  readonly generation: string;
}

/** Calls of the JSON API on a bucket, with the tokens of google-auth-library. */
export class BucketCalls {
  readonly #client: GcsClient;
  readonly #path: string;
  readonly #parts: GcsProvisioningParts;

  constructor(parts: GcsProvisioningParts) {
    const { bucket, endpoint, clock, log, operatorCredentialsPath: credentialsPath } = parts;
    this.#client = new GcsClient({
      ...{ bucket, endpoint, clock, log, credentialsPath },
      scope: 'devstorage.full_control',
    });
    this.#path = `/storage/v1/b/${encodeURIComponent(bucket)}`;
    this.#parts = parts;
  }

  /** The bucket; undefined when there is none. */
  async read(signal: AbortSignal): Promise<GcsBucket | undefined> {
    return orMissing(this.#client.callForJson<GcsBucket>({ method: 'GET', path: this.#path, signal }));
  }

  async create(location: string, signal: AbortSignal): Promise<void> {
    const { bucket: name, projectId } = this.#parts;
    if (projectId === null)
      throw new ProvisioningError('Making a bucket needs a project: set GCS_PROJECT_ID.');
    await this.#send('POST', '/storage/v1/b', {
      query: { project: projectId },
      body: {
        ...{ name, location },
        iamConfiguration: {
          uniformBucketLevelAccess: { enabled: true },
          publicAccessPrevention: 'enforced',
        },
      },
      signal,
    });
  }

  async patch(body: object, signal: AbortSignal): Promise<void> {
    await this.#send('PATCH', this.#path, { body, signal });
  }

  async remove(signal: AbortSignal): Promise<void> {
    await this.#send('DELETE', this.#path, { signal });
  }

  async readPolicy(signal: AbortSignal): Promise<GcsPolicy | undefined> {
    return orMissing(
      this.#client.callForJson<GcsPolicy>({ method: 'GET', path: `${this.#path}/iam`, signal }),
    );
  }

  async writePolicy(policy: GcsPolicy, signal: AbortSignal): Promise<void> {
    await this.#send('PUT', `${this.#path}/iam`, { body: policy, signal });
  }

  /** Objects and their old versions, one page. */
  async versions(prefix: string, signal: AbortSignal): Promise<readonly GcsObjectVersion[] | undefined> {
    const page = await orMissing(
      this.#client.callForJson<{ items?: readonly GcsObjectVersion[] }>({
        ...{ method: 'GET', path: `${this.#path}/o`, signal },
        query: { versions: 'true', prefix, maxResults: '1000' },
      }),
    );
    return page === undefined ? undefined : (page.items ?? []);
  }

  async readVersion({ name, generation }: GcsObjectVersion, signal: AbortSignal): Promise<string> {
    return this.#client.callForText({
      ...{ method: 'GET', path: `${this.#path}/o/${encodeURIComponent(name)}`, signal },
      query: { generation, alt: 'media' },
    });
  }

  async removeVersion({ name, generation }: GcsObjectVersion, signal: AbortSignal): Promise<void> {
    const path = `${this.#path}/o/${encodeURIComponent(name)}`;
    await orMissing(this.#send('DELETE', path, { query: { generation }, signal }));
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async #send(
    method: 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    path: string,
    call: { query?: Readonly<Record<string, string>>; body?: object; signal: AbortSignal },
  ): Promise<void> {
    await this.#client.callForText({
      ...{ method, path, signal: call.signal },
      ...(call.query !== undefined && { query: call.query }),
      ...(call.body !== undefined && {
        body: [Buffer.from(JSON.stringify(call.body))],
        headers: { 'content-type': 'application/json' },
      }),
    });
  }
}

async function orMissing<Answer>(call: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await call;
  } catch (error) {
    // A bucket that is missing is a setting to mend elsewhere; here it is what plan is about.
    const cause = isStowageError(error) ? error.cause : undefined;
    if (cause instanceof StoreFailure && cause.status === 404) return undefined;
    throw error;
  }
}
