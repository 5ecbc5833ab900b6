/** A comparison that is not saved lives in the address: what is compared, and how. Pure. */
import {
  type ComparisonView,
  comparisonViewSchema,
  MAX_COMPARED,
} from '../../../../electron/shared/runs/comparison.ts';

const list = (text: string | null) => [...new Set((text ?? '').split(',').filter(Boolean))];

const rules: Record<string, ComparisonView['rule']> = {
  best: { kind: 'best' },
  'equal-tokens': { kind: 'equal_tokens' },
  'equal-time': { kind: 'equal_time' },
};

export function ruleOf(text: string): ComparisonView['rule'] {
  const count = Number(/^mean-(\d+)$/.exec(text)?.[1]);
  if (count >= 2 && count <= 1000) return { kind: 'mean_last', count };
  return rules[text] ?? { kind: 'last' };
}

export function ruleName(rule: ComparisonView['rule']): string {
  return rule.kind === 'mean_last' ? `mean-${rule.count}` : rule.kind.replace('_', '-');
}

/** Anything unreadable counts as not chosen. */
export function viewOfQuery(query: URLSearchParams): ComparisonView {
  const record = query.get('record');
  return comparisonViewSchema.parse({
    runs: list(query.get('runs'))
      .filter((id) => id.length <= 200)
      .slice(0, MAX_COMPARED),
    group_by: list(query.get('by')),
    grouped: query.get('groups') !== 'off',
    baseline: query.get('baseline')?.slice(0, 200) || null,
    pinned: list(query.get('pinned')).filter((id) => id.length <= 200),
    rule: ruleOf(query.get('rule') ?? ''),
    record: record === 'best' || record === 'first' ? record : 'last',
  });
}

/** What is as it is without being said is left out. */
export function queryOfView(view: ComparisonView): Record<string, string> {
  const rule = ruleName(view.rule);
  return {
    runs: view.runs.join(','),
    by: view.group_by.join(','),
    groups: view.grouped ? '' : 'off',
    baseline: view.baseline ?? '',
    pinned: view.pinned.join(','),
    rule: rule === 'last' ? '' : rule,
    record: view.record === 'last' ? '' : view.record,
  };
}

/** The runs of one group at another place: before that of `target`, or behind it where the moved ones stood before it. */
export function movedRuns(
  order: readonly string[],
  moved: readonly string[],
  target: readonly string[],
): string[] {
  const rest = order.filter((id) => !moved.includes(id));
  const places = target.map((id) => rest.indexOf(id)).filter((at) => at >= 0);
  if (places.length === 0) return [...order];
  const forward = order.indexOf(moved[0] ?? '') < order.indexOf(target[0] ?? '');
  const at = forward ? Math.max(...places) + 1 : Math.min(...places);
  return [...rest.slice(0, at), ...moved, ...rest.slice(at)];
}
