/**
 * The closed set of error codes. An error carries data and a next step, survives IPC, and is the same object
 * in the engine (C++ `collie::Error`), in the events of a run, in the API and in the UI.
 */
import type { ErrorInfo } from './error-info.ts';

export const errorCodes = [
  'spec.invalid', // data.issues: SpecIssue[]
  'model.not_found',
  'model.bad_config',
  'model.unknown_architecture',
  'model.unsupported_feature',
  'model.truncated',
  'model.missing_tensor',
  'model.bad_tensor',
  'model.no_tokenizer',
  'gguf.not_gguf',
  'gguf.unsupported_type',
  'dataset.not_found',
  'dataset.unreadable',
  'dataset.empty',
  'dataset.missing_column',
  'dataset.bad_row',
  'dataset.all_masked',
  'run.not_found',
  'run.not_live',
  'run.not_resumable',
  'callback.not_trusted', // data.callbacks: what the user has to be asked about
  'callback.invalid',
  'judge.not_allowed', // data.judges: what the user has to be asked about
  'checkpoint.not_found',
  'checkpoint.truncated',
  'checkpoint.mismatch',
  'checkpoint.corrupt', // bytes that are not those that were written; data.path
  'train.non_finite',
  'rank.died', // of several ranks, data.rank says which
  'rank.hung', // data.missing: the ranks that others wait for
  'engine.not_built',
  'device.unavailable',
  'memory.insufficient',
  'disk.full',
  'path.outside',
  'path.exists',
  'file.not_found',
  'file.unreadable',
  'auth.denied',
  'request.invalid',
  'connection.lost',
  'job.cancelled',
  'setup.failed',
  'internal',
] as const;

export type ErrorCode = (typeof errorCodes)[number];

export type { ErrorInfo } from './error-info.ts';

export class CollieError extends Error {
  readonly code: ErrorCode;
  readonly hint: string;
  readonly data: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, hint = '', data: Record<string, unknown> = {}) {
    super(message);
    this.name = 'CollieError';
    this.code = code;
    this.hint = hint;
    this.data = data;
  }

  toInfo(): ErrorInfo {
    return { code: this.code, message: this.message, hint: this.hint, data: this.data };
  }

  static fromInfo(info: ErrorInfo): CollieError {
    return new CollieError(info.code, info.message, info.hint, info.data);
  }
}

const HINT_DISK = 'Free some disk space, then try again. Nothing was lost.';
const HINT_PERMISSIONS = 'Check the permissions of this file or folder.';
const HINT_PATH = 'Check that the file exists and the path is spelled right.';

/** What the system's errors mean for a user: their number has the code, the sentence that names the path, the next step. */
const systemErrors: Record<string, [code: ErrorCode, what: (path: string) => string, hint: string]> = {
  ENOSPC: ['disk.full', (path) => `There is no space left to write ${path}`, HINT_DISK],
  EDQUOT: ['disk.full', (path) => `Your quota has no space left to write ${path}`, HINT_DISK],
  EFBIG: ['disk.full', (path) => `${path} would be larger than its file system allows`, HINT_DISK],
  ENOENT: ['file.not_found', (path) => `There is no ${path}`, HINT_PATH],
  ENOTDIR: ['file.not_found', (path) => `${path} leads through a file that is no folder`, HINT_PATH],
  ENAMETOOLONG: ['file.not_found', (path) => `${path} is longer than a path may be`, 'Give a shorter path.'],
  ELOOP: ['file.not_found', (path) => `${path} leads through links in a circle`, HINT_PATH],
  ERR_INVALID_ARG_VALUE: ['file.not_found', (path) => `${path} cannot be a path: it has a NUL`, HINT_PATH],
  EEXIST: ['path.exists', (path) => `${path} is there already`, 'Give another name.'],
  ENOTEMPTY: ['path.exists', (path) => `${path} is not empty`, 'Give another name.'],
  EISDIR: ['file.unreadable', (path) => `${path} is a folder, a file is needed`, 'Name a file.'],
  EACCES: ['file.unreadable', (path) => `${path} may not be opened`, HINT_PERMISSIONS],
  EPERM: ['file.unreadable', (path) => `${path} may not be changed`, HINT_PERMISSIONS],
  EROFS: ['file.unreadable', (path) => `${path} is on a read-only file system`, 'Choose another place.'],
  EIO: [
    'file.unreadable',
    (path) => `The disk failed at ${path}`,
    'Look at the disk, or copy the file again.',
  ],
  EMFILE: ['setup.failed', () => 'This process has too many open files', 'Raise the limit (`ulimit -n`).'],
  ENFILE: ['setup.failed', () => 'The system has too many open files', 'Close other programs.'],
};

/** Any thrown value as an ErrorInfo: what the system says of files gets a code and names the path, the rest is `internal`. */
export function toErrorInfo(thrown: unknown): ErrorInfo {
  if (thrown instanceof CollieError) return thrown.toInfo();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const { code: errno, path, dest } = (thrown ?? {}) as { code?: unknown; path?: unknown; dest?: unknown };
  const named = typeof dest === 'string' ? dest : typeof path === 'string' ? path : null;
  const data = named === null ? {} : { path: named };
  const known = systemErrors[nameOf(errno, message)];
  if (known) {
    const [code, what, hint] = known;
    const text = named === null ? message : `${what(shortened(named))} (${message.split(',')[0]}).`;
    return { code, message: text, hint, data };
  }
  return { code: 'internal', message, hint: 'This is a fault in Collie. The log has the details.', data };
}

/** The same number stands for other arguments that a function does not take: those are faults of ours. */
function nameOf(errno: unknown, message: string): string {
  if (errno === 'ERR_INVALID_ARG_VALUE' && !message.includes('null bytes')) return '';
  return typeof errno === 'string' ? errno : '';
}

/** A path of thousands of characters, or with a NUL, as it can be shown. */
function shortened(path: string): string {
  const visible = path.replaceAll('\0', '\\0');
  return visible.length <= 300 ? visible : `${visible.slice(0, 200)}...${visible.slice(-60)}`;
}
