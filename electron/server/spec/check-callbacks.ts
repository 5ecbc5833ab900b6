/** Callbacks that a spec names: there, readable, and of the right form. Whether they are approved is asked when a run is made. */
import type { Findings, SpecContext } from './context.ts';
import { fromError, issue, type Parts } from './issue.ts';

export async function checkCallbacks(
  { callbacks = [] }: Parts,
  { callbacks: checks, base }: SpecContext,
  findings: Findings,
): Promise<void> {
  for (const [k, path] of callbacks.entries()) {
    try {
      const { trusted } = await checks.check(path, base);
      if (trusted) continue;
      const message = `The callback ${path} is not approved yet: it is a program that can do what you can do.`;
      findings.warnings.push(
        issue(`callbacks.${k}`, 'not_trusted', message, path, 'You are asked when the run starts.'),
      );
    } catch (thrown) {
      findings.issues.push(fromError(`callbacks.${k}`, thrown, path));
    }
  }
}
