/**
 * The closed set of error codes. An error carries data and a next step, survives IPC, and is the same object
 * in the engine (C++ `collie::Error`), in the events of a run, in the API and in the UI.
 */
import { z } from 'zod';

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
  'checkpoint.not_found',
  'checkpoint.truncated',
  'checkpoint.mismatch',
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

export const errorInfoSchema = z.object({
  code: z.enum(errorCodes),
  /** One sentence that names the thing and the value. */
  message: z.string(),
  /** What the user can do next; empty when there is nothing. */
  hint: z.string().default(''),
  data: z.record(z.string(), z.unknown()).default({}),
});
export type ErrorInfo = z.infer<typeof errorInfoSchema>;

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

/** Any thrown value as an ErrorInfo: full disks and missing files get their own codes, the rest is `internal`. */
export function toErrorInfo(thrown: unknown): ErrorInfo {
  if (thrown instanceof CollieError) return thrown.toInfo();
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const errno = (thrown as { code?: unknown } | null)?.code;
  const path = (thrown as { path?: unknown } | null)?.path;
  const data = typeof path === 'string' ? { path } : {};
  if (errno === 'ENOSPC')
    return {
      code: 'disk.full',
      message,
      hint: 'Free some disk space, then try again. Nothing was lost.',
      data,
    };
  if (errno === 'ENOENT')
    return {
      code: 'file.not_found',
      message,
      hint: 'Check that the file exists and the path is spelled right.',
      data,
    };
  if (errno === 'EACCES' || errno === 'EPERM')
    return { code: 'file.unreadable', message, hint: 'Check the permissions of this file or folder.', data };
  return { code: 'internal', message, hint: 'This is a fault in Collie. The log has the details.', data };
}
