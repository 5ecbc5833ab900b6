/** Checks that need more than the schema: what the spec refers to, and settings that do not go together. */
import { availableParallelism } from 'node:os';
import { type CollieError, toErrorInfo } from '../../shared/errors.ts';
import type { Mapping, RunSpec, SpecIssue } from '../../shared/run-spec.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import { loadTokenizer } from '../tokenize/tokenizer.ts';
import type { Findings, Found, SpecContext } from './context.ts';
import { nearest } from './suggest.ts';

type Parts = Partial<RunSpec>;

const issue = (
  path: string,
  code: string,
  message: string,
  received: unknown,
  suggestion: string,
): SpecIssue => ({ path, code, message, received, suggestion });

/** An error of resolving something, as an issue of the field that names it. */
function fromError(path: string, thrown: unknown, received: unknown): SpecIssue {
  const info = toErrorInfo(thrown as CollieError);
  return issue(path, info.code, info.message, received, info.hint);
}

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
  const open = (path: string, reference: string) =>
    attempt(findings, path, reference, () => context.datasets.resolve(reference, context.base));
  const train = dataset === undefined ? null : await open('dataset.train', dataset.train);
  const evaluation = dataset?.eval ? await open('dataset.eval', dataset.eval) : null;
  const devices =
    parts.device === 'cuda'
      ? ((await attempt(findings, 'device', 'cuda', context.planner.devices)) ?? [])
      : [];
  return { model, tokenizer, train, eval: evaluation, devices };
}

/** Types a column may have to hold texts, or lists of messages. `mixed` is found out when the rows are read. */
const HOLDS = {
  text: ['text', 'mixed'],
  messages: ['list', 'text', 'mixed'],
} as const;

function mappedFields(mapping: Mapping): { field: string; column: string; holds: keyof typeof HOLDS }[] {
  if (mapping.kind === 'chat') return [{ field: 'messages', column: mapping.messages, holds: 'messages' }];
  return (['prompt', 'answer', 'context', 'system'] as const).flatMap((field) => {
    const column = mapping[field];
    return column === null ? [] : [{ field, column, holds: 'text' as const }];
  });
}

function checkColumns(
  source: DatasetSource,
  mapping: Mapping,
  at: 'train' | 'eval',
  findings: Findings,
): void {
  const { name, columns } = source.card;
  const names = columns.map((column) => column.name);
  for (const { field, column, holds } of mappedFields(mapping)) {
    const path = at === 'train' ? `dataset.mapping.${field}` : 'dataset.eval';
    const found = columns.find((one) => one.name === column);
    if (found === undefined) {
      const near = nearest(column, names);
      const message = `The dataset "${name}" has no column "${column}". It has: ${names.join(', ')}.`;
      const suggestion = near === null ? 'Choose one of its columns.' : `Did you mean "${near}"?`;
      findings.issues.push(issue(path, 'dataset.missing_column', message, column, suggestion));
    } else if (
      !(HOLDS[holds] as readonly string[]).includes(found.type) &&
      !(found.type === 'empty' && optional(field))
    ) {
      const wanted = holds === 'text' ? 'texts are' : 'lists of messages are';
      const message = `The column "${column}" of "${name}" holds ${found.type === 'empty' ? 'nothing' : `values of type ${found.type}`}; ${wanted} expected.`;
      findings.issues.push(issue(path, 'dataset.bad_row', message, column, 'Choose another column.'));
    }
  }
}

const optional = (field: string) => field === 'context' || field === 'system';

function checkDataset(parts: Parts, found: Found, findings: Findings): void {
  const { dataset, evaluation } = parts;
  if (dataset === undefined) return;
  if (found.train) checkColumns(found.train, dataset.mapping, 'train', findings);
  if (found.eval) checkColumns(found.eval, dataset.mapping, 'eval', findings);
  if (found.train && found.eval && found.train.rowsPath === found.eval.rowsPath) {
    const message = 'The evaluation data is the training data: its loss says nothing about new rows.';
    findings.warnings.push(
      issue('dataset.eval', 'same_data', message, dataset.eval, 'Leave it empty to hold out some rows.'),
    );
  }
  const heldOut = dataset.eval !== null || (dataset.eval_fraction > 0 && (found.train?.card.rows ?? 2) > 1);
  if (!heldOut && evaluation && evaluation.every_steps > 0) {
    findings.issues.push(
      issue(
        'evaluation.every_steps',
        'no_evaluation_rows',
        `There is nothing to evaluate every ${evaluation.every_steps} steps: no evaluation data, and no rows held out.`,
        evaluation.every_steps,
        'Set dataset.eval, or dataset.eval_fraction above 0 with at least two rows; or set this to 0.',
      ),
    );
  }
}

/** Learning rates outside of these are unusual for the method. */
const USUAL_LR = { lora: [1e-6, 5e-3], full: [1e-7, 5e-4] } as const;

function checkOptimization({ method, optimizer, schedule, duration }: Parts, findings: Findings): void {
  if (method && optimizer) {
    const [low, high] = USUAL_LR[method.type];
    const lr = optimizer.learning_rate;
    if (lr < low || lr > high) {
      const name = method.type === 'lora' ? 'LoRA' : 'full fine-tuning';
      const message = `A learning rate of ${lr} is unusually ${lr < low ? 'low' : 'high'} for ${name} (usual: ${low} to ${high}).`;
      const effect = lr < low ? 'The model may hardly change.' : 'The training may diverge.';
      findings.warnings.push(issue('optimizer.learning_rate', 'unusual', message, lr, effect));
    }
  }
  if (method?.type === 'lora') {
    const twice = method.target_modules.filter((name, k, all) => all.indexOf(name) !== k);
    if (twice.length > 0) {
      const path = 'method.target_modules';
      const message = `Target modules names ${[...new Set(twice)].join(', ')} more than once.`;
      findings.issues.push(
        issue(path, 'duplicate', message, method.target_modules, 'Name each of them once.'),
      );
    }
  }
  if (duration?.unit === 'steps' && !Number.isInteger(duration.value)) {
    const message = `${duration.value} steps cannot be trained; steps are whole.`;
    const suggestion = `Use ${Math.max(1, Math.round(duration.value))}, or epochs as the unit.`;
    findings.issues.push(issue('duration.value', 'not_whole', message, duration.value, suggestion));
  }
  if (schedule && schedule.warmup_ratio > 0.5) {
    const message = `The learning rate rises for ${Math.round(schedule.warmup_ratio * 100)}% of the run${schedule.warmup_ratio === 1 ? ' and never reaches its peak' : ''}.`;
    findings.warnings.push(
      issue('schedule.warmup_ratio', 'unusual', message, schedule.warmup_ratio, '0.03 to 0.1 is usual.'),
    );
  }
  if (schedule?.type === 'constant' && schedule.min_lr_ratio > 0) {
    const message =
      'With a constant schedule the learning rate does not fall, so the final share has no effect.';
    findings.warnings.push(
      issue(
        'schedule.min_lr_ratio',
        'no_effect',
        message,
        schedule.min_lr_ratio,
        'Set it to 0, or choose cosine or linear.',
      ),
    );
  }
}

function checkMachine({ batch, device, threads, sampling }: Parts, found: Found, findings: Findings): void {
  const context = found.model?.card.contextLength;
  if (batch && context !== undefined && batch.seq_len > context) {
    const message = `The sequence length is ${batch.seq_len} tokens; the model "${found.model?.card.name}" takes at most ${context}.`;
    findings.issues.push(
      issue('batch.seq_len', 'above_context', message, batch.seq_len, `Use ${context} or less.`),
    );
  }
  if (
    sampling &&
    sampling.prompts.length > 0 &&
    context !== undefined &&
    sampling.max_new_tokens >= context
  ) {
    const message = `Samples of ${sampling.max_new_tokens} tokens do not fit the ${context} tokens of the model, prompt included.`;
    const path = 'sampling.max_new_tokens';
    findings.issues.push(
      issue(path, 'above_context', message, sampling.max_new_tokens, `Use less than ${context}.`),
    );
  }
  if (device === 'cuda' && !findings.issues.some(({ path }) => path === 'device')) {
    if (!found.devices.some(({ kind }) => kind === 'cuda')) {
      const message = 'There is no CUDA device on this machine.';
      findings.issues.push(issue('device', 'device.unavailable', message, device, 'Use cpu.'));
    }
  }
  const cores = availableParallelism();
  if (threads !== undefined && threads > cores) {
    const message = `${threads} threads share ${cores} cores: slower than one thread a core.`;
    findings.warnings.push(
      issue('threads', 'unusual', message, threads, `Use ${cores}, or 0 for all cores.`),
    );
  }
}

/** All checks beyond the schema, on the parts of the spec that are right on their own. */
export async function checkMeaning(parts: Parts, context: SpecContext): Promise<Findings & { found: Found }> {
  const findings: Findings = { issues: [], warnings: [] };
  const found = await findReferences(parts, context, findings);
  checkDataset(parts, found, findings);
  checkOptimization(parts, findings);
  checkMachine(parts, found, findings);
  return { ...findings, found };
}
