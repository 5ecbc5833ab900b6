import { Switch } from '@mantine/core';
import type { FieldProps } from './field-props.ts';

export function BooleanField({ id, value, error, onChange }: FieldProps) {
  return (
    <Switch
      id={id}
      checked={value === true}
      error={error}
      label={value === true ? 'On' : 'Off'}
      onChange={(event) => onChange(event.currentTarget.checked)}
    />
  );
}
