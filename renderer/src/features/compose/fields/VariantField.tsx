import { Anchor, Group, Radio, Text } from '@mantine/core';
import type { FieldOption } from '../../../../../electron/shared/spec/spec-fields.ts';
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

/** Up to so many options are cards with all of their help; more are lines. */
const FEW = 4;

/** A choice that decides which other fields there are; each with what it means, the chosen one with its paper. */
export function VariantField({ field, id, value, error, help, onChange }: FieldProps) {
  const options = field.options ?? [];
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
      {options.length > FEW ? (
        <div className={classes.families}>
          {byFamily(options).map(([family, members]) => (
            <div key={family} className={classes.family}>
              {family !== '' && (
                <Text size="xs" fw={550} c="dimmed" px={10} mb={2}>
                  {family}
                </Text>
              )}
              {members.map((option) => (
                <VariantRow key={option.value} option={option} chosen={option === chosen} />
              ))}
            </div>
          ))}
        </div>
      ) : (
        <div className={classes.variants}>
          {options.map((option) => (
            <VariantCard key={option.value} option={option} />
          ))}
        </div>
      )}
      {chosen && <Chosen option={chosen} />}
    </Radio.Group>
  );
}

/** One of many: a line, with all of its help once it is chosen or pointed at. */
function VariantRow({ option, chosen }: { option: FieldOption; chosen: boolean }) {
  return (
    <Radio.Card value={option.value} className={classes.variantRow ?? ''} radius="sm" withBorder={false}>
      <Radio.Indicator size="xs" className={classes.variantDot ?? ''} />
      <Text size="sm" fw={550} lh={1.5}>
        {option.title}
      </Text>
      <Text size="xs" c="dimmed" lh={1.6} truncate={!chosen} title={chosen ? '' : option.help}>
        <InlineCode text={option.help} />
      </Text>
    </Radio.Card>
  );
}

/** One of a few. */
function VariantCard({ option }: { option: FieldOption }) {
  return (
    <Radio.Card value={option.value} className={classes.variant ?? ''} radius="md">
      <Group wrap="nowrap" align="flex-start" gap="sm">
        <Radio.Indicator mt={2} />
        <div>
          <Text size="sm" fw={550}>
            {option.title}
          </Text>
          <Text size="xs" c="dimmed">
            <InlineCode text={option.help} />
          </Text>
        </div>
      </Group>
    </Radio.Card>
  );
}

/** More about the chosen one. The link stands beside the cards, not in them: a link in a button cannot be reached. */
function Chosen({ option: { paper, meta } }: { option: FieldOption }) {
  const choose = meta?.traits?.choose;
  if (!paper && !choose) return null;
  return (
    <Text size="xs" mt={8}>
      {choose} {paper && 'Paper: '}
      {paper && (
        <Anchor href={paper.url} target="_blank" rel="noreferrer" size="xs" underline="always">
          {paper.title}
        </Anchor>
      )}
    </Text>
  );
}
