/** Where a run comes from: resumed, continued from another run's adapter, or another run with a change. Pure. */
import type { ComparedRun } from '../../shared/runs/comparison.ts';
import type { RunSeries } from '../../shared/runs/series.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import type { RunFacts } from './facts.ts';
import { changeTexts, countChanges } from './settings.ts';

type Lineage = ComparedRun['lineage'];

/** More changes than these make another run, not a variant. */
const MOST_CHANGES = 3;

export function lineageOf(run: RunFacts, all: readonly RunFacts[], series: RunSeries | null): Lineage {
  return [...resumed(series), ...continued(run, all), ...variant(run, all)];
}

const resumed = (series: RunSeries | null): Lineage =>
  (series?.attempts ?? [])
    .filter(({ resumed_from_step }) => resumed_from_step > 0)
    .map(({ resumed_from_step: step }) => ({
      kind: 'resumed',
      from: null,
      text: `resumed from step ${step}; steps trained again are drawn once`,
    }));

function continued({ spec }: RunFacts, all: readonly RunFacts[]): Lineage {
  const start = spec && 'init_adapter' in spec.method ? spec.method.init_adapter : null;
  if (!start) return [];
  const from = all.find(({ dir }) => start.startsWith(`${dir}/`));
  return [
    { kind: 'continued', from: from?.id ?? null, text: `continued from ${from?.status.name ?? start}` },
  ];
}

/** The nearest earlier run of the same model and data. */
function variant(run: RunFacts, all: readonly RunFacts[]): Lineage {
  const { spec } = run;
  if (spec === null) return [];
  let nearest: { one: RunFacts; before: RunSpec } | null = null;
  let least = MOST_CHANGES + 1;
  for (const one of all) {
    if (!one.spec || one.id === run.id || one.status.createdAt >= run.status.createdAt) continue;
    const changes = countChanges(one.spec, spec, least);
    if (changes === 0 || changes >= least) continue;
    nearest = { one, before: one.spec };
    least = changes;
  }
  if (!nearest) return [];
  const texts = changeTexts(nearest.before, spec);
  if (nearest.before.seed !== spec.seed) texts.push(`seed ${spec.seed}`);
  return [
    { kind: 'changed', from: nearest.one.id, text: `${nearest.one.status.name} with ${texts.join(', ')}` },
  ];
}
