/**
 * What happens only once the user has allowed it, a row each: with what the host refuses until then, what is asked, what is shown, and how it is allowed. The window and the command line
 * ask about every kind in one way. How one of a kind is drawn stands in renderer/src/app/trust-items.tsx and cli/trust-kinds.ts, how it is kept in server/trust/store.ts.
 */
import type { ErrorInfo } from '../error-info.ts';
import type { ErrorCode } from '../errors.ts';
import type { Api } from './api.ts';
import type { InspectedCallback } from './callbacks.ts';
import type { NamedJudge } from './judges.ts';

/** As it is shown before it is allowed. */
export interface Shown {
  callbacks: InspectedCallback;
  judges: NamedJudge;
}
export type TrustName = keyof Shown;
type Caller = Pick<Api, 'call'>;

interface TrustKind<One> {
  /** Of the refusal; the data of the error has what it is about, under the name of the kind. */
  code: ErrorCode;
  /** In the window: the question, what a yes means, and the button that says it. */
  title: string;
  help: string;
  yes: string;
  /** On a terminal, below what is shown. */
  question: string;
  /** Where something went wrong after a yes. */
  failed: string;
  /** `refused`: what stands in the error's data. */
  shown(host: Caller, refused: readonly unknown[]): Promise<readonly One[]>;
  /** Whether it can be allowed at all. */
  usable(one: One): boolean;
  allow(host: Caller, shown: readonly One[]): Promise<unknown>;
}

export const trustKinds: { readonly [K in TrustName]: TrustKind<Shown[K]> } = {
  callbacks: {
    code: 'callback.not_trusted',
    title: 'Run this code beside the training?',
    help: 'A callback is a program: it can do what you can do, such as read your files and use the network. Approve it if you wrote it, or have read it and trust where it comes from. It is asked about again when it changes.',
    yes: 'Approve and run',
    question: 'This runs beside the training as a program that can do what you can do. Run it?',
    failed: 'The callbacks could not be approved',
    shown: (host, refused) =>
      host.call('callbacks.inspect', { paths: refused.map((one) => String(Object(one).path)) }),
    usable: ({ problem }) => problem === null,
    allow: (host, shown) =>
      host.call('callbacks.trust', { callbacks: shown.map(({ path, sha256 }) => ({ path, sha256 })) }),
  },
  judges: {
    code: 'judge.not_allowed',
    title: 'Send rows to this judge?',
    help: "Questions, reference answers and the model's answers of these evaluation sets are sent to the address below, at every evaluation. Allow it if you know who runs it. You are not asked again for the same address and key.",
    yes: 'Allow and start',
    question: 'Questions, references and answers of these sets are sent there to be judged. Allow it?',
    failed: 'The judge could not be allowed',
    shown: async (_host, refused) => refused as readonly NamedJudge[],
    usable: () => true,
    allow: (host, shown) =>
      host.call('judges.allow', { judges: shown.map(({ origin, keyEnv }) => ({ origin, keyEnv })) }),
  },
};
export const trustNames = Object.keys(trustKinds) as TrustName[];

/** What something waits for. */
export type TrustQuestion<K extends TrustName = TrustName> = {
  [P in K]: { readonly kind: P; readonly shown: readonly Shown[P][] };
}[K];

/** Of what kind a refusal of the host is; null: it is another error. */
export function refusedKind({ code, data }: ErrorInfo): TrustName | null {
  const kind = trustNames.find((name) => trustKinds[name].code === code);
  return kind !== undefined && Array.isArray(data[kind]) && data[kind].length > 0 ? kind : null;
}

export async function questionOf<K extends TrustName>(
  host: Caller,
  kind: K,
  { data }: ErrorInfo,
): Promise<TrustQuestion> {
  const shown = await trustKinds[kind].shown(host, data[kind] as unknown[]);
  return { kind, shown } as TrustQuestion;
}

export const canAllow = <K extends TrustName>({ kind, shown }: TrustQuestion<K>): boolean =>
  shown.every((one) => trustKinds[kind].usable(one));

/** Allows what was shown. */
export const allow = <K extends TrustName>(host: Caller, { kind, shown }: TrustQuestion<K>) =>
  trustKinds[kind].allow(host, shown);
