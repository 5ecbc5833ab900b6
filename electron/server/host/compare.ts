/** Handlers of comparisons. */
import { exactMcNemar } from '../compare/statistics/tests.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function compareHandlers({ compare }: Services): AreaHandlers<'compare'> {
  return {
    'compare.report': ({ view, results }) => compare.report(view, results),
    'compare.verdicts': ({ view }) => compare.verdicts(view),
    'compare.examples': ({ view, candidate, ...wish }) => compare.examples(view, candidate, wish),
    'compare.example': ({ view, candidate, set, id }) => compare.example(view, candidate, set, id),
    'compare.summaries': ({ view, rows }) => compare.summaries(view, rows),
    'compare.data': ({ view, candidate }) => compare.data(view, candidate),
    'compare.curves': ({ view, ...wish }) => compare.curves(view, wish),
    'compare.table': ({ view }) => compare.table(view),
    'compare.vote': ({ won, lost }) => ({ p: exactMcNemar(won, lost) }),
    'compare.importance': ({ view, metric, source }) => compare.importance(view, metric, source),
    'compare.export': ({ name, view, format }) => compare.export(name, view, format),
    'compare.list': () => compare.library.list(),
    'compare.get': ({ id }) => compare.library.get(id),
    'compare.save': ({ id, name, view }) => compare.library.save(name, view, id),
    'compare.remove': ({ id }) => {
      compare.library.remove(id);
      return {};
    },
  };
}
