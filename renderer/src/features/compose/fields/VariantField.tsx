import { Anchor, Group, Radio, Text } from '@mantine/core';
import type { FieldOption } from '../../../../../electron/shared/spec-fields.ts';
import { InlineCode } from '../../../components/InlineCode.tsx';
import classes from '../Compose.module.css';
import { type FieldProps, helpProps } from './field-props.ts';

/** Options by family, in the order of the schema; one group without a name when the schema has no families. */
export function byFamily(options: readonly FieldOption[]): [family: string, options: FieldOption[]][] {
  const families = new Map<string, FieldOption[]>();
  for (const option of options) {
    const family = option.family ?? '';
    families.set(family, [...(families.get(family) ?? []), option]);
  }
  return [...families];
}

/** A choice that decides which other fields there are; each with what it means, the chosen one with its paper. */
export function VariantField({ field, id, value, error, help, onChange }: FieldProps) {
  const options = field.options ?? [];
  const families = byFamily(options);
  const chosen = options.find((option) => option.value === value);
  return (
    <Radio.Group
      id={id}
      aria-label={field.meta.title}
      value={typeof value === 'string' ? value : null}
      error={error}
      {...helpProps({ id, help })}
      onChange={onChange}
    >
      {families.map(([family, members]) => (
        <div key={family} className={families.length > 1 ? classes.family : undefined}>
          {family !== '' && (
            <Text size="xs" fw={550} c="dimmed" className={classes.familyName ?? ''}>
              {family}
            </Text>
          )}
          <div className={classes.variants} data-many={options.length > 2 || undefined}>
            {members.map((option) => (
              <VariantCard key={option.value} option={option} />
            ))}
          </div>
        </div>
      ))}
      {chosen?.paper && <Paper paper={chosen.paper} />}
    </Radio.Group>
  );
}

function VariantCard({ option }: { option: FieldOption }) {
  return (
    <Radio.Card value={option.value} className={classes.variant ?? ''} radius="md">
      <Group wrap="nowrap" align="flex-start" gap="xs">
        <Radio.Indicator mt={2} size="xs" />
        <div>
          <Text size="sm" fw={550} lh={1.35}>
            {option.title}
          </Text>
          <Text size="xs" c="dimmed" lh={1.4}>
            <InlineCode text={option.help} />
          </Text>
        </div>
      </Group>
    </Radio.Card>
  );
}

/** The link stands beside the cards, not in them: a link in a button cannot be reached. */
function Paper({ paper }: { paper: NonNullable<FieldOption['paper']> }) {
  return (
    <Text size="xs" mt={8}>
      Paper:{' '}
      <Anchor href={paper.url} target="_blank" rel="noreferrer" size="xs">
        {paper.title}
      </Anchor>
    </Text>
  );
}
