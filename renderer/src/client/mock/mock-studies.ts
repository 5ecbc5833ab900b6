/** The mock host's studies: a memory study that is through. */
import type { StudyReport } from '../../../../electron/shared/runs/study-report.ts';
import type { Handlers } from './mock-client.ts';

const report: StudyReport = {
  ...{ id: 'study-memory', kind: 'memory', name: 'Memory', complete: 2, runs: 2 },
  machine: 'Measured on 16 cores of AMD Ryzen 9 7950X.',
  tables: [
    {
      title: 'Peak memory of the training process',
      columns: ['Model', 'Method', 'Optimizer', 'Measured, GB', 'Forecast, GB'],
      rows: [
        ['smollm2-135m-instruct', 'full', 'adamw', 2.41, 2.38],
        ['smollm2-135m-instruct', 'lora', 'adamw', 0.93, 0.91],
      ],
    },
  ],
  figures: [
    {
      ...{ title: 'Peak memory against parameters', x: 'Parameters, millions', y: 'GB' },
      points: [
        { label: 'full adamw', series: 'full adamw', x: 134.5, y: 2.41 },
        { label: 'lora adamw', series: 'lora adamw', x: 134.5, y: 0.93 },
      ],
    },
  ],
  notes: ['The paper measured GPUs.'],
  left_out: [],
};

export const mockStudies: Pick<Handlers, Extract<keyof Handlers, `studies.${string}`>> = {
  'studies.preview': () => ({
    ...{ points: [], duplicates: 0, excluded: 0, present: 0, runs: 18 },
    ...{ totalSeconds: 5400, mostMemoryBytes: 2.4e9 },
  }),
  'studies.start': () => ({ id: 'study-memory', ids: ['run-adalora', 'run-sophia'] }),
  'studies.report': ({ id }) => ({ ...report, id }),
};
