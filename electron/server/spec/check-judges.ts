/** Judges that evaluation sets name: whether they could be asked at all. Whether the user allows that is asked when a run is made. */
import { judgeOf } from '../../shared/spec/evaluation-sets.ts';
import { accessOf, accessText } from '../../shared/spec/judge.ts';
import { worldSize } from '../../shared/spec/parallel-fields.ts';
import type { Findings, SpecContext } from './context.ts';
import { issue, type Parts } from './issue.ts';

export function checkJudges(
  { evaluation, parallel }: Parts,
  { judges }: Pick<SpecContext, 'judges'>,
  findings: Findings,
): void {
  for (const [k, set] of (evaluation?.sets ?? []).entries()) {
    const judge = judgeOf(set);
    if (!judge) continue;
    const at = (field: string) => `evaluation.sets.${k}.evaluator.judge.${field}`;
    if (judge.key_env !== null && !process.env[judge.key_env]) {
      const message = `The environment variable ${judge.key_env}, which holds the key of the judge of "${set.name}", is not set here.`;
      const fix = 'Set it where the workbench is started, and start that again.';
      findings.issues.push(issue(at('key_env'), 'missing', message, judge.key_env, fix));
    }
    if (parallel && worldSize(parallel) > 1 && judge.limit_seconds >= parallel.hang_timeout) {
      const message = `The judge of "${set.name}" may take ${judge.limit_seconds} seconds while the other ranks wait, and parallel.hang_timeout ends the run after ${parallel.hang_timeout}.`;
      const fix = 'Give the judge less time, or raise parallel.hang_timeout.';
      findings.issues.push(issue(at('limit_seconds'), 'not_together', message, judge.limit_seconds, fix));
    }
    const access = accessOf(judge);
    if (judges.has(access)) continue;
    const message = `Rows of "${set.name}" would be sent to the judge at ${accessText(access)}, which you have not allowed yet.`;
    findings.warnings.push(
      issue(at('url'), 'not_allowed', message, judge.url, 'You are asked when the run starts.'),
    );
  }
}
