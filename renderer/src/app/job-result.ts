/** Where a finished job leads: to what it made. Pure. */
import { z } from 'zod';
import type { Job } from '../../../electron/shared/api/entities.ts';
import { href } from './route.ts';

const card = z.object({ id: z.string() });
const exported = z.object({ runId: z.string() });

/** null while it runs, after a failure, and for a result that this window does not know. */
export function jobResult({ kind, state, subject, result }: Job): { label: string; href: string } | null {
  if (state !== 'done') return null;
  switch (kind) {
    case 'model.import': {
      const model = card.safeParse(result);
      return model.success ? { label: 'Open the model', href: href('models', model.data.id) } : null;
    }
    case 'dataset.import': {
      const dataset = card.safeParse(result);
      return dataset.success ? { label: 'Open the dataset', href: href('datasets', dataset.data.id) } : null;
    }
    case 'dataset.stats':
      return subject === null
        ? null
        : { label: 'Show the lengths', href: href('datasets', subject, 'tokens') };
    case 'export': {
      const record = exported.safeParse(result);
      return record.success
        ? { label: 'Open the run', href: href('runs', record.data.runId, { tab: 'checkpoints' }) }
        : null;
    }
    default:
      return null;
  }
}
