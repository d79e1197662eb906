import { differencesOf } from './json.ts';
import { type Plan, planProvisioning } from './plan.ts';
import { type Provider, ProvisioningError, type Setting } from './provider.ts';

/** What `apply` did. */
export interface Applied {
  readonly plan: Plan;
  /** Names of the settings that were made or changed, in order. */
  readonly applied: readonly string[];
  /** False when the operator said no. */
  readonly agreed: boolean;
}

export interface ApplyOptions {
  readonly leaveOut: readonly string[];
  readonly signal: AbortSignal;
  readonly progress: (line: string) => void;
  /** Asked before anything that exists is changed. @returns whether to go on. */
  readonly confirm: (plan: Plan) => Promise<boolean>;
}

/**
 * Makes everything as it is wanted, one setting after the other, in order. What is right already is left alone, so a run
 * that was stopped is taken up by another one.
 *
 * @throws ProvisioningError when a setting did not take; what was applied by then stays.
 */
export async function applyProvisioning(provider: Provider, options: ApplyOptions): Promise<Applied> {
  const plan = await planProvisioning(provider, options);
  if (!plan.has_drift) return { plan, applied: [], agreed: true };
  if (changesWhatExists(plan, provider.storeSetting) && !(await options.confirm(plan)))
    return { plan, applied: [], agreed: false };
  const applied: string[] = [];
  for (const setting of provider.settings) {
    if (options.leaveOut.includes(setting.name)) continue;
    options.signal.throwIfAborted();
    if (await applySetting(setting, options)) applied.push(setting.name);
  }
  return { plan, applied, agreed: true };
}

/** Whether something would change that somebody may rely on: a store that is there, not one about to be made. */
function changesWhatExists({ changes }: Plan, storeSetting: string): boolean {
  const isNew = changes.some(({ setting, action }) => setting === storeSetting && action === 'create');
  return isNew
    ? changes.some(({ action }) => action === 'change')
    : changes.some(({ action }) => action === 'change' || action === 'create');
}

/** @returns whether anything had to be done. */
async function applySetting(setting: Setting, options: ApplyOptions): Promise<boolean> {
  const { signal, progress } = options;
  // Read again: something earlier in this run may have changed it.
  const current = await setting.read(signal);
  if (differencesOf(current, await setting.desired(signal)).length === 0) return false;
  progress(`${setting.name} …`);
  try {
    await setting.apply(current, { signal, progress });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProvisioningError) throw error;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    throw new ProvisioningError(
      `The store refused ${setting.name} (${reason}). What was applied before it stays, and apply can be repeated. ` +
        'A setting that this store does not know, or that somebody else looks after, belongs into provisioning.leaveOut.',
      { cause: error },
    );
  }
  await settled(setting, signal);
  return true;
}

/** Stores answer old values for a moment after a change; after this many tries it did not take. */
const READ_BACK_MAX = 10;
const READ_BACK_PAUSE_MS = 500;

async function settled(setting: Setting, signal: AbortSignal): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const [current, desired] = [await setting.read(signal), await setting.desired(signal)];
    const [difference] = differencesOf(current, desired);
    if (difference === undefined) return;
    if (attempt === READ_BACK_MAX)
      throw new ProvisioningError(
        `The store took ${setting.name} but shows something else at ${difference.path || 'its place'}: it may not know this setting. ` +
          `If somebody else looks after it, name it in provisioning.leaveOut.`,
      );
    await pause(READ_BACK_PAUSE_MS, signal);
  }
}

/** Waits; throws when the signal fires. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, delayMs);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
