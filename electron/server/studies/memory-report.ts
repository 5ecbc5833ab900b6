/** The memory study: measured beside the forecast, per parameter, and by how much it grows with the model. */
import { PAPER_PEFT_MEMORY, paperMemory } from '../../shared/runs/paper-figures.ts';
import type { StudyFigure, StudyTable } from '../../shared/runs/study-report.ts';
import type { StudyRunMeasured } from './measured.ts';
import { modelName, round } from './words.ts';

const GB = 1e9;
const sameSetting = ({ spec }: StudyRunMeasured) => `${spec.method.type} ${spec.optimizer.type}`;
const paperOf = ({ spec }: StudyRunMeasured) =>
  spec.method.type === 'full' ? (paperMemory[spec.optimizer.type] ?? null) : PAPER_PEFT_MEMORY;

export function memoryTables(runs: readonly StudyRunMeasured[]): StudyTable[] {
  const measured = runs.filter(({ peakBytes, totalParams }) => peakBytes !== null && totalParams !== null);
  return [perRun(measured), perParameter(measured)];
}

function perRun(runs: readonly StudyRunMeasured[]): StudyTable {
  return {
    title: 'Peak memory of the training process',
    columns: [
      'Model',
      'Parameters, M',
      'Method',
      'Optimizer',
      'Measured, GB',
      'Forecast, GB',
      'Forecast / measured',
      'GB per billion parameters',
    ],
    rows: runs.map((one) => {
      const { spec, peakBytes, forecastBytes, totalParams } = one;
      const peak = Number(peakBytes);
      return [
        ...[
          modelName(spec.model),
          round(Number(totalParams) / 1e6, 4),
          spec.method.type,
          spec.optimizer.type,
        ],
        ...[round(peak / GB), forecastBytes === null ? null : round(forecastBytes / GB)],
        ...[forecastBytes === null ? null : round(forecastBytes / peak), round(peak / Number(totalParams))],
      ];
    }),
  };
}

/** Between the smallest and the largest model: what does not grow with it, such as the program itself, is left out. */
function perParameter(runs: readonly StudyRunMeasured[]): StudyTable {
  const groups = groupBy(runs);
  const rows = [...groups.values()].flatMap((group) => {
    const sorted = [...group].sort((a, b) => Number(a.totalParams) - Number(b.totalParams));
    const [small, large] = [sorted[0], sorted.at(-1)];
    if (!small || !large || small === large || small.totalParams === large.totalParams) return [];
    const params = Number(large.totalParams) - Number(small.totalParams);
    const slope = (of: 'peakBytes' | 'forecastBytes') =>
      small[of] === null || large[of] === null
        ? null
        : round((Number(large[of]) - Number(small[of])) / params);
    const { method, optimizer } = large.spec;
    return [[method.type, optimizer.type, slope('peakBytes'), slope('forecastBytes'), paperOf(large)]];
  });
  return {
    title: 'Growth with the model, GB per billion parameters',
    columns: ['Method', 'Optimizer', 'Measured', 'Forecast', "The paper's GB per billion parameters"],
    rows,
  };
}

function groupBy(runs: readonly StudyRunMeasured[]): Map<string, StudyRunMeasured[]> {
  const groups = new Map<string, StudyRunMeasured[]>();
  for (const run of runs) groups.set(sameSetting(run), [...(groups.get(sameSetting(run)) ?? []), run]);
  return groups;
}

export function memoryFigures(runs: readonly StudyRunMeasured[]): StudyFigure[] {
  const points = runs.flatMap((one) =>
    one.peakBytes === null || one.totalParams === null
      ? []
      : [
          {
            label: sameSetting(one),
            series: sameSetting(one),
            x: one.totalParams / 1e6,
            y: one.peakBytes / GB,
          },
        ],
  );
  return [{ title: 'Peak memory against parameters', x: 'Parameters, millions', y: 'GB', points }];
}

export const memoryNotes = (runs: readonly StudyRunMeasured[]): string[] => [
  "The paper measured GPUs with mixed-precision states, bf16, sequences of 2,048 and a batch of 1 on models of 7 billion parameters and more; its figure for Adam is above the textbook's 16 to 18 bytes a parameter, so it measures that set-up, not the algorithm.",
  `Here the memory is that of the process (on a CPU with the program and its libraries in it), with sequences of ${runs[0]?.spec.batch.seq_len ?? '-'} and a batch of ${runs[0]?.spec.batch.micro_batch_size ?? '-'}. For small models the fixed part weighs most: read the growth, not the quotient.`,
  'Models with a number of layers in their name have the shape of the model before them and random weights.',
];
