/** How the command line speaks: plain text for people, JSON with --json, errors with code, message and next step. */
import pc from 'picocolors';
import { type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import type { SpecIssue } from '../shared/spec/run-spec.ts';

/** 1: the command failed. 2: it was called wrongly (commander uses it too). 130: ended by Ctrl-C. */
export const exitCodes = { failed: 1, usage: 2, interrupted: 130 } as const;

export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}

/** To standard error, so that --json stays JSON. */
export const printNote = (sentence: string): void => {
  process.stderr.write(`${pc.dim('note')}  ${sentence}\n`);
};

export function printError(thrown: unknown, json: boolean): void {
  const info = toErrorInfo(thrown);
  if (json) {
    printJson({ error: info });
    return;
  }
  process.stderr.write(`${pc.red('error')} ${pc.dim(info.code)} ${info.message}\n`);
  for (const line of issueLines(info)) process.stderr.write(`  ${line}\n`);
  if (info.hint) process.stderr.write(`${pc.cyan('next')}  ${info.hint}\n`);
}

/** `path: message` for each problem of a spec. */
export function issueLine({ path, message, suggestion }: SpecIssue): string {
  return `${path || 'spec'}: ${message}${suggestion ? ` (${suggestion})` : ''}`;
}

function issueLines(info: ErrorInfo): string[] {
  const issues = info.code === 'spec.invalid' ? info.data.issues : null;
  return Array.isArray(issues) ? issues.map((issue) => issueLine(issue as SpecIssue)) : [];
}

/** Columns of equal width, the first row dim: short tables need no library. */
export function printTable(rows: string[][]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  rows.forEach((row, index) => {
    const line = row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
    process.stdout.write(`${index === 0 ? pc.dim(line) : line}\n`);
  });
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : value.toFixed(0)} ${units[power]}`;
}

export function formatSeconds(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
