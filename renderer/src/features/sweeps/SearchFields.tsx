/** Which points are made of the settings, and with which seeds each is run. */
import { Group, NumberInput, SegmentedControl, Stack, TagsInput, Text, Title } from '@mantine/core';
import { MOST_RUNS } from '../../../../electron/shared/spec/sweep.ts';
import type { SweepDraft } from '../../store/sweep-draft.ts';
import classes from './Sweeps.module.css';

const searches = {
  grid: { label: 'Grid', help: 'Every combination of the values.' },
  random: { label: 'Random', help: 'Points drawn at random; the same for the same search seed.' },
  sobol: {
    label: 'Quasi-random',
    help: 'Sobol points fill the ranges more evenly than random ones; up to 10 settings.',
  },
} as const;

interface Props {
  readonly draft: SweepDraft;
  readonly onChange: (part: Partial<SweepDraft>) => void;
}

export function SearchFields({ draft, onChange }: Props) {
  const { search, points, searchSeed, seeds } = draft;
  return (
    <section className={classes.card} aria-labelledby="sweep-points">
      <Title order={2} size="h4" mb="xs" id="sweep-points">
        Points and seeds
      </Title>
      <Stack gap="sm">
        <Group gap="md" align="flex-end">
          <SegmentedControl
            aria-label="Search"
            value={search}
            onChange={(next) => onChange({ search: next as SweepDraft['search'] })}
            data={Object.entries(searches).map(([value, { label }]) => ({ value, label }))}
          />
          {search !== 'grid' && (
            <>
              <NumberInput
                w={110}
                label="Points"
                min={1}
                max={MOST_RUNS}
                allowDecimal={false}
                value={points}
                onChange={(next) => typeof next === 'number' && onChange({ points: next })}
              />
              <NumberInput
                w={120}
                label="Search seed"
                min={0}
                allowDecimal={false}
                value={searchSeed}
                onChange={(next) => typeof next === 'number' && onChange({ searchSeed: next })}
              />
            </>
          )}
        </Group>
        <Text size="xs" c="dimmed">
          {searches[search].help}
        </Text>
        <TagsInput
          label="Seeds"
          description="Each point is run once with each. Three or more tell a difference from chance; empty: the seed of the settings."
          placeholder={seeds.length === 0 ? '1, 2, 3' : ''}
          splitChars={[',', ' ', ';']}
          acceptValueOnBlur
          maxTags={20}
          value={[...seeds]}
          onChange={(next) => onChange({ seeds: next })}
        />
      </Stack>
    </section>
  );
}
