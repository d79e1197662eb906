import type { Difference, Json } from '../provisioning/json.ts';
import type { Plan, PlannedChange } from '../provisioning/plan.ts';
import type { Finding } from '../provisioning/provider.ts';
import type { Terminal } from './terminal.ts';

type Paint = Terminal['paint'];

const SIGNS = { create: '+', change: '~', none: '=', left_out: '·' } as const;
const STYLES = { create: 'green', change: 'yellow', none: 'dim', left_out: 'dim' } as const;
/** Longest value in one line; `--json` has all of it. */
const VALUE_CHARACTERS_MAX = 160;

/** A plan for people, one setting after the other. */
export function planLines(plan: Plan, paint: Paint): readonly string[] {
  const width = Math.max(...plan.changes.map(({ setting }) => setting.length));
  const counts = (action: PlannedChange['action']) =>
    plan.changes.filter((change) => change.action === action).length;
  return [
    paint('bold', `${plan.provider} ${plan.bucket}`),
    ...plan.changes.flatMap((change) => [
      paint(
        STYLES[change.action],
        `${SIGNS[change.action]} ${change.setting.padEnd(width)}  ${wordOf(change)}`,
      ),
      ...change.differences.map((difference) => `    ${differenceLine(difference, paint)}`),
    ]),
    ...plan.warnings.map((warning) => paint('yellow', `! ${warning}`)),
    plan.has_drift
      ? `${counts('create')} to make, ${counts('change')} to change, ${counts('none')} as they should be.`
      : paint('green', 'Everything is as it should be.'),
  ];
}

function wordOf({ action, protects }: PlannedChange): string {
  if (action === 'none') return 'as it should be';
  return action === 'left_out' ? 'left out by provisioning.leaveOut' : protects;
}

function differenceLine({ path, current, desired }: Difference, paint: Paint): string {
  const name = path === '' ? '' : `${path}: `;
  if (current === undefined) return paint('green', `${name}${valueText(desired)}`);
  if (desired === undefined) return paint('red', `${name}${valueText(current)} goes`);
  return `${name}${paint('red', valueText(current))} → ${paint('green', valueText(desired))}`;
}

function valueText(value: Json | undefined): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.length > VALUE_CHARACTERS_MAX ? `${text.slice(0, VALUE_CHARACTERS_MAX)}…` : text;
}

/** One finding for people. */
export function findingLine({ check, status, detail }: Finding, paint: Paint): string {
  const style = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  return `${paint(style[status], status.padEnd(4))} ${check.padEnd(24)} ${detail}`;
}
