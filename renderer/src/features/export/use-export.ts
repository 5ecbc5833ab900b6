import { useState } from 'react';
import type { MethodParams } from '../../../../electron/shared/api/api.ts';
import { type ExportRecord, exportRecordSchema } from '../../../../electron/shared/api/export-record.ts';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { useClient, useStore } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';

export type ExportState =
  | { kind: 'idle' }
  | { kind: 'starting' }
  | { kind: 'running'; jobId: string }
  | { kind: 'done'; record: ExportRecord }
  | { kind: 'failed'; error: ErrorInfo };

/** One export from the wish to its record. The job itself lives in the host. */
export function useExport(): {
  state: ExportState;
  start(params: MethodParams<'exports.start'>): Promise<void>;
} {
  const client = useClient();
  const awaitJob = useStore((s) => s.awaitJob);
  const [state, setState] = useState<ExportState>({ kind: 'idle' });
  return {
    state,
    async start(params) {
      setState({ kind: 'starting' });
      try {
        const { jobId } = await client.call('exports.start', params);
        setState({ kind: 'running', jobId });
        setState({ kind: 'done', record: exportRecordSchema.parse(await awaitJob(jobId)) });
      } catch (thrown) {
        setState({ kind: 'failed', error: asErrorInfo(thrown) });
      }
    },
  };
}
