import type { Difference, Json } from '../provisioning/json.ts';
import type { Plan, PlannedChange } from '../provisioning/plan.ts';
import type { Finding } from '../provisioning/provider.ts';
import type { Terminal } from './terminal.ts';

type Paint = Terminal['paint'];

const SIGNS = { create: '+', change: '~', none: '=', left_out: '·' } as const;
const STYLES = { create: 'green', change: 'yellow', none: 'dim', left_out: 'dim' } as const;
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
      ...change.differences.flatMap((each) => differenceLines(each, paint)).map((line) => `    ${line}`),
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

function differenceLines({ path, current, desired }: Difference, paint: Paint): readonly string[] {
  if (current === undefined) return valueLines(path, desired ?? null).map((line) => paint('green', line));
  if (desired === undefined) return valueLines(path, current).map((line) => paint('red', `${line} goes`));
  const name = path === '' ? '' : `${path}: `;
  return [`${name}${paint('red', valueText(current))} → ${paint('green', valueText(desired))}`];
}

/** All of a value, a field on a line: what will be made is read here and nowhere else. */
function valueLines(path: string, value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [`${path === '' ? '' : `${path}: `}${valueText(value)}`];
  return Object.entries(value).flatMap(([name, inside]) =>
    valueLines(path === '' ? name : `${path}.${name}`, inside),
  );
}

function valueText(value: Json): string {
  if (typeof value === 'string') return value;
  const isPlainList = Array.isArray(value) && value.every((item) => typeof item === 'string');
  return isPlainList && value.length > 0 ? value.join(', ') : JSON.stringify(value);
}

/** One finding for people. */
export function findingLine({ check, status, detail }: Finding, paint: Paint): string {
  const style = { ok: 'green', warn: 'yellow', fail: 'red' } as const;
  return `${paint(style[status], status.padEnd(4))} ${check.padEnd(24)} ${detail}`;
}
