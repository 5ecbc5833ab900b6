/** Files that are no data of a kind that is read here, by their first bytes or their name: what they are, and the way to one that is. */
import { isUtf8 } from 'node:buffer';
import { extname } from 'node:path';
import { utf16 } from '../files/text.ts';

export interface Foreign {
  /** As in "x is an SQLite database." */
  what: string;
  hint: string;
}

const UNPACK = 'Unpack it, then import the file inside.';
const CONVERT =
  'Save its rows as JSONL, CSV or Parquet with the program that made it, then import that file.';
const IN_PYTHON = 'Load it in Python and save its rows as JSONL or Parquet, then import that file.';
const TEXT = 'Save what it says as a text, JSONL or CSV file, then import that.';

/** First bytes in latin1. */
const MAGIC: readonly [begins: string[], what: string, hint: string][] = [
  [['PK\x03\x04', 'PK\x05\x06'], 'is a zip archive.', UNPACK],
  [['7z\xbc\xaf', 'Rar!'], 'is an archive of files.', UNPACK],
  [['\x04\x22\x4d\x18'], 'is compressed with LZ4.', `${UNPACK} gz, zst, bz2 and xz are read as they are.`],
  [['SQLite format 3\0'], 'is an SQLite database.', 'Export the table as CSV, then import that file.'],
  [['\x93NUMPY'], 'is a NumPy array.', IN_PYTHON],
  [
    ['\x80\x02', '\x80\x03', '\x80\x04', '\x80\x05'],
    'is a Python pickle, a program that is not run.',
    IN_PYTHON,
  ],
  [['\x89HDF'], 'is an HDF5 file.', IN_PYTHON],
  [['Obj\x01'], 'is an Avro file.', CONVERT],
  [['%PDF-'], 'is a PDF document.', TEXT],
  [['\x89PNG', '\xff\xd8\xff', 'GIF8'], 'is a picture.', 'Only texts are trained.'],
];

/** Three of four bytes are zero, as in any text of the first 65,536 characters. */
function isUtf32(head: Buffer): boolean {
  if (head.length < 8) return false;
  const whole = head.length - (head.length % 4);
  const zeros = (at: number, other: number) => {
    for (let k = 0; k < whole; k += 4) if (head[k + at] !== 0 || head[k + other] !== 0) return false;
    return true;
  };
  const little = head.readUInt32LE(0) === 0xfeff || zeros(2, 3);
  return little || head.readUInt32BE(0) === 0xfeff || zeros(0, 1);
}

const NAMES: Readonly<Record<string, Foreign>> = {
  '.yaml': { what: 'is YAML.', hint: 'Save its list as JSON, then import that file.' },
  '.yml': { what: 'is YAML.', hint: 'Save its list as JSON, then import that file.' },
  '.orc': { what: 'is an ORC file.', hint: CONVERT },
  '.xml': { what: 'is XML.', hint: CONVERT },
};

/** Read by their own bytes: Parquet, Arrow as a file and as a stream. */
const READ = /^(PAR1|ARROW1|\xFF\xFF\xFF\xFF)/;

/** Control characters that texts do not have; tabs, line ends, form feeds and escapes they have. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const CONTROL = /[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/g;
/** Of the first bytes, where they are no UTF-8: a picture or an archive has far more, text in an old encoding none. */
const BINARY_SHARE = 0.02;

/** null: a text, or something that is read. `head`: the first bytes of the file; 512 are enough. */
export function foreignFormat(head: Buffer, name: string): Foreign | null {
  const text = head.toString('latin1');
  if (READ.test(text)) return null;
  for (const [begins, what, hint] of MAGIC)
    if (begins.some((bytes) => text.startsWith(bytes))) return { what, hint };
  if (isUtf32(head)) return { what: 'is a text in UTF-32.', hint: 'Save it as UTF-8.' };
  const named = NAMES[extname(name).toLowerCase()];
  if (named !== undefined) return named;
  if (utf16(head) !== null) return null;
  // A cut character at the end is no fault.
  const whole = [0, 1, 2, 3].some((cut) => isUtf8(head.subarray(0, head.length - cut)));
  const controls = text.match(CONTROL)?.length ?? 0;
  if (whole || controls < BINARY_SHARE * head.length) return null;
  return {
    what: 'holds binary data of an unknown kind, no text.',
    hint: 'Choose a JSONL, JSON, CSV, Parquet, Arrow or text file.',
  };
}
