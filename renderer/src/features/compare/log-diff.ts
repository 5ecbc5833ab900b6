/** Two logs line by line, what passes in every run (times, process numbers) left out. Pure. */
import { diffArrays } from 'diff';

export interface LogLine {
  kind: 'same' | 'added' | 'removed' | 'skipped';
  text: string;
}

/** Lines around a difference. */
const CONTEXT = 2;
/** Of each log: more would take long to compare, and nobody reads it. */
export const MOST_LINES = 4000;

/** A line without what is never the same: stamps, durations, speeds, process numbers. */
export function plainLine(line: string): string {
  return line
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?/g, '<time>')
    .replace(/\b\d\d:\d\d:\d\d(\.\d+)?\b/g, '<time>')
    .replace(/\b\d+(\.\d+)?\s?(ms|s|min|h)\b/g, '<duration>')
    .replace(/\bpid \d+\b/g, 'pid <n>')
    .replace(/"(time|timeUs|pid)":\s*\d+/g, '"$1":<n>');
}

export function logDiff(before: readonly string[], after: readonly string[]): LogLine[] {
  const [a, b] = [before.slice(0, MOST_LINES), after.slice(0, MOST_LINES)];
  const changes = diffArrays(a.map(plainLine), b.map(plainLine));
  const lines: LogLine[] = [];
  let [left, right] = [0, 0];
  for (const { added, removed, count = 0 } of changes) {
    if (added) for (const text of b.slice(right, right + count)) lines.push({ kind: 'added', text });
    else
      for (const text of a.slice(left, left + count))
        lines.push({ kind: removed ? 'removed' : 'same', text });
    if (!added) left += count;
    if (!removed) right += count;
  }
  return folded(lines);
}

/** Long stretches of equal lines become one line that says how many. */
function folded(lines: readonly LogLine[]): LogLine[] {
  const near = (k: number) =>
    lines.slice(Math.max(0, k - CONTEXT), k + CONTEXT + 1).some(({ kind }) => kind !== 'same');
  const shown: LogLine[] = [];
  let skipped = 0;
  const close = () => {
    if (skipped > 0)
      shown.push({ kind: 'skipped', text: `${skipped} equal ${skipped === 1 ? 'line' : 'lines'}` });
    skipped = 0;
  };
  for (const [k, line] of lines.entries()) {
    if (near(k)) {
      close();
      shown.push(line);
    } else skipped += 1;
  }
  close();
  return shown;
}
