/** The story of evaluation with the real starter model: three sets, asked while it trains, the best checkpoint kept, rows before and after. */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { skipReason } from '../e2e/support/browser.ts';
import { evaluationStory } from '../e2e/support/evaluation-story.ts';
import { openWorkbench } from '../e2e/support/workbench.ts';
import { copyStarter, STARTER_NAME, starterFolder } from './support.ts';

/** Sums with four answers to choose from; the right one is in turn at each place. */
const quiz = Array.from({ length: 24 }, (_, k) => {
  const [a, b] = [20 + k, (k * 7) % 10];
  const choices = [0, 1, 2, 3].map((place) => `It is ${a + b + place - (k % 4)}.`);
  return { question: `What is ${a} plus ${b}?`, answer: choices[k % 4], choices };
});

describe.skipIf(skipReason ?? !existsSync(starterFolder))('evaluation of the starter model', () => {
  const bench = openWorkbench({ model: copyStarter, modelName: STARTER_NAME, rows: 100 });
  evaluationStory(bench, {
    classes: {
      ...{ name: 'quiz', rows: quiz, choices: 'choices', chart: 'Accuracy' },
      ...{ question: 'What is 22 plus 4?', search: '22 plus 4' },
    },
    ...{ rows: 24, learningRate: 5e-4, seqLen: 96, steps: 24, every: 8, answer: 16 },
    ask: 'What is 31 plus 4?',
    learns: true,
    waitMs: 40 * 60_000,
  });
});
