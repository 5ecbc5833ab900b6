import { Anchor, Checkbox, Group, Radio, SegmentedControl, Select, SimpleGrid, Text } from '@mantine/core';
import type { FieldOption } from '../../../../../electron/shared/spec-fields.ts';
import { useStore } from '../../../store/context.tsx';
import type { FieldProps } from './field-props.ts';

/** One of a few values. Devices that this machine does not have cannot be chosen. */
export function ChoiceField({ field, id, value, error, onChange }: FieldProps) {
  const devices = useStore((s) => s.system?.devices);
  const missing = (option: string) =>
    field.path === 'device' && devices !== undefined && !devices.some((d) => d.kind === option);
  const data = (field.options ?? []).map((option) => ({
    value: option.value,
    label: missing(option.value) ? `${optionTitle(option)} (none here)` : optionTitle(option),
    disabled: missing(option.value) && value !== option.value,
  }));
  if (data.length > 4)
    return (
      <Select
        id={id}
        data={data}
        error={error}
        allowDeselect={false}
        value={typeof value === 'string' ? value : null}
        onChange={(next) => next && onChange(next)}
      />
    );
  return (
    <>
      <SegmentedControl
        id={id}
        data={data}
        fullWidth
        tabIndex={-1}
        aria-label={field.meta.title}
        value={typeof value === 'string' ? value : ''}
        onChange={onChange}
      />
      {error && <FieldError text={error} />}
    </>
  );
}

const upper: Readonly<Record<string, string>> = { cpu: 'CPU', cuda: 'CUDA' };
const optionTitle = ({ value, title }: FieldOption): string =>
  upper[value] ??
  (title === value && /^[a-z]+$/.test(value) ? value.charAt(0).toUpperCase() + value.slice(1) : title);

export const FieldError = ({ text }: { text: string }) => (
  <Text size="xs" c="var(--mantine-color-error)" mt={4} role="alert">
    {text}
  </Text>
);

/** A choice that decides which other fields there are; each with what it means and its paper. */
export function VariantField({ field, id, value, error, onChange }: FieldProps) {
  const options = field.options ?? [];
  return (
    <Radio.Group
      id={id}
      aria-label={field.meta.title}
      value={typeof value === 'string' ? value : null}
      error={error}
      onChange={onChange}
    >
      <SimpleGrid cols={{ base: 1, sm: Math.min(2, options.length) }} spacing="sm">
        {options.map((option) => (
          <Radio.Card
            key={option.value}
            value={option.value}
            p="sm"
            radius="md"
            style={{ alignSelf: 'stretch' }}
          >
            <Group wrap="nowrap" align="flex-start" gap="sm">
              <Radio.Indicator mt={2} />
              <div>
                <Text size="sm" fw={550}>
                  {option.title}
                </Text>
                <Text size="xs" c="dimmed">
                  {option.help}
                </Text>
              </div>
            </Group>
          </Radio.Card>
        ))}
      </SimpleGrid>
      <Papers options={options.filter((option) => option.value === value)} />
    </Radio.Group>
  );
}

/** Links stand beside the cards, not in them: a link in a button cannot be reached. */
function Papers({ options }: { options: readonly FieldOption[] }) {
  return options.map(({ paper }) =>
    paper ? (
      <Anchor
        key={paper.url}
        href={paper.url}
        target="_blank"
        rel="noreferrer"
        size="xs"
        mt={6}
        display="inline-block"
      >
        {paper.title}
      </Anchor>
    ) : null,
  );
}

/** Some of several values. */
export function MultiChoiceField({ field, id, value, error, onChange }: FieldProps) {
  const chosen = Array.isArray(value) ? value.map(String) : [];
  const order = (field.options ?? []).map((option) => option.value);
  return (
    <Checkbox.Group
      id={id}
      aria-label={field.meta.title}
      value={chosen}
      error={error}
      // Kept in the schema's order, so that the same choice is the same spec.
      onChange={(next) => onChange(order.filter((one) => next.includes(one)))}
    >
      <Group gap="md" mt={4}>
        {field.options?.map((option) => (
          <Checkbox
            key={option.value}
            size="xs"
            value={option.value}
            label={option.title}
            styles={{ label: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
          />
        ))}
      </Group>
    </Checkbox.Group>
  );
}
