/**
 * Objectives: what a run minimises. A row says what one asks of the data and what it measures; the engine has the same in
 * `native/core/recipe/objectives.cpp` (a test holds both equal) and computes it in `native/engine/objective`. There is one so far, so that a
 * spec has nothing to choose.
 */

export interface ObjectiveInfo {
  type: string;
  title: string;
  help: string;
  /** Mappings of a dataset's columns (`dataset.mapping.kind`) that give its examples. */
  mappings: readonly ('prompt_answer' | 'chat')[];
  /** Documents of one example; they stay in one micro-batch. */
  documents: number;
  /** Whether every document comes with the log-probability that a reference model gives it. */
  reference: boolean;
  /** Names of `runs/metrics.ts` that it measures itself, by event. */
  metrics: Readonly<Record<'step' | 'eval', readonly string[]>>;
}

export const objectives: readonly ObjectiveInfo[] = [
  {
    type: 'cross_entropy',
    title: 'Cross entropy',
    help: 'Every answer token is predicted from those before it. The mean over the tokens that count, weighted where messages have a weight.',
    mappings: ['prompt_answer', 'chat'],
    documents: 1,
    reference: false,
    metrics: { step: ['loss'], eval: ['loss', 'perplexity', 'token_accuracy', 'target_tokens'] },
  },
];
