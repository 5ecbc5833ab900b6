/** Handlers of the playground. */
import { CollieError } from '../../shared/errors.ts';
import { chooseCheckpoint } from '../runs/checkpoints.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

/** A chat needs no more, and the key-value cache of a long context costs memory. */
const MAX_CONTEXT = 4096;

export function playgroundHandlers({ models, runs, playground }: Services): AreaHandlers<'playground'> {
  return {
    'playground.open': async ({ modelId, tuned, sessionId }) => {
      const card = await models.get(modelId);
      if (card.problem) throw CollieError.fromInfo(card.problem);
      const specs = tuned.map(({ runId }) => runs.spec(runId));
      const options = {
        modelPath: card.path,
        tuned: tuned.map(({ runId, checkpoint }) => ({
          path: runs.dir(runId),
          checkpoint: chooseCheckpoint(runs.dir(runId), runId, checkpoint),
        })),
        // As trained. One base serves all, so a single run in fp32 takes the others along: nothing is lost that way.
        precision: specs.some(({ precision }) => precision === 'fp32') ? 'fp32' : 'bf16',
        // Runs over different ones cannot be served together: the rank says which.
        quantization: specs[0]?.quantization ?? 'none',
        context: Math.min(card.contextLength, MAX_CONTEXT),
        tokenizer: await loadTokenizer(card.path),
      } as const;
      return playground.open(options, sessionId);
    },
    'playground.close': ({ sessionId }) => {
      playground.close(sessionId);
      return {};
    },
  };
}
