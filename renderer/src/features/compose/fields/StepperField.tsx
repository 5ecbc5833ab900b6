import { ActionIcon, NumberInput } from '@mantine/core';
import { IconMinus, IconPlus } from '@tabler/icons-react';
import { type FieldProps, helpProps, rangeText } from './field-props.ts';

/** A small whole number: typed, by arrow keys, or by buttons for one less and one more. */
export function StepperField({ field, id, value, error, help, onChange }: FieldProps) {
  const number = typeof value === 'number' ? value : null;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY } = field;
  const button = (to: number | null, label: string, icon: React.ReactNode) => (
    <ActionIcon
      size={30}
      variant="subtle"
      aria-label={`${label} ${field.meta.title}`}
      disabled={to === null || to < min || to > max}
      onClick={() => onChange(to)}
    >
      {icon}
    </ActionIcon>
  );
  return (
    <NumberInput
      id={id}
      value={number ?? ''}
      error={error}
      {...helpProps({ id, help })}
      hideControls
      allowDecimal={false}
      clampBehavior="none"
      {...(field.min === undefined ? {} : { min: field.min })}
      {...(field.max === undefined ? {} : { max: field.max })}
      title={rangeText(field)}
      leftSection={button(number === null ? null : number - 1, 'Lower', <IconMinus size={15} aria-hidden />)}
      rightSection={button(number === null ? null : number + 1, 'Raise', <IconPlus size={15} aria-hidden />)}
      styles={{ input: { textAlign: 'center' } }}
      onChange={(next) => onChange(typeof next === 'number' ? next : undefined)}
    />
  );
}
