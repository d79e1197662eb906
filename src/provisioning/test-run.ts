import { type Applied, applyProvisioning } from './apply.ts';
import { type Plan, planProvisioning } from './plan.ts';
import type { Asker, Finding, Provider } from './provider.ts';
import { verifyProvisioning } from './verify.ts';

const EVERYBODY: readonly Asker[] = ['operator', 'backend', 'stranger'];

/** Applies without questions. */
export function applyAll(provider: Provider, leaveOut: readonly string[] = []): Promise<Applied> {
  return applyProvisioning(provider, {
    leaveOut,
    signal: new AbortController().signal,
    progress: () => undefined,
    confirm: async () => true,
  });
}

export function planAll(provider: Provider, leaveOut: readonly string[] = []): Promise<Plan> {
  return planProvisioning(provider, { leaveOut, signal: new AbortController().signal });
}

/** All findings, as everybody. */
export function verifyAll(
  provider: Provider,
  options: { readonly leaveOut?: readonly string[]; readonly askers?: readonly Asker[] } = {},
): Promise<readonly Finding[]> {
  const { leaveOut = [], askers = EVERYBODY } = options;
  return verifyProvisioning(provider, { leaveOut, askers, signal: new AbortController().signal });
}

/** Names of the checks that failed. */
export function failuresOf(findings: readonly Finding[]): readonly string[] {
  return findings.filter(({ status }) => status === 'fail').map(({ check }) => check);
}

/** Names of the settings that differ. */
export function driftOf(plan: Plan): readonly string[] {
  return plan.changes
    .filter(({ action }) => action === 'create' || action === 'change')
    .map(({ setting }) => setting);
}
