/** What the user is asked to allow, and has allowed, as text: a row for each kind (shared/api/trust.ts). */
import { resolve } from 'node:path';
import type { Approval } from '../server/callbacks/trust.ts';
import type { Host } from '../server/host.ts';
import type { Allowance } from '../server/judge/allowed.ts';
import type { Shown, TrustName } from '../shared/api/trust.ts';
import { CollieError } from '../shared/errors.ts';
import { accessText, judgeAddressProblem } from '../shared/spec/judge.ts';

export interface TrustFlags {
  trustCallbacks?: boolean;
  /** Addresses. */
  allowJudge?: readonly string[];
  json: boolean;
}

/** As the store of the library keeps it. */
interface Kept {
  callbacks: Approval;
  judges: Allowance;
}

interface TrustText<One, Stored> {
  /** Which of them the options name: nobody is asked about those. Throws request.invalid. */
  named(flags: TrustFlags): (one: One) => boolean;
  /** What the question is about: a heading, and lines below it. */
  shown(one: One): { title: string; lines: string[] };
  /** Where they are kept. */
  store(services: Host['services']): {
    list(): Stored[];
    forget(which: (kept: Stored) => boolean): Stored[];
  };
  /** Which of them `forget <what>` means. Throws request.invalid. */
  meant(what: string): (kept: Stored) => boolean;
  /** Where nothing is allowed, and where nothing is meant. */
  none: string;
  unknown(what: string): string;
  /** In lists. */
  columns: readonly string[];
  row(kept: Stored, day: string): string[];
  line(kept: Stored): string;
}

export const trustTexts: { readonly [K in TrustName]: TrustText<Shown[K], Kept[K]> } = {
  callbacks: {
    named:
      ({ trustCallbacks }) =>
      () =>
        trustCallbacks === true,
    shown: ({ path, text }) => ({ title: path, lines: text.trimEnd().split('\n') }),
    store: ({ callbacks }) => callbacks.trusted,
    meant:
      (what) =>
      ({ sha256, path }) =>
        path === resolve(what) || (what.length >= 6 && sha256.startsWith(what)),
    none: 'No callback is approved.',
    unknown: (what) => `No approved callback is ${what}.`,
    columns: ['sha256', 'approved', 'where it was'],
    row: ({ sha256, path }, day) => [sha256.slice(0, 12), day, path],
    line: ({ sha256, path }) => `${sha256.slice(0, 12)}  ${path}`,
  },
  judges: {
    named({ allowJudge = [] }) {
      const origins = allowJudge.map(originOf);
      return ({ origin }) => origins.includes(origin);
    },
    shown: ({ model, sets, ...access }) => ({
      title: `${accessText(access)}, model ${model}, evaluation set ${sets.join(', ')}`,
      lines: [],
    }),
    store: ({ judges }) => judges,
    meant(what) {
      const meant = originOf(what);
      return ({ origin }) => origin === meant;
    },
    none: 'No judge is allowed.',
    unknown: (what) => `No judge at ${what} is allowed.`,
    columns: ['origin', 'key in', 'allowed'],
    row: ({ origin, keyEnv }, day) => [origin, keyEnv ?? '(no key)', day],
    line: accessText,
  },
};

/** An address may be given whole. Throws request.invalid. */
export function originOf(url: string): string {
  const problem = judgeAddressProblem(url);
  if (problem === null) return new URL(url).origin;
  throw new CollieError('request.invalid', `${url} ${problem}.`, 'For example: http://127.0.0.1:8080', {
    url,
  });
}
