/** Three evaluation sets by clicking, with a tiny model. `tests/starter/evaluation.test.ts` is the same with a real one. */
import { describe } from 'vitest';
import { skipReason } from './support/browser.ts';
import { evaluationStory } from './support/evaluation-story.ts';
import { openWorkbench } from './support/workbench.ts';

const parity = Array.from({ length: 30 }, (_, k) => ({
  question: `Is ${k} even?`,
  answer: k % 2 === 0 ? 'yes' : 'no',
}));

describe.skipIf(skipReason)('evaluation sets', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 60 });
  evaluationStory(bench, {
    classes: {
      ...{ name: 'parity', rows: parity, chart: 'Macro F1' },
      ...{ question: 'Is 17 even?', search: 'is 17 even' },
    },
    ...{ rows: 20, learningRate: 0.01, seqLen: 128, steps: 4, every: 2, answer: 12 },
    learns: false,
    waitMs: 400_000,
  });
});
