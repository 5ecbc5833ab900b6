/**
 * The shape of a CSV file, decided here and not by DuckDB's sniffer, which skips lines it cannot place: the first record
 * is the header, every other record must have as many fields.
 */

const DELIMITERS = [',', '\t', ';', '|'] as const;

/** Fields of the first record of `text`; quotes may hold delimiters and line breaks. null: a quote is never closed. */
export function firstRecord(text: string, delimiter: string): string[] | null {
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] as string;
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === delimiter) {
      fields.push(field);
      field = '';
    } else if (character === '\n' || character === '\r') return [...fields, field];
    else field += character;
  }
  return quoted ? null : [...fields, field];
}

/** Excel's first line `sep=;`, which names the delimiter. null: there is none. */
export function separatorLine(head: string): { line: string; delimiter: string } | null {
  const found = /^"?sep=([^\r\n])"?(?:\r\n|\n|\r)/i.exec(head);
  return found === null ? null : { line: found[0], delimiter: found[1] as string };
}

/**
 * Records whose number of fields is not `width`, with the line they begin in, from 1; and the text of all others. `unclosed`: the
 * line of a quote that is never closed, and how many lines after it are in its field; null: there is none.
 */
export function raggedRecords(text: string, delimiter: string, width: number) {
  const kept: string[] = [];
  const ragged: { line: number; fields: number }[] = [];
  let [start, line, fields, quoted, fieldStart, first, opened] = [0, 1, 1, false, true, 1, 1];
  const end = (at: number) => {
    const record = text.slice(start, at);
    if (record.trim() === '' || fields === width) kept.push(record);
    else ragged.push({ line: first, fields });
    [start, fields, fieldStart, first] = [at, 1, true, line];
  };
  for (let at = 0; at < text.length; at += 1) {
    const one = text[at];
    if (one === '\n') line += 1;
    if (quoted) {
      if (one !== '"') continue;
      if (text[at + 1] === '"') at += 1;
      else quoted = false;
    } else if (one === '"' && fieldStart) [quoted, fieldStart, opened] = [true, false, line];
    else if (one === delimiter) {
      fields += 1;
      fieldStart = true;
    } else if (one === '\n' || (one === '\r' && text[at + 1] !== '\n')) end(at + 1);
    else fieldStart = false;
  }
  if (start < text.length) end(text.length);
  const after = line - opened - (text.endsWith('\n') ? 1 : 0);
  return { kept, ragged, unclosed: quoted ? { line: opened, lines: after } : null };
}

export interface CsvShape {
  delimiter: string;
  columns: string[];
}

/** Delimiter and columns from the beginning of a file: the delimiter that cuts the header into most fields. */
export function csvShape(head: string, given?: string): CsvShape | null {
  let best: CsvShape | null = null;
  for (const delimiter of given === undefined ? DELIMITERS : [given]) {
    const columns = firstRecord(head, delimiter);
    if (columns !== null && columns.length > (best?.columns.length ?? 0)) best = { delimiter, columns };
  }
  if (best === null) return null;
  return { delimiter: best.delimiter, columns: distinct(best.columns) };
}

/** Names as a table can have them: none empty, none twice (in any case). */
function distinct(names: readonly string[]): string[] {
  const taken = new Set<string>();
  return names.map((name, k) => {
    const base = name.trim() === '' ? `column_${k + 1}` : name.trim();
    let free = base;
    for (let n = 2; taken.has(free.toLowerCase()); n += 1) free = `${base}_${n}`;
    taken.add(free.toLowerCase());
    return free;
  });
}
