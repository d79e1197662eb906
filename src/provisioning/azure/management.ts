import { setTimeout as delay } from 'node:timers/promises';
import type { TokenCredential } from '@azure/identity';
import type { Json } from '../json.ts';
import { ProvisioningError } from '../provider.ts';
import { type AzureProvisioningParts, accountNameOf, MANAGEMENT_ENDPOINT } from './parts.ts';

/** Version of the API whose shapes are used here. */
const API_VERSION = '2023-05-01';
const SCOPE = 'https://management.azure.com/.default';
const CALL_MS_MAX = 30_000;
const ATTEMPTS_MAX = 4;

/** Calls of the management API on one storage account, with a token of `@azure/identity`. */
export interface Management {
  /** What is at a place below the account; undefined when there is nothing. */
  get<Resource>(place: string, signal: AbortSignal): Promise<Resource | undefined>;
  send(
    method: 'PATCH' | 'PUT' | 'DELETE',
    place: string,
    body: object | null,
    signal: AbortSignal,
  ): Promise<void>;
}

/** Opens the management API; null where the settings name no subscription, so that it can't be reached. */
export function openManagement(parts: AzureProvisioningParts): Management | null {
  const { subscriptionId, resourceGroup } = parts.provisioning.azure;
  const account = accountNameOf(parts);
  if (subscriptionId === null || resourceGroup === null || account === null) return null;
  const base = `${parts.managementEndpoint ?? MANAGEMENT_ENDPOINT}/subscriptions/${subscriptionId}/resourceGroups/${encodeURIComponent(resourceGroup)}/providers/Microsoft.Storage/storageAccounts/${account}`;
  let credential: TokenCredential | undefined = parts.operator;
  const call = async (method: string, place: string, body: object | null, signal: AbortSignal) => {
    if (credential === undefined) {
      const { DefaultAzureCredential } = await import('@azure/identity');
      credential = new DefaultAzureCredential();
    }
    const token = await credential.getToken(SCOPE, { abortSignal: signal });
    if (token === null) throw new ProvisioningError('There is no login for Azure here: az login.');
    for (let attempt = 1; ; attempt++) {
      const answer = await fetch(`${base}${place}?api-version=${API_VERSION}`, {
        method,
        headers: { authorization: `Bearer ${token.token}`, 'content-type': 'application/json' },
        ...(body !== null && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(CALL_MS_MAX)]),
      });
      const isPassing = answer.status === 409 || answer.status === 429 || answer.status >= 500;
      if (!isPassing || attempt === ATTEMPTS_MAX) return answer;
      await answer.body?.cancel();
      await delay(1000 * attempt, undefined, { signal });
    }
  };
  return {
    async get<Resource>(place: string, signal: AbortSignal) {
      const answer = await call('GET', place, null, signal);
      if (answer.status === 404) {
        await answer.body?.cancel();
        return undefined;
      }
      if (!answer.ok) throw await failure('Reading the account', answer);
      return (await answer.json()) as Resource;
    },
    async send(method, place, body, signal) {
      const answer = await call(method, place, body, signal);
      if (!answer.ok) throw await failure('Changing the account', answer);
      await answer.body?.cancel();
    },
  };
}

async function failure(what: string, answer: Response): Promise<ProvisioningError> {
  const text = await answer.text();
  let reason = text.slice(0, 300);
  try {
    const { error } = JSON.parse(text) as { error?: { code?: Json; message?: Json } };
    reason = `${error?.code}: ${error?.message}`;
  } catch {
    // Something between us and the API answered.
  }
  return new ProvisioningError(`${what} was refused (${answer.status}, ${reason}).`);
}
