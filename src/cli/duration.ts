import { UsageError } from './command.ts';

const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * Reads a duration such as `90s`, `15m`, `24h` or `7d`.
 *
 * @returns whole seconds.
 * @throws UsageError naming the flag.
 */
export function parseDurationSeconds(flag: string, text: string): number {
  const match = /^(\d{1,9})([smhd])$/.exec(text.trim());
  const unit = UNIT_SECONDS[match?.[2] ?? ''];
  if (match?.[1] === undefined || unit === undefined) {
    throw new UsageError(`--${flag} must be a duration such as 90s, 15m, 24h or 7d`);
  }
  return Number(match[1]) * unit;
}
