/** The spec of a run that only evaluates: what has to do with training is not looked at, as its data may be long gone. */
import type { Mapping, RunSpec, SpecIssue } from '../../shared/spec/run-spec.ts';
import { columnsOf } from '../datasets/set-rows.ts';
import { checkJudges } from './check-judges.ts';
import { checkSets } from './check-sets.ts';
import type { Findings, Found, SpecContext } from './context.ts';
import { issue, type Parts } from './issue.ts';
import { resolveSpec } from './resolve.ts';
import { checkSchema } from './schema-issues.ts';
import { findReferences } from './semantic.ts';

export interface CheckedEvaluation {
  issues: SpecIssue[];
  /** Null with any issue. */
  resolved: RunSpec | null;
}

const CONCERNED = ['model', 'evaluation', 'device', 'precision', 'threads', 'batch'];
const concerns = (path: string) => path === '' || CONCERNED.includes(path.split('.')[0] ?? '');

/**
 * Checks model, device and sets. A set without columns of its own has those of the spec's dataset where its data has them, else what was
 * saved or guessed for its data. `ownRows`: there is something to evaluate beside the sets.
 */
export async function checkEvaluation(
  input: unknown,
  ownRows: boolean,
  context: SpecContext,
): Promise<CheckedEvaluation> {
  const schema = checkSchema(input);
  const findings: Findings = { issues: [], warnings: [] };
  const { dataset, ...rest } = schema.parts;
  const found = await findReferences(rest, context, findings);
  const parts = withMappings(schema.parts, found);
  checkSets(parts, found, findings);
  checkJudges(parts, context, findings);
  if (parts.evaluation?.sets.length === 0 && !ownRows) findings.issues.push(nothing());
  const issues = [...schema.issues, ...findings.issues].filter(({ path }) => concerns(path));
  const { model } = found;
  if (issues.length > 0 || !schema.spec || !model || !parts.evaluation) return { issues, resolved: null };
  const spec = { ...schema.spec, evaluation: parts.evaluation };
  // The training data is where it was; nothing reads it.
  const train = { card: { name: '' }, rowsPath: spec.dataset.train } as never;
  return {
    issues,
    resolved: resolveSpec(spec, { model, train, eval: null, sets: found.sets }, context.base),
  };
}

const nothing = () =>
  issue(
    'evaluation.sets',
    'required',
    'There is nothing to evaluate: no evaluation set is named.',
    [],
    'Add a set: data, and what is measured on it.',
  );

function withMappings(parts: Parts, { sets }: Found): Parts {
  const { evaluation, dataset } = parts;
  if (!evaluation) return parts;
  const mapped = evaluation.sets.map((set, k) => {
    const source = sets[k];
    if (!source || set.mapping !== null || set.task !== null) return set;
    const fits = (mapping: Mapping) => {
      try {
        columnsOf(source, { set, mapping });
        return true;
      } catch {
        return false;
      }
    };
    if (dataset && fits(dataset.mapping)) return { ...set, mapping: dataset.mapping };
    return { ...set, mapping: source.card.mapping };
  });
  return { ...parts, evaluation: { ...evaluation, sets: mapped } };
}
