import { SETTINGS, UNDERSTOOD_NAMES } from './settings.ts';

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Shorter names have too many innocent neighbours: HOST and HOME differ by one typo. */
const COMPARED_LENGTH_MIN = 8;
/** From this length on two typos count as one name misspelt, below only one. */
const TWO_TYPOS_LENGTH_MIN = 10;

/**
 * Finds variables that look like settings and are none: unknown `STOWAGE_*` names and misspelt settings. A typo must
 * not be silence.
 *
 * @returns one problem per variable, naming the setting that was probably meant; never a value.
 */
export function unknownSettings(env: Environment): string[] {
  const known = knownNames();
  const problems: string[] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || known.has(name) || isServiceDiscovery(name, value)) continue;
    const meant = nearestName(name, known);
    if (meant !== undefined) problems.push(`${name} is no setting; did you mean ${meant}?`);
    else if (name.startsWith('STOWAGE_')) problems.push(`${name} is no setting`);
  }
  return problems.sort();
}

/** Every name that the environment may use, `<NAME>_FILE` of secrets and aliases included. */
export function knownNames(): ReadonlySet<string> {
  const names = new Set(UNDERSTOOD_NAMES);
  for (const setting of SETTINGS) {
    for (const name of [setting.name, ...setting.aliases]) {
      names.add(name);
      if (setting.secret) names.add(`${name}_FILE`);
    }
  }
  return names;
}

/** The known name that `name` is a misspelling of; undefined when it is none. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  // Without its prefix a name such as STOWAGE_SIGNING_SECRET is one of ours.
  const bare = name.replace(/^STOWAGE_/, '');
  let nearest: string | undefined;
  let nearestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    if (bare !== name && bare === candidate) return candidate;
    if (Math.min(bare.length, candidate.length) < COMPARED_LENGTH_MIN) continue;
    const allowed = Math.min(bare.length, candidate.length) < TWO_TYPOS_LENGTH_MIN ? 1 : 2;
    const distance = editDistance(bare, candidate, allowed);
    if (distance <= allowed && distance < nearestDistance) {
      nearest = candidate;
      nearestDistance = distance;
    }
  }
  return nearest;
}

/** Kubernetes and Docker links describe a service named "stowage" by variables with our prefix. */
function isServiceDiscovery(name: string, value: string): boolean {
  return (
    /^(?:tcp|udp|sctp):\/\//.test(value) ||
    /_SERVICE_(?:HOST|PORT)(?:_|$)/.test(name) ||
    /_PORT_\d+_(?:TCP|UDP|SCTP)(?:_|$)/.test(name)
  );
}

/** Insertions, deletions and replacements between two texts; anything above `most` may be returned as more. */
function editDistance(left: string, right: string, most: number): number {
  if (Math.abs(left.length - right.length) > most) return most + 1;
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? most + 1;
}
