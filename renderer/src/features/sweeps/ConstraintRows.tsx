/** Conditions between settings: points where one does not hold are left out. */
import { ActionIcon, Autocomplete, Button, Group, Select, Stack, Text, Title } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { useMemo } from 'react';
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import type { DraftConstraint } from '../../store/sweep-draft.ts';
import classes from './Sweeps.module.css';

const signs = [
  { value: '<', label: '<' },
  { value: '<=', label: '≤' },
  { value: '=', label: '=' },
  { value: '!=', label: '≠' },
  { value: '>=', label: '≥' },
  { value: '>', label: '>' },
];

interface Props {
  readonly constraints: readonly DraftConstraint[];
  readonly swept: readonly string[];
  readonly onChange: (constraints: readonly DraftConstraint[]) => void;
}

export function ConstraintRows({ constraints, swept, onChange }: Props) {
  const paths = useMemo(() => [...new Set([...swept, ...specFields().map(({ path }) => path)])], [swept]);
  const set = (place: number, part: Partial<DraftConstraint>) =>
    onChange(constraints.map((one, k) => (k === place ? { ...one, ...part } : one)));
  return (
    <section className={classes.card} aria-labelledby="sweep-constraints">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4" id="sweep-constraints">
          Constraints
        </Title>
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPlus size={14} aria-hidden />}
          onClick={() => onChange([...constraints, { left: swept[0] ?? '', is: '<=', right: '' }])}
        >
          Add a constraint
        </Button>
      </Group>
      <Stack gap="xs">
        {constraints.length === 0 && (
          <Text size="sm" c="dimmed">
            None. One such as “rank ≤ alpha” leaves out the points where it does not hold.
          </Text>
        )}
        {constraints.map((constraint, place) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: rows have no other name
          <Group key={place} gap="xs" wrap="nowrap">
            <Select
              flex={1}
              aria-label={`Constraint ${place + 1}: setting`}
              searchable
              data={paths}
              value={constraint.left || null}
              onChange={(left) => left && set(place, { left })}
            />
            <Select
              w={76}
              aria-label={`Constraint ${place + 1}: relation`}
              data={signs}
              allowDeselect={false}
              value={constraint.is}
              onChange={(is) => is && set(place, { is: is as DraftConstraint['is'] })}
            />
            <Autocomplete
              flex={1}
              aria-label={`Constraint ${place + 1}: number or setting`}
              placeholder="A number or a setting"
              data={paths}
              value={constraint.right}
              onChange={(right) => set(place, { right })}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove constraint ${place + 1}`}
              onClick={() => onChange(constraints.filter((_, k) => k !== place))}
            >
              <IconX size={16} aria-hidden />
            </ActionIcon>
          </Group>
        ))}
      </Stack>
    </section>
  );
}
