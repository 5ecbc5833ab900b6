import { Checkbox, Group, SegmentedControl, Select } from '@mantine/core';
import type { FieldOption } from '../../../../../electron/shared/spec/spec-fields.ts';
import { tasks } from '../../../../../electron/shared/spec/tasks.ts';
import { useStore } from '../../../store/context.tsx';
import { FieldError, FieldHelp } from './FieldHelp.tsx';
import { type FieldProps, helpId, helpProps } from './field-props.ts';

/** One of a few values. Devices that this machine does not have cannot be chosen. */
export function ChoiceField({ field, id, value, error, help, onChange }: FieldProps) {
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
        {...helpProps({ id, help })}
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
        maw={420}
        tabIndex={-1}
        aria-label={field.meta.title}
        {...(help ? { 'aria-describedby': helpId(id) } : {})}
        value={typeof value === 'string' ? value : ''}
        onChange={onChange}
      />
      <FieldHelp id={id} help={help} />
      {error && <FieldError text={error} />}
    </>
  );
}

/** One of a few values, or none. */
export function NullableChoiceField({ field, id, value, error, help, onChange }: FieldProps) {
  return (
    <Select
      id={id}
      data={(field.options ?? []).map((option) => ({ value: option.value, label: optionTitle(option) }))}
      error={error}
      {...helpProps({ id, help })}
      placeholder="None"
      clearable
      value={typeof value === 'string' ? value : null}
      onChange={onChange}
    />
  );
}

const upper: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  cuda: 'CUDA',
  nf4: 'NF4 (4 bits)',
  yes_no: 'Yes or no',
  '1-10': '1 to 10',
  '1-5': '1 to 5',
  '0-100': '0 to 100',
  json: 'JSON',
  mlp: 'MLP',
  relu: 'ReLU',
  gelu: 'GELU',
  silu: 'SiLU',
};
const optionTitle = ({ value, title }: FieldOption): string =>
  upper[value] ??
  tasks.find(({ name }) => name === value)?.title ??
  (title === value && /^[a-z_]+$/.test(value)
    ? `${value.charAt(0).toUpperCase()}${value.slice(1).replaceAll('_', ' ')}`
    : title);

/** Some of several values. */
export function MultiChoiceField({ field, id, value, error, help, onChange }: FieldProps) {
  const chosen = Array.isArray(value) ? value.map(String) : [];
  const order = (field.options ?? []).map((option) => option.value);
  return (
    <Checkbox.Group
      id={id}
      aria-label={field.meta.title}
      value={chosen}
      error={error}
      {...helpProps({ id, help })}
      // Kept in the schema's order, so that the same choice is the same spec.
      onChange={(next) => onChange(order.filter((one) => next.includes(one)))}
    >
      <Group gap="md" mt={4} mb={6}>
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
