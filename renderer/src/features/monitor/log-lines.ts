/** The log of a run as lines, built from pages. Pure. */

export interface LogLines {
  lines: readonly string[];
  /** Lines let go at the beginning, so that a huge log cannot fill the window's memory. */
  dropped: number;
  /** The end of the last page, when it was no whole line. */
  rest: string;
}

export const MAX_LINES = 100_000;
export const emptyLog: LogLines = { lines: [], dropped: 0, rest: '' };

export function appendPage(log: LogLines, text: string, maxLines = MAX_LINES): LogLines {
  if (text === '') return log;
  const fresh = (log.rest + text).split('\n').map((line) => line.replace(/\r$/, ''));
  const rest = fresh.pop() ?? '';
  const all = [...log.lines, ...fresh];
  const over = Math.max(0, all.length - maxLines);
  return { lines: over > 0 ? all.slice(over) : all, dropped: log.dropped + over, rest };
}

/** Every line, the unfinished one too. */
export const shownLines = ({ lines, rest }: LogLines): readonly string[] => (rest ? [...lines, rest] : lines);

/** Numbers of the lines that contain the text, whatever its case; null for an empty search. */
export function matchingLines(lines: readonly string[], search: string): number[] | null {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return null;
  const found: number[] = [];
  lines.forEach((line, i) => {
    if (line.toLowerCase().includes(wanted)) found.push(i);
  });
  return found;
}

/** A line cut at the found text: [text, hit, text, hit, ...]. */
export function splitAtHits(line: string, search: string): string[] {
  const wanted = search.trim().toLowerCase();
  if (wanted === '') return [line];
  const lower = line.toLowerCase();
  const parts: string[] = [];
  let from = 0;
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, from)) {
    parts.push(line.slice(from, at), line.slice(at, at + wanted.length));
    from = at + wanted.length;
  }
  parts.push(line.slice(from));
  return parts;
}
