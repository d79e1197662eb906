import { type Difference, differencesOf, type Json } from './json.ts';
import { type Provider, ProvisioningError, type Setting } from './provider.ts';

/** What `apply` would do about one setting. Names are those of `plan --json`. */
export interface PlannedChange {
  readonly setting: string;
  readonly protects: string;
  /** `create` where nothing is, `change` where something else is, `none` where all is well. */
  readonly action: 'create' | 'change' | 'none' | 'left_out';
  readonly differences: readonly Difference[];
}

/** What `apply` would do. */
export interface Plan {
  readonly provider: Provider['name'];
  readonly bucket: string;
  readonly changes: readonly PlannedChange[];
  readonly has_drift: boolean;
  readonly warnings: readonly string[];
}

/** Compares what is there with what is wanted, setting by setting; changes nothing. */
export async function planProvisioning(
  provider: Provider,
  options: { readonly leaveOut: readonly string[]; readonly signal: AbortSignal },
): Promise<Plan> {
  const changes: PlannedChange[] = [];
  for (const setting of provider.settings) {
    changes.push(
      options.leaveOut.includes(setting.name) ? leftOut(setting) : await planSetting(setting, options.signal),
    );
  }
  const known = [...provider.settings.map(({ name }) => name), ...provider.probes.map(({ check }) => check)];
  return {
    provider: provider.name,
    bucket: provider.bucket,
    changes,
    has_drift: changes.some(({ action }) => action === 'create' || action === 'change'),
    warnings: [
      ...provider.warnings,
      ...options.leaveOut
        .filter((name) => !known.includes(name) && !isFinding(name, provider))
        .map(
          (name) =>
            `leaveOut names ${name}, which is neither a setting nor a question here. There are: ${known.join(', ')}.`,
        ),
    ],
  };
}

/** One probe may answer several questions, which begin with its name; whether strangers read is asked with a write. */
function isFinding(name: string, { probes }: Provider): boolean {
  return name === 'anonymous_read' || probes.some(({ check }) => name.startsWith(`${check}_`));
}

/** Compares one setting. */
export async function planSetting(setting: Setting, signal: AbortSignal): Promise<PlannedChange> {
  signal.throwIfAborted();
  const [current, desired] = await compared(setting, signal);
  const differences = differencesOf(current, desired);
  return {
    setting: setting.name,
    protects: setting.protects,
    action: differences.length === 0 ? 'none' : current === undefined ? 'create' : 'change',
    differences,
  };
}

async function compared(setting: Setting, signal: AbortSignal): Promise<[Json | undefined, Json]> {
  try {
    return [await setting.read(signal), await setting.desired(signal)];
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof ProvisioningError) throw error;
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const mend = /credential/i.test(reason)
      ? 'Name a profile with --profile, or set the keys of whoever may change the store in the environment.'
      : 'Check that the store can be reached from here, and the rights of who asks.';
    throw new ProvisioningError(`${setting.name} could not be read (${reason}). ${mend}`, { cause: error });
  }
}

function leftOut({ name, protects }: Setting): PlannedChange {
  return { setting: name, protects, action: 'left_out', differences: [] };
}
