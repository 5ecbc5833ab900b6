/** Studies: made into runs of the queue, and read back as a report. */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { comparisonViewSchema, type Verdict } from '../../shared/runs/comparison.ts';
import type { StudyReport } from '../../shared/runs/study-report.ts';
import type { SweepRecord } from '../../shared/runs/sweep-record.ts';
import { type Study, studyRuns, studySchema } from '../../shared/spec/study.ts';
import type { SweepPreview } from '../../shared/spec/sweep-preview.ts';
import type { CompareService } from '../compare/service.ts';
import type { QueueService } from '../queue/service.ts';
import type { CheckedRun } from '../queue/sweep.ts';
import type { RunRegistry } from '../runs/registry.ts';
import type { Validated } from '../spec/service.ts';
import { measuredRuns, type StudyRunMeasured } from './measured.ts';
import { memoryFigures, memoryNotes, memoryTables } from './memory-report.ts';
import { byData, contenders, qualityFigures, qualityNotes, qualityTables } from './quality-report.ts';
import { modelOfShape } from './shapes.ts';
import { throughputFigures, throughputNotes, throughputTables } from './throughput-report.ts';

export interface StudyParts {
  home: string;
  runs: RunRegistry;
  queue: QueueService;
  compare: CompareService;
  validate(spec: unknown): Promise<Validated>;
  /** The folder of a model that a spec may name. */
  modelFolder(reference: string): Promise<string>;
}

interface Checked {
  study: Study;
  runs: CheckedRun[];
  preview: SweepPreview;
}

/** What is kept of a study: its definition, and the points that could not be run. */
interface Definition {
  study: Study;
  left_out: string[];
}

export class StudyService {
  readonly #parts: StudyParts;

  constructor(parts: StudyParts) {
    this.#parts = parts;
  }

  async check(input: unknown): Promise<Checked> {
    const parsed = studySchema.safeParse(input);
    if (!parsed.success) {
      const first = parsed.error.issues[0];
      throw new CollieError(
        'spec.invalid',
        `The study cannot be read: ${first?.path.length ? `${first.path.join('.')}: ` : ''}${first?.message.replace(/\.$/, '')}.`,
        'docs/studies.md says what a study holds.',
        { issues: [] },
      );
    }
    const study = parsed.data;
    const runs: CheckedRun[] = [];
    const points: SweepPreview['points'] = [];
    for (const { values, seed, spec } of studyRuns(study, await this.#models(study))) {
      const { issues, resolved, preview } = await this.#parts.validate(spec);
      const forecast = {
        seconds: preview?.time.seconds ?? null,
        memoryBytes: preview?.memory.totalBytes ?? null,
      };
      points.push({ values, again: 0, runs: 1, issues, ...forecast });
      if (resolved) runs.push({ values, seed, spec: { ...resolved, name: String(spec.name) }, forecast });
    }
    const seconds = runs.map(({ forecast }) => forecast.seconds);
    const memory = runs.flatMap(({ forecast }) => forecast.memoryBytes ?? []);
    const totalSeconds = seconds.some((one) => one === null)
      ? null
      : seconds.reduce<number>((a, b) => a + Number(b), 0);
    const mostMemoryBytes = memory.length === 0 ? null : Math.max(...memory);
    const sums = { duplicates: 0, excluded: 0, present: 0, runs: runs.length, totalSeconds, mostMemoryBytes };
    return { study, runs, preview: { points, ...sums } };
  }

  /** Queues what can be run of it; the report says what cannot. */
  async start(input: unknown): Promise<SweepRecord> {
    const { study, runs, preview } = await this.check(input);
    const left = preview.points.flatMap(({ values, issues: [first] }) =>
      first ? [`${Object.values(values).map(String).join(', ')}: ${first.message}`] : [],
    );
    if (runs.length === 0)
      throw new CollieError(
        'spec.invalid',
        `No run of the study "${study.name}" can be made. ${left[0] ?? ''}`,
        preview.points.flatMap(({ issues }) => issues[0]?.suggestion || [])[0] ??
          'Change what it is made of.',
        { issues: [] },
      );
    const definition: Definition = { study, left_out: [...new Set(left)] };
    return this.#parts.queue.addSweep(study.kind, study.name, definition, runs);
  }

  async report(id: string): Promise<StudyReport> {
    const record = this.#parts.queue.sweeps.get(id);
    if (record.kind === 'sweep')
      throw new CollieError(
        'request.invalid',
        `${id} is a sweep, not a study.`,
        'The Sweeps page shows it.',
        { id },
      );
    const definition = record.definition as Definition;
    const runs = measuredRuns(record.runs, this.#parts.runs);
    const done = runs.filter(({ status }) => status.state === 'completed');
    const failed = runs.flatMap(({ status }) =>
      status.state === 'failed' ? [`${status.name}: ${status.error?.message ?? 'failed'}`] : [],
    );
    return {
      ...{ id, kind: record.kind, name: record.name, complete: done.length, runs: record.runs.length },
      machine: `Measured on ${cpus().length} cores of ${cpus()[0]?.model.trim() ?? 'an unknown processor'}.`,
      ...(await this.#shown(record.kind, done)),
      left_out: [...definition.left_out, ...failed],
    };
  }

  async #shown(
    kind: Study['kind'],
    runs: readonly StudyRunMeasured[],
  ): Promise<Pick<StudyReport, 'tables' | 'figures' | 'notes'>> {
    if (kind === 'memory')
      return { tables: memoryTables(runs), figures: memoryFigures(runs), notes: memoryNotes(runs) };
    if (kind === 'throughput')
      return {
        tables: throughputTables(runs, shapeOf),
        figures: throughputFigures(runs),
        notes: throughputNotes(),
      };
    const verdicts: Verdict[] = [];
    for (const own of byData(runs).values()) {
      const best = contenders(own).flatMap((one) => one.runs.map(({ run }) => run.id));
      const view = comparisonViewSchema.parse({ runs: best, baseline: best[0] ?? null });
      if (best.length > 1) verdicts.push(...(await this.#parts.compare.verdicts(view)));
    }
    return {
      tables: qualityTables(runs, verdicts),
      figures: qualityFigures(runs),
      notes: qualityNotes(runs),
    };
  }

  /** Those of the definition, and beside each those of its shape. */
  async #models(study: Study): Promise<string[]> {
    const all: string[] = [];
    for (const model of study.models) {
      all.push(model);
      if (study.layers.length === 0) continue;
      const folder = await this.#parts.modelFolder(model);
      for (const layers of study.layers)
        all.push(modelOfShape(folder, layers, join(this.#parts.home, 'cache', 'shapes')));
    }
    return all;
  }
}

function shapeOf(model: string): { layers: number; hidden: number } | null {
  try {
    const { num_hidden_layers, hidden_size } = JSON.parse(readFileSync(join(model, 'config.json'), 'utf8'));
    return typeof num_hidden_layers === 'number' && typeof hidden_size === 'number'
      ? { layers: num_hidden_layers, hidden: hidden_size }
      : null;
  } catch {
    return null;
  }
}
