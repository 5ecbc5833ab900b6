import { Switch } from '@mantine/core';
import { FieldHelp } from './FieldHelp.tsx';
import { type FieldProps, helpId } from './field-props.ts';

export function BooleanField({ id, value, error, help, blocked, onChange }: FieldProps) {
  return (
    <>
      <Switch
        id={id}
        checked={value === true}
        error={error}
        disabled={blocked && value !== true}
        {...(help ? { 'aria-describedby': helpId(id) } : {})}
        label={value === true ? 'On' : 'Off'}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      <FieldHelp id={id} help={help} />
    </>
  );
}
