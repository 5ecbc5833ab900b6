/** Handlers of comparisons. */
import { exportComparison } from '../compare/export.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function compareHandlers({ compare }: Services): AreaHandlers<'compare'> {
  return {
    'compare.report': ({ view, results }) => compare.report(view, results),
    'compare.verdicts': ({ view }) => compare.verdicts(view),
    'compare.examples': ({ view, candidate }) => compare.examples(view, candidate),
    'compare.data': ({ view, candidate }) => compare.data(view, candidate),
    'compare.curves': ({ runs, metric, source, axis, most }) =>
      compare.curves(runs, metric, source, axis, most),
    'compare.importance': ({ view, metric, source }) => compare.importance(view, metric, source),
    'compare.export': async ({ name, view, format }) =>
      exportComparison(name, await compare.report(view), compare.verdicts(view), format),
    'compare.list': () => compare.library.list(),
    'compare.get': ({ id }) => compare.library.get(id),
    'compare.save': ({ id, name, view }) => compare.library.save(name, view, id),
    'compare.remove': ({ id }) => {
      compare.library.remove(id);
      return {};
    },
  };
}
