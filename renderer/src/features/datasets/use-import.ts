/** The steps of an import: a look at the file as it would be read, then the import itself. */
import { useState } from 'react';
import type { DatasetCard, DatasetPreview } from '../../../../electron/shared/api/entities.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { useStore } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';

/** What is read, and how. */
export interface Reading {
  readonly path: string;
  readonly encoding: 'utf-8' | 'windows-1252';
  readonly ragged: 'refuse' | 'leave_out';
}

export function useImport(onDone: (dataset: DatasetCard) => void) {
  const startPreview = useStore((s) => s.previewDataset);
  const startImport = useStore((s) => s.importDataset);
  const awaitJob = useStore((s) => s.awaitJob);
  const [seen, setSeen] = useState<{ reading: Reading; preview: DatasetPreview } | null>(null);
  const [failure, setFailure] = useState<{ title: string; info: ErrorInfo } | null>(null);
  const [step, setStep] = useState<'idle' | 'looking' | 'importing'>('idle');
  const [jobId, setJobId] = useState<string | null>(null);
  const job = useStore((s) => (jobId ? s.jobs[jobId] : undefined));

  async function run<T>(step: 'looking' | 'importing', title: string, start: () => Promise<string>) {
    setStep(step);
    setFailure(null);
    try {
      const id = await start();
      setJobId(id);
      return (await awaitJob(id)) as T;
    } catch (thrown) {
      setFailure({ title, info: asErrorInfo(thrown) });
      return null;
    } finally {
      setStep('idle');
    }
  }

  return {
    job,
    step,
    failure,
    /** The preview of exactly this reading; null: it was not looked at so. */
    previewOf: (reading: Reading) =>
      seen !== null && JSON.stringify(seen.reading) === JSON.stringify(reading) ? seen.preview : null,
    async look(reading: Reading) {
      const preview = await run<DatasetPreview>('looking', 'The file cannot be imported as it is', () =>
        startPreview(reading),
      );
      if (preview) setSeen({ reading, preview });
    },
    async bring(reading: Reading, name: string, unusable: 'keep' | 'leave_out') {
      const card = await run<DatasetCard>('importing', 'The import failed', () =>
        startImport({ ...reading, name, unusable }),
      );
      if (card) onDone(card);
    },
  };
}
