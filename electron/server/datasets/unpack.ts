/// <reference path="./untyped-modules.d.ts" />
/** Files that hold a data file in another form: compressed, in another encoding, a pointer. Made into a plain UTF-8 file, or named. */
import { createReadStream, createWriteStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, extname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { CollieError } from '../../shared/errors.ts';
import { isRegular } from '../files/regular.ts';
import { standIn } from '../files/stand-in.ts';
import { utf16 } from '../files/text.ts';
import { foreignFormat } from './foreign.ts';

/** Encodings that text files may be read in; UTF-16 is seen by itself. */
export type Encoding = 'utf-8' | 'windows-1252';

const require = createRequire(import.meta.url);

const HEAD = 512;
const COMPRESSED = /\.(gz|gzip|zst|zstd|bz2|xz)$/i;

const refused = (path: string, what: string, hint: string) =>
  new CollieError('dataset.unreadable', `${path} ${what}`, hint, { path });

async function headOf(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const bytes = Buffer.alloc(HEAD);
    const { bytesRead } = await file.read(bytes, 0, HEAD, 0);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

async function unzstd(source: Readable, target: string): Promise<void> {
  const { Decompress } = await import('fzstd');
  const decompress = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      try {
        stream.push(chunk);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      try {
        stream.push(new Uint8Array(0), true);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
  });
  const stream = new Decompress((part: Uint8Array) => decompress.push(Buffer.from(part)));
  await pipeline(source, decompress, createWriteStream(target));
}

async function unxz(source: Readable, target: string): Promise<void> {
  // It is CommonJS whose names Node does not see: an import has them under `default` here, and beside it under other loaders.
  const { XzReadableStream } = require('xz-decompress') as typeof import('xz-decompress');
  const web = new XzReadableStream(Readable.toWeb(source) as ReadableStream<Uint8Array>);
  await pipeline(Readable.fromWeb(web as Parameters<typeof Readable.fromWeb>[0]), createWriteStream(target));
}

async function unbzip2(source: Readable, target: string): Promise<void> {
  const { default: bz2 } = await import('unbzip2-stream');
  await pipeline(source, bz2(), createWriteStream(target));
}

type Unpack = (source: Readable, target: string) => Promise<void>;

/** By the first bytes, not by the name. */
function compression(head: Buffer): Unpack | null {
  if (head[0] === 0x1f && head[1] === 0x8b)
    return (source, target) => pipeline(source, createGunzip(), createWriteStream(target));
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return unzstd;
  if (head.subarray(0, 6).equals(Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]))) return unxz;
  return head.subarray(0, 3).toString('latin1') === 'BZh' ? unbzip2 : null;
}

async function transcode(path: string, target: string, encoding: string): Promise<void> {
  const decoder = new TextDecoder(encoding);
  const text = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      done(null, decoder.decode(chunk, { stream: true }));
    },
    flush(done) {
      done(null, decoder.decode());
    },
  });
  await pipeline(createReadStream(path), text, createWriteStream(target));
}

/** `name`: of the file that begins so, which may be one inside of `path`. */
function refuseByName(path: string, name: string, head: Buffer): void {
  const instead = standIn(head);
  // A text may well be a page.
  const isText = instead?.kind === 'page' && /\.txt$/i.test(name);
  if (instead !== null && !isText) throw refused(path, instead.what, instead.hint);
  const old = head.length >= 4 && head.readUInt32BE(0) === 0xd0cf11e0;
  if (/\.(xlsx|xlsm|xls)$/i.test(name) || old)
    throw refused(
      path,
      'is an Excel workbook.',
      'Save the sheet in Excel as "CSV UTF-8", then import that file.',
    );
  if (head.subarray(257, 262).toString('latin1') === 'ustar' || /\.(tar|tgz|tar\.\w+|7z|rar)$/i.test(name))
    throw refused(path, 'is an archive of files.', 'Unpack it, then import one file.');
  if (compression(head) !== null) return;
  const foreign = foreignFormat(head, name);
  if (foreign !== null) throw refused(path, foreign.what, foreign.hint);
}

/**
 * The file to read in place of `path`: itself, or a copy in `folder` that is unpacked and in UTF-8; its name keeps the extension
 * that says what it is. Throws dataset.unreadable for what cannot be read, by its name.
 */
export async function unpacked(path: string, folder: string, encoding: Encoding = 'utf-8'): Promise<string> {
  let current = path;
  for (let layer = 0; layer < 3; layer += 1) {
    if (!(await isRegular(current))) return current;
    const head = await headOf(current);
    refuseByName(path, basename(current), head);
    const unpack = compression(head);
    const wide = unpack === null ? utf16(head) : null;
    const other =
      wide ?? (encoding === 'utf-8' || head.subarray(0, 4).toString('latin1') === 'PAR1' ? null : encoding);
    if (unpack === null && other === null) return current;
    const plain = basename(current).replace(COMPRESSED, '');
    const target = join(folder, `source-${layer}${extname(plain) || '.txt'}`);
    if (unpack === null) {
      await transcode(current, target, other as string);
      return target;
    }
    try {
      await unpack(createReadStream(current), target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
      throw refused(
        path,
        `cannot be unpacked: ${(error as Error).message}`,
        'The file is damaged or incomplete. Copy or download it again.',
      );
    }
    current = target;
  }
  return current;
}
