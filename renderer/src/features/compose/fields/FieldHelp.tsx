import { Text } from '@mantine/core';
import { type FieldProps, helpId } from './field-props.ts';

/** Help of a control that is none of Mantine's inputs; the control names it in `aria-describedby`. */
export const FieldHelp = ({ id, help }: Pick<FieldProps, 'id' | 'help'>) =>
  help ? (
    <Text id={helpId(id)} size="xs" c="dimmed" mt={5}>
      {help}
    </Text>
  ) : null;

export const FieldError = ({ text }: { text: string }) => (
  <Text size="xs" c="var(--mantine-color-error)" mt={4} role="alert">
    {text}
  </Text>
);
