/** The mock host's evaluated rows of two runs: held-out ones with a loss, a set of answers, a set of labels. */
import type {
  ComparedExample,
  Examples,
  OpenedExample,
  RowMetric,
  RowOutput,
} from '../../../../electron/shared/runs/compared-examples.ts';

const metric = (name: string, title: string, unit: string, better: RowMetric['better']): RowMetric => ({
  name,
  title,
  unit,
  better,
});

const sets: Record<string, RowMetric[]> = {
  eval: [
    metric('loss', 'Loss', 'nats', 'lower'),
    metric('token_accuracy', 'Token accuracy', 'share', 'higher'),
  ],
  sums: [
    metric('number_match', 'Number match', 'share', 'higher'),
    metric('word_f1', 'F1 of words', 'share', 'higher'),
  ],
  parity: [metric('accuracy', 'Accuracy', 'share', 'higher')],
};

const row = (k: number, baseline: number, candidate: number, lower: boolean): ComparedExample => ({
  id: String(k),
  conversation: String(k),
  messages: [
    { role: 'user', content: `What is ${k} plus ${k}?` },
    { role: 'assistant', content: String(2 * k) },
  ],
  tokens: 10 + k,
  baseline,
  candidate,
  outcome: baseline === candidate ? 'tied' : candidate < baseline === lower ? 'won' : 'lost',
});

export function mockExamples(wanted: string, by: string): Examples {
  const set = wanted in sets ? wanted : 'eval';
  const metrics = sets[set] ?? [];
  const chosen = metrics.find(({ name }) => name === by) ?? metrics[0] ?? null;
  const examples =
    set === 'eval'
      ? [row(1, 1.2, 1, true), row(2, 0.9, 0.95, true)]
      : [row(1, 1, 0, false), row(2, 1, 1, false)];
  const count = (outcome: ComparedExample['outcome']) =>
    examples.filter((one) => one.outcome === outcome).length;
  return {
    problem: null,
    notes: [],
    sets: Object.keys(sets),
    set,
    metrics,
    metric: chosen,
    won: count('won'),
    lost: count('lost'),
    tied: count('tied'),
    examples,
    slices: [{ title: '11 to 12 tokens', rows: 2, difference: -0.1, won: count('won'), lost: count('lost') }],
    columns: ['topic'],
  };
}

export function mockExample(baseline: string, candidate: string, set: string, id: string): OpenedExample {
  const metrics = sets[set] ?? [];
  const output = (run: string, text: string, chosen: string, value: number): RowOutput => ({
    run,
    name: run,
    step: 60,
    answers: set === 'sums' ? [{ text, finish: 'stop' }] : [],
    chosen: set === 'parity' ? chosen : null,
    probability: set === 'parity' ? 0.8 : null,
    scores: Object.fromEntries(metrics.map(({ name }) => [name, value])),
  });
  return {
    id,
    messages: [{ role: 'user', content: `What is ${id} plus ${id}?` }],
    expected: [set === 'parity' ? 'odd' : String(2 * Number(id))],
    metrics,
    baseline: [output(baseline, `The sum is ${2 * Number(id)}`, 'odd', 1)],
    candidate: [output(candidate, 'The sum is seven', 'even', 0)],
  };
}
