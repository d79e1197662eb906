import { formatByteSize } from '../../core/bytes.ts';
import type { MoveCount } from './report.ts';

/** What a file costs besides its bytes, in bytes: requests and rows take time too. */
const FILE_WEIGHT = 64 * 1024;

/** One line about how far a move is: what is done of what there is, how fast, and how long the rest takes. */
export function progressLine(done: MoveCount, all: MoveCount, elapsedMs: number): string {
  const speed = elapsedMs < 1000 ? '' : `, ${formatByteSize(Math.round((done.bytes * 1000) / elapsedMs))}/s`;
  return (
    `${done.files} of ${all.files} files, ${formatByteSize(done.bytes)} of ${formatByteSize(all.bytes)}` +
    `${speed}${estimate(weightOf(done), weightOf(all), elapsedMs)}`
  );
}

function weightOf({ files, bytes }: MoveCount): number {
  return bytes + files * FILE_WEIGHT;
}

function estimate(done: number, all: number, elapsedMs: number): string {
  if (elapsedMs < 1000 || done === 0 || done >= all) return '';
  return `, about ${formatDuration(((all - done) / done) * elapsedMs)} left`;
}

/** A duration for people: `40 s`, `12 min`, `3.5 h`, `2.1 days`. */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Number((seconds / 3600).toFixed(1))} h`;
  return `${Number((seconds / 86_400).toFixed(1))} days`;
}
