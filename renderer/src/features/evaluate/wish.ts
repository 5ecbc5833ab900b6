/** What an evaluation that a page asks for begins with. Pure. */
import type { MethodParams } from '../../../../electron/shared/api/api.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { libraryRef } from '../../store/compose.ts';
import type { Entry } from '../compose/fields/evaluation-sets.ts';
import { datasetOf, type Library } from '../runs/run-view.ts';

export type EvaluationOf = MethodParams<'evaluations.start'>['of'];

/** The sets of a run, their data by what the library calls it. */
export const firstSets = ({ evaluation }: RunSpec, library: Library): Entry[] =>
  evaluation.sets.map((set) => {
    const card = datasetOf(set.data, library);
    return { ...set, data: card ? libraryRef(card.id) : set.data };
  });

export const hasHeldOut = ({ dataset }: RunSpec): boolean =>
  dataset.eval !== null || dataset.eval_fraction > 0;
