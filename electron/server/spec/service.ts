/** What the host's API and the command line do with specs: check, resolve, preview, presets. */
import type { ModelCard, Preset, RunPreview } from '../../shared/entities.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import type { RunSpec, SpecIssue } from '../../shared/run-spec.ts';
import type { DatasetService } from '../datasets/service.ts';
import { freeMemoryBytes, nativePlanner, type SpecContext } from './context.ts';
import { readPresets } from './presets.ts';
import { type Patience, previewSpec } from './preview.ts';
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
  patience?: Patience;
}

const FORM_PATIENCE: Patience = { milliseconds: 3000 };

export class SpecService {
  readonly #context: Omit<SpecContext, 'base'>;

  /** @param resolveModel what a spec's `model` means; throws model.* errors. */
  constructor(
    datasets: DatasetService,
    resolveModel: (reference: string, base: string) => Promise<{ path: string; card: ModelCard }>,
    machine: Partial<Pick<SpecContext, 'planner' | 'freeMemoryBytes'>> = {},
  ) {
    this.#context = {
      resolveModel,
      datasets: datasets.library,
      lengths: datasets.lengths,
      planner: nativePlanner,
      freeMemoryBytes,
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
    const resolved = resolveSpec(schema.spec, { model, train, eval: found.eval }, context.base);
    try {
      const subject = { spec: resolved, model, tokenizer, train, eval: found.eval };
      const { preview, findings } = await previewSpec(subject, context, options.patience ?? FORM_PATIENCE);
      const messages = [...warnings, ...findings.warnings].map(({ message, suggestion }) =>
        suggestion === '' ? message : `${message} ${suggestion}`,
      );
      // Shown beside issues too: what a choice costs helps to mend it.
      const complete = { ...preview, warnings: messages };
      const wrong = all.length > 0 ? all : findings.issues;
      return { issues: wrong, resolved: wrong.length > 0 ? null : resolved, preview: complete };
    } catch (thrown) {
      // What cannot go together cannot be planned either: then the issues say why.
      if (all.length > 0) return { issues: all, resolved: null, preview: null };
      const { code, message, hint } = toErrorInfo(thrown);
      return { issues: [{ path: '', code, message, suggestion: hint }], resolved: null, preview: null };
    }
  }

  presets(): Promise<Preset[]> {
    return readPresets();
  }
}
