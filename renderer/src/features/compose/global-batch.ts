/** The global batch of a draft in a line, as it stands beside the gradient accumulation. */

import { batchSchema } from '../../../../electron/shared/spec/batch-fields.ts';
import { parallelSchema } from '../../../../electron/shared/spec/parallel-fields.ts';
import { globalBatch } from '../../../../electron/shared/spec/run-spec.ts';
import { formatInteger } from '../../components/format.ts';
import type { Draft } from '../../store/draft.ts';

/** "Global batch: 4 x 2 x 2 ranks = 16 sequences, at most 8,192 tokens"; null while one of the sizes is none. */
export function globalBatchText(draft: Draft): string | null {
  const batch = batchSchema.safeParse(draft.batch ?? {}).data;
  const parallel = parallelSchema.safeParse(draft.parallel ?? {}).data;
  if (!batch || !parallel) return null;
  const { sequences, tokens } = globalBatch({ batch, parallel });
  const ranks = parallel.dp_size > 1 ? ` x ${formatInteger(parallel.dp_size)} ranks` : '';
  return `Global batch: ${batch.micro_batch_size} x ${batch.grad_accum_steps}${ranks} = ${formatInteger(sequences)} sequences, at most ${formatInteger(tokens)} tokens`;
}
