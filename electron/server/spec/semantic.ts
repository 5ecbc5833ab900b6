/** Checks that need more than the schema: what the spec refers to, and settings that do not go together. */
import { ruleIssues } from '../../shared/spec/rules.ts';
import { tokenizerNotes } from '../models/fit.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { checkBest } from './check-best.ts';
import { checkCallbacks } from './check-callbacks.ts';
import { checkDataset } from './check-data.ts';
import { checkJudges } from './check-judges.ts';
import { checkMachine } from './check-machine.ts';
import { checkMethod } from './check-method.ts';
import { checkOptimization } from './check-optimization.ts';
import { checkParallel } from './check-parallel.ts';
import { checkSets } from './check-sets.ts';
import type { Findings, Found, SpecContext } from './context.ts';
import { checkInitAdapter } from './init-adapter.ts';
import { fromError, issue, type Parts } from './issue.ts';

/** Runs a lookup; what it throws becomes an issue at `path`. */
async function attempt<T>(
  findings: Findings,
  path: string,
  received: unknown,
  look: () => T | Promise<T>,
): Promise<T | null> {
  try {
    return await look();
  } catch (thrown) {
    findings.issues.push(fromError(path, thrown, received));
    return null;
  }
}

/** Finds model, tokenizer, datasets and devices; what cannot be found is an issue. */
export async function findReferences(parts: Parts, context: SpecContext, findings: Findings): Promise<Found> {
  const { model: name, dataset } = parts;
  const model =
    name === undefined
      ? null
      : await attempt(findings, 'model', name, () => context.resolveModel(name, context.base));
  if (model?.card.problem) {
    const { code, message, hint } = model.card.problem;
    findings.issues.push(issue('model', code, message, name, hint));
  }
  const tokenizer =
    model === null ? null : await attempt(findings, 'model', name, () => loadTokenizer(model.path));
  if (model && tokenizer) {
    const fit = () => tokenizerNotes(model.path, tokenizer, model.card.vocabSize);
    const notes = [...model.card.notes, ...((await attempt(findings, 'model', name, fit)) ?? [])];
    for (const note of new Set(notes)) findings.warnings.push(issue('model', 'model_notes', note, name, ''));
  }
  const open = (path: string, reference: string) =>
    attempt(findings, path, reference, () => context.datasets.resolve(reference, context.base));
  const train = dataset === undefined ? null : await open('dataset.train', dataset.train);
  const evaluation = dataset?.eval ? await open('dataset.eval', dataset.eval) : null;
  const sets: Found['sets'] = [];
  for (const [k, { data }] of (parts.evaluation?.sets ?? []).entries())
    sets.push(await open(`evaluation.sets.${k}.data`, data));
  const devices =
    parts.device === 'cuda'
      ? ((await attempt(findings, 'device', 'cuda', context.planner.devices)) ?? [])
      : [];
  if (devices.some(({ kind }) => kind === 'cuda'))
    await attempt(findings, 'device', 'cuda', () => context.engine('cuda'));
  return { model, tokenizer, train, eval: evaluation, sets, devices };
}

/** All checks beyond the schema, on the parts of the spec that are right on their own. */
export async function checkMeaning(parts: Parts, context: SpecContext): Promise<Findings & { found: Found }> {
  const findings: Findings = { issues: [], warnings: [] };
  const found = await findReferences(parts, context, findings);
  findings.issues.push(...ruleIssues(parts));
  checkDataset(parts, found, findings);
  checkSets(parts, found, findings);
  checkBest(parts, findings);
  checkMethod(parts, found, findings);
  await checkInitAdapter(parts, found, context.base, findings);
  checkOptimization(parts, findings);
  checkMachine(parts, found, findings);
  checkParallel(parts, found, context, findings);
  await checkCallbacks(parts, context, findings);
  checkJudges(parts, context, findings);
  return { ...findings, found };
}
