/** Calls about the paper's studies: part of `methods` in api.ts. */
import { z } from 'zod';
import { studyReportSchema } from '../runs/study-report.ts';
import { sweepPreviewSchema } from '../spec/sweep-preview.ts';

const id = z.string().min(1);

export const studyMethods = {
  /** The runs of a study (spec/study.ts), checked, with the time ahead. Models of other shapes are made for it. */
  'studies.preview': { params: z.object({ study: z.unknown() }), result: sweepPreviewSchema },
  /** Queues the runs that can be made: all of them or, when that fails, none. Studies stand in `sweeps.list` beside the sweeps. */
  'studies.start': { params: z.object({ study: z.unknown() }), result: z.object({ id, ids: z.array(id) }) },
  /** What its complete runs show. */
  'studies.report': { params: z.object({ id }), result: studyReportSchema },
} as const;
