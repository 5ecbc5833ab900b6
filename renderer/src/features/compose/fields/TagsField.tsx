import { TagsInput } from '@mantine/core';
import { type FieldProps, helpProps } from './field-props.ts';

/** A list of short texts of which some are usual: tags, typed or chosen. */
export function TagsField({ field, id, value, error, help, onChange }: FieldProps) {
  const tags = Array.isArray(value) ? value.map(String) : [];
  return (
    <TagsInput
      id={id}
      data={field.meta.suggestions ?? []}
      value={tags}
      error={error}
      {...helpProps({ id, help })}
      {...(field.maxLength === undefined ? {} : { maxTags: field.maxLength })}
      clearable={(field.minLength ?? 0) === 0}
      placeholder={tags.length === 0 ? 'None' : ''}
      // Where the focus leaves a half-typed name, it is meant.
      acceptValueOnBlur
      styles={{
        pill: { fontFamily: 'var(--mantine-font-family-monospace)' },
        inputField: { fontFamily: 'var(--mantine-font-family-monospace)' },
      }}
      onChange={onChange}
    />
  );
}
