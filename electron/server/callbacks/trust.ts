/** Which callbacks the user has approved, by their content: trusted-callbacks/<SHA-256>.json. A callback may do whatever the user may do, so nothing of one runs before that. */
import { z } from 'zod';
import { CollieError } from '../../shared/errors.ts';
import { type TrustFiles, TrustStore } from '../trust/store.ts';

const approvalSchema = z.object({
  v: z.literal(1),
  sha256: z.string(),
  /** Where it was when it was approved. */
  path: z.string(),
  at: z.string(),
});
export type Approval = z.infer<typeof approvalSchema>;

const HASH = /^[0-9a-f]{64}$/;

type ByContent = Pick<Approval, 'sha256'>;
const files: TrustFiles<ByContent, Approval> = {
  folder: 'trusted-callbacks',
  schema: approvalSchema,
  fileOf({ sha256 }) {
    if (HASH.test(sha256)) return sha256;
    throw new CollieError('request.invalid', `"${sha256}" is no SHA-256.`);
  },
};

export class TrustedCallbacks extends TrustStore<ByContent, Pick<Approval, 'sha256' | 'path'>, Approval> {
  constructor(home: string) {
    super(home, files);
  }
}

export const notTrusted = (callbacks: readonly { path: string; sha256: string }[]): CollieError =>
  new CollieError(
    'callback.not_trusted',
    `${callbacks.map(({ path }) => path).join(', ')} would run as a program beside the training, and you have not approved ${callbacks.length === 1 ? 'it' : 'them'} as ${callbacks.length === 1 ? 'it is' : 'they are'} now.`,
    'Read the code; then approve it in the form, with `collie callbacks trust`, or start with --trust-callbacks.',
    { callbacks },
  );
