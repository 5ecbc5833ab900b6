import { Group, Select, Text } from '@mantine/core';
import { Swatch } from '../../charts/Swatch.tsx';
import type { Compared, LookedGroup } from './compared.ts';
import type { Comparison } from './use-comparison.ts';

/** The group that is held against the baseline; null: there is only that. */
export function candidateOf({ groups }: Compared, comparison: Comparison): LookedGroup | null {
  const others = groups.filter(({ baseline }) => !baseline);
  return others.find(({ key }) => key === comparison.query.get('vs')) ?? others[0] ?? null;
}

/** Which two are looked at: the baseline, and one of the others. */
export function CandidateSelect(props: {
  compared: Compared;
  candidate: LookedGroup;
  comparison: Comparison;
}) {
  const { compared, candidate, comparison } = props;
  const { groups, baseline } = compared;
  return (
    <Group gap="sm" mb="md">
      <Text size="sm">
        {baseline && <Swatch line={baseline.look} />} {baseline?.title} (baseline) against
      </Text>
      <Swatch line={candidate.look} />
      <Select
        size="xs"
        w={320}
        aria-label="Candidate"
        data={groups
          .filter(({ baseline: isBaseline }) => !isBaseline)
          .map(({ key, title }) => ({ value: key, label: title }))}
        value={candidate.key}
        allowDeselect={false}
        searchable
        onChange={(vs) => vs && comparison.setQuery({ vs })}
      />
    </Group>
  );
}
