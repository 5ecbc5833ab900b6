/** What the host's API and the command line do with specs: check, resolve, preview, layouts, presets. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LayoutForecast, ModelCard, Preset, RunPreview } from '../../shared/api/entities.ts';
import type { ModelFit } from '../../shared/api/model-fit.ts';
import { CollieError } from '../../shared/errors.ts';
import type { RunSpec, SpecIssue } from '../../shared/spec/run-spec.ts';
import { readUnapproved } from '../callbacks/service.ts';
import type { DatasetService } from '../datasets/service.ts';
import { requireMpirun, requireRank } from '../rank/rank.ts';
import { freeMemoryBytes, nativePlanner, type SpecContext } from './context.ts';
import { type CheckedEvaluation, checkEvaluation } from './evaluation.ts';
import { rankLayouts, refusalIssues } from './layouts.ts';
import { modelFit } from './model-fit.ts';
import { readPresets } from './presets.ts';
import { previewSpec, specForMemory, type WaitForLengths } from './preview.ts';
import { resolveSpec } from './resolve.ts';
import { checkSchema } from './schema-issues.ts';
import { checkMeaning } from './semantic.ts';

export interface Validated {
  /** Everything that stops the run, together. */
  issues: SpecIssue[];
  /** Every default filled in, paths absolute; null with any issue. */
  resolved: RunSpec | null;
  /** null when something it needs is missing; given beside issues where it can be. */
  preview: RunPreview | null;
}

export interface ValidateOptions {
  /** Relative paths in the spec start here; left out: the working directory. */
  base?: string;
  /** How long to wait for token counts; left out: as long as a form may wait. */
  wait?: WaitForLengths;
}

const FORM_WAIT: WaitForLengths = { milliseconds: 3000 };

export class SpecService {
  readonly #context: Omit<SpecContext, 'base'>;

  /** @param resolveModel what a spec's `model` means; throws model.* errors. */
  constructor(
    datasets: DatasetService,
    resolveModel: (reference: string, base: string) => Promise<{ path: string; card: ModelCard }>,
    machine: Partial<
      Pick<
        SpecContext,
        'planner' | 'freeMemoryBytes' | 'mpirun' | 'engine' | 'measuredRuns' | 'callbacks' | 'judges'
      >
    > = {},
  ) {
    this.#context = {
      resolveModel,
      datasets: datasets.library,
      lengths: datasets.lengths,
      planner: nativePlanner,
      freeMemoryBytes,
      mpirun: requireMpirun,
      engine: requireRank,
      measuredRuns: () => [],
      callbacks: { check: readUnapproved },
      judges: { has: () => false },
      ...machine,
    };
  }

  /** Never throws on a bad spec: all issues come back together. */
  async validate(input: unknown, options: ValidateOptions = {}): Promise<Validated> {
    const context: SpecContext = { ...this.#context, base: options.base ?? process.cwd() };
    const schema = checkSchema(input);
    const { issues, warnings, found } = await checkMeaning(schema.parts, context);
    const all = [...schema.issues, ...issues];
    const { model, tokenizer, train } = found;
    if (!schema.spec || !model || !tokenizer || !train || model.card.problem)
      return { issues: all, resolved: null, preview: null };
    const resolved = resolveSpec(
      schema.spec,
      { model, train, eval: found.eval, sets: found.sets },
      context.base,
    );
    try {
      const subject = { spec: resolved, model, tokenizer, train, eval: found.eval };
      const { preview, findings } = await previewSpec(subject, context, options.wait ?? FORM_WAIT);
      const messages = [...warnings, ...findings.warnings].map(({ message, suggestion }) =>
        suggestion === '' ? message : `${message} ${suggestion}`,
      );
      // Shown beside issues too: what a choice costs helps to mend it.
      const complete = { ...preview, warnings: [...schema.notes, ...messages] };
      const wrong = all.length > 0 ? all : findings.issues;
      return { issues: wrong, resolved: wrong.length > 0 ? null : resolved, preview: complete };
    } catch (thrown) {
      // What cannot go together cannot be planned either: then the issues say why.
      const refused = refusalIssues(thrown);
      const told = new Set(all.map(({ path }) => path));
      const more = all.length === 0 ? refused : refused.filter(({ path }) => path !== '' && !told.has(path));
      return { issues: [...all, ...more], resolved: null, preview: null };
    }
  }

  /** Of a run that only evaluates. `ownRows`: it has rows to evaluate beside its sets. Never throws on a bad spec. */
  validateEvaluation(input: unknown, ownRows: boolean, base = process.cwd()): Promise<CheckedEvaluation> {
    return checkEvaluation(input, ownRows, { ...this.#context, base });
  }

  /**
   * Layouts of so many ranks that the spec and its model allow, the best first. Needs a spec whose settings are right on their own;
   * with its data, memory is that of the preview, whose micro-batches are no longer than their rows. Throws model.* errors, engine.not_built, and spec.invalid with the issues of the settings.
   */
  async layouts(input: unknown, ranks: number, base = process.cwd()): Promise<LayoutForecast[]> {
    const schema = checkSchema(input);
    const { spec, issues } = schema;
    if (!spec) throw new CollieError('spec.invalid', 'Layouts need a spec without mistakes.', '', { issues });
    const context: SpecContext = { ...this.#context, base };
    const { path, card } = await context.resolveModel(spec.model, base);
    const config = await readFile(join(path, 'config.json'), 'utf8');
    const { tokenizer, train, eval: held } = (await checkMeaning(schema.parts, context)).found;
    const subject = tokenizer && train ? { spec, model: { path, card }, tokenizer, train, eval: held } : null;
    const measured = subject ? await specForMemory(subject, context, FORM_WAIT) : spec;
    const { planner, freeMemoryBytes: free } = context;
    return rankLayouts(config, measured, ranks, {
      planner,
      devices: planner.devices(),
      freeMemoryBytes: free,
    });
  }

  /** What the model takes with each method. Throws model.* errors, among them what makes it unfit for training, and engine.not_built. */
  async modelFit(reference: string): Promise<ModelFit> {
    const { path, card } = await this.#context.resolveModel(reference, process.cwd());
    if (card.problem) throw CollieError.fromInfo(card.problem);
    const { planner, freeMemoryBytes: free } = this.#context;
    const config = await readFile(join(path, 'config.json'), 'utf8');
    return modelFit(config, card, { planner, devices: planner.devices(), freeMemoryBytes: free });
  }

  presets(): Promise<Preset[]> {
    return readPresets();
  }
}
