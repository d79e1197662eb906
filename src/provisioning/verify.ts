import { isStowageError } from '../core/errors.ts';
import { planSetting } from './plan.ts';
import { type Asker, type Finding, fail, ok, type Provider, warn } from './provider.ts';

export interface VerifyOptions {
  /** Settings and questions that somebody else looks after. */
  readonly leaveOut: readonly string[];
  readonly signal: AbortSignal;
  /** Whose questions are asked; the settings themselves are compared for the operator only. */
  readonly askers: readonly Asker[];
  readonly onFinding?: (finding: Finding) => void;
}

/** Asks every question, whatever the others answer. Probes leave nothing behind. */
export async function verifyProvisioning(
  provider: Provider,
  options: VerifyOptions,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const add = (found: readonly Finding[]): void => {
    for (const finding of found) {
      findings.push(finding);
      options.onFinding?.(finding);
    }
  };
  if (options.askers.includes('operator')) {
    for (const setting of provider.settings) {
      options.signal.throwIfAborted();
      if (options.leaveOut.includes(setting.name)) continue;
      try {
        const { action, differences } = await planSetting(setting, options.signal);
        const mend = `stowage provision apply${setting.mend === undefined ? '' : `; ${setting.mend}`}`;
        if (action === 'none') add([ok(setting.name, 'As it should be.')]);
        else if (action === 'create') add([fail(setting.name, `Missing. ${setting.protects}`, mend)]);
        else {
          const places = differences.map(({ path }) => path || 'its value').join(', ');
          add([fail(setting.name, `Differs at ${places}. ${setting.protects}`, mend)]);
        }
      } catch (error) {
        options.signal.throwIfAborted();
        add([fail(setting.name, messageOf(error), 'Check the keys and their rights.')]);
      }
    }
  }
  for (const probe of provider.probes) {
    if (!options.askers.includes(probe.asker) || options.leaveOut.includes(probe.check)) continue;
    options.signal.throwIfAborted();
    try {
      const found = await probe.ask(options.signal);
      add(found.filter(({ check }) => !options.leaveOut.includes(check)));
    } catch (error) {
      options.signal.throwIfAborted();
      add([
        fail(
          probe.check,
          `Can't be asked: ${messageOf(error)}`,
          'Check that the store can be reached from here.',
        ),
      ]);
    }
  }
  for (const warning of options.askers.includes('operator') ? provider.warnings : [])
    add([warn('warnings', warning, 'See the guide of the provider.')]);
  return findings;
}

/** Whether something is not as it should be. */
export function hasFailures(findings: readonly Finding[]): boolean {
  return findings.some(({ status }) => status === 'fail');
}

/** The message, and for our own errors also that of the cause, which is for operators. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  const cause = isStowageError(error) && error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${message}${cause}`.slice(0, 400);
}
